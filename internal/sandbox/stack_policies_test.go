// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// deployed is a customer's stack "access", which deploy creates.
type deployed struct {
	t   *testing.T
	box *Sandbox
	cfn *cfn.Client
	iam *iam.Client
	id  string
}

func deploy(t *testing.T, resources, outputs string) *deployed {
	t.Helper()
	d := &deployed{t: t, box: start(t)}
	d.cfn, d.iam = cfn.NewFromConfig(as(t, d.box, customer)), iam.NewFromConfig(as(t, d.box, customer))
	out, err := d.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{
		StackName: aws.String("access"), TemplateBody: body(resources, outputs),
		Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.id = *out.StackId
	return d
}

// body returns a template with resources and outputs.
func body(resources, outputs string) *string {
	text := `{"Resources":{` + resources + `}`
	if outputs != "" {
		text += `,"Outputs":{` + outputs + `}`
	}
	text += "}"
	return &text
}

// settled waits until no operation is under way in the stack, checks its status,
// and returns it.
func (d *deployed) settled(status string) Stack {
	d.t.Helper()
	st, err := d.box.WaitStack(d.t.Context(), d.id)
	if err != nil || st.Status != status {
		d.t.Fatalf("the stack is %s, %v, want %s:\n%s", st.Status, err, status, d.events())
	}
	return st
}

// events returns the stack's events, one per line.
func (d *deployed) events() string {
	var b strings.Builder
	for _, e := range d.box.StackEvents(d.id) {
		fmt.Fprintf(&b, "%s %s %s\n", e.LogicalResourceID, e.ResourceStatus, e.ResourceStatusReason)
	}
	return b.String()
}

func (d *deployed) update(resources, outputs, status string) Stack {
	d.t.Helper()
	_, err := d.cfn.UpdateStack(d.t.Context(), &cfn.UpdateStackInput{
		StackName: &d.id, TemplateBody: body(resources, outputs), Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.settled(status)
}

func (d *deployed) remove(status string) {
	d.t.Helper()
	if err := d.box.DeleteStack(d.t.Context(), d.id); err != nil {
		d.t.Fatal(err)
	}
	d.settled(status)
}

// policyOf returns a policy document that allows an action, with a resource name
// of size characters.
func policyOf(action string, size int) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":%q,"Resource":"arn:aws:s3:::%s"}}`, action, strings.Repeat("x", size))
}

// roleWith returns the resource Role with additional properties.
func roleWith(properties string) string {
	return `"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"acme","AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}}` + properties + `}}`
}

// inline returns the property Policies with documents by name.
func inline(policies map[string]string) string {
	var list []any
	for name, document := range policies {
		list = append(list, map[string]any{"PolicyName": name, "PolicyDocument": json.RawMessage(document)})
	}
	b, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return `,"Policies":` + string(b)
}

func TestOldAndNewPoliciesTogetherCountAgainstTheLimits(t *testing.T) {
	t.Parallel()
	managed := func(names ...string) string {
		return `,"ManagedPolicyArns":["arn:aws:iam::aws:policy/` + strings.Join(names, `","arn:aws:iam::aws:policy/`) + `"]`
	}
	ten := []string{
		"ReadOnlyAccess", "SecurityAudit", "IAMReadOnlyAccess", "AmazonS3ReadOnlyAccess", "AmazonSQSReadOnlyAccess",
		"AmazonDynamoDBReadOnlyAccess", "AWSCloudFormationReadOnlyAccess", "CloudWatchReadOnlyAccess", "AmazonEC2ReadOnlyAccess", "AWSDenyAll",
	}
	for name, test := range map[string]struct{ before, after, between, reason string }{
		"inline policies": {
			inline(map[string]string{"old": policyOf("s3:GetObject", 6000)}), inline(map[string]string{"new": policyOf("s3:PutObject", 6000)}),
			inline(map[string]string{"unrelated": policyOf("s3:GetObject", 10)}), "Maximum policy size of 10240 bytes exceeded",
		},
		"managed policies": {managed(ten...), managed(append([]string{"AmazonSNSFullAccess"}, ten[1:]...)...), managed(ten[1:]...), "Cannot exceed quota for PoliciesPerRole: 10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, roleWith(test.before), "")
			d.settled("CREATE_COMPLETE")
			d.update(roleWith(test.after), "", "UPDATE_ROLLBACK_COMPLETE")
			if events := d.events(); !strings.Contains(events, test.reason) {
				t.Errorf("the events do not contain %q:\n%s", test.reason, events)
			}
			// The change succeeds in two steps.
			d.update(roleWith(test.between), "", "UPDATE_COMPLETE")
			d.update(roleWith(test.after), "", "UPDATE_COMPLETE")
			d.remove("DELETE_COMPLETE")
		})
	}
}

// managedPolicyOf returns the resources Policy, a managed policy, and Role, which
// attaches it by Ref.
func managedPolicyOf(document string) string {
	return `"Policy":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"Path":"/acme/","PolicyDocument":` + document + `}},` +
		roleWith(`,"ManagedPolicyArns":[{"Ref":"Policy"}]`)
}

// attached returns the ARNs of the managed policies that are attached to the role.
func (d *deployed) attached() []string {
	d.t.Helper()
	out, err := d.iam.ListAttachedRolePolicies(d.t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: aws.String("acme")})
	if err != nil {
		d.t.Fatal(err)
	}
	var arns []string
	for _, p := range out.AttachedPolicies {
		arns = append(arns, *p.PolicyArn)
	}
	return arns
}

func TestAStackCreatesAManagedPolicyAndAttachesIt(t *testing.T) {
	t.Parallel()
	d := deploy(t, managedPolicyOf(policyOf("s3:GetObject", 5000)), `"Arn":{"Value":{"Fn::GetAtt":["Policy","PolicyArn"]}},"Same":{"Value":{"Ref":"Policy"}}`)
	st := d.settled("CREATE_COMPLETE")
	arn := st.Outputs["Arn"]
	if got := d.attached(); len(got) != 1 || got[0] != arn || st.Outputs["Same"] != arn || !strings.HasPrefix(arn, "arn:aws:iam::222222222222:policy/acme/access-Policy-") {
		t.Fatalf("the attached policies are %v, the outputs are %v", got, st.Outputs)
	}
	// After six updates there are five versions, and the last is the default.
	for i := range 6 {
		d.update(managedPolicyOf(policyOf("s3:GetObject", 100+i)), "", "UPDATE_COMPLETE")
	}
	policy, err := d.iam.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	version, err := d.iam.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: policy.Policy.DefaultVersionId})
	if err != nil || *policy.Policy.DefaultVersionId != "v7" || strings.Count(*version.PolicyVersion.Document, "x") != 105 {
		t.Errorf("the default version is %s: %+v, %v", *policy.Policy.DefaultVersionId, version, err)
	}
	versions, err := d.iam.ListPolicyVersions(t.Context(), &iam.ListPolicyVersionsInput{PolicyArn: &arn})
	if err != nil || len(versions.Versions) != 5 {
		t.Errorf("there are %d versions, %v", len(versions.Versions), err)
	}
	// CloudFormation detaches a policy before it deletes it.
	d.update(roleWith(""), "", "UPDATE_COMPLETE")
	if got := d.attached(); len(got) != 0 {
		t.Errorf("the attached policies are %v", got)
	}
	if _, err := d.iam.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: &arn}); err == nil {
		t.Error("the policy still exists after it was removed from the template")
	}
	d.remove("DELETE_COMPLETE")
}

func TestAStackWithManagedPoliciesIsDeleted(t *testing.T) {
	t.Parallel()
	d := deploy(t, managedPolicyOf(policyOf("s3:GetObject", 10)), "")
	d.settled("CREATE_COMPLETE")
	arn := d.attached()[0]
	d.update(managedPolicyOf(policyOf("s3:GetObject", 11)), "", "UPDATE_COMPLETE")
	d.remove("DELETE_COMPLETE")
	if _, err := d.iam.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: &arn}); err == nil {
		t.Error("the policy still exists after the stack was deleted")
	}
}

func TestAManagedPolicyOverTheSizeLimitIsRefused(t *testing.T) {
	t.Parallel()
	d := deploy(t, managedPolicyOf(policyOf("s3:GetObject", 6200)), "")
	d.settled("ROLLBACK_COMPLETE")
	if events := d.events(); !strings.Contains(events, "Cannot exceed quota for PolicySize: 6144") {
		t.Errorf("the events are\n%s", events)
	}
}

func TestAManagedPolicyWithANewPathIsReplaced(t *testing.T) {
	t.Parallel()
	resources := managedPolicyOf(policyOf("s3:GetObject", 10))
	d := deploy(t, resources, "")
	d.settled("CREATE_COMPLETE")
	before := d.attached()[0]
	d.update(strings.Replace(resources, "/acme/", "/other/", 1), "", "UPDATE_COMPLETE")
	if got := d.attached(); len(got) != 1 || !strings.Contains(got[0], ":policy/other/") {
		t.Errorf("the attached policies are %v", got)
	}
	if _, err := d.iam.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: &before}); err == nil {
		t.Error("the old policy still exists")
	}
}
