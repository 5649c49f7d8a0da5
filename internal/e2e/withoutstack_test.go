// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
	"github.com/xacct/terraform-provider-xacct/internal/trial/plainiam"
)

// set creates a permission set with which customers can create the role without a
// stack.
func (w *World) set(name string, declared permissionset.Set) (onboarding.PermissionSet, []byte) {
	w.T.Helper()
	spec := w.Specification(declared.Role)
	spec.Set = declared
	template, err := stacktemplate.Render(spec)
	w.Must(err)
	record, err := w.Registry().CreatePermissionSet(w.T.Context(), onboarding.PermissionSet{
		Hub: Hub, Name: name, RolePath: "/", TrustedPrincipals: spec.Provers(spec.Vendor), RegisterWithoutStack: true,
		TemplateVersion: stacktemplate.Version(spec), TemplateURL: w.Publish(template.JSON()), TemplateParameters: template.LinkParameters(), AdditionalRoles: declaration.AdditionalRoles(spec),
		Declared: declaration.EncodeSet(declared), CreatedAt: w.Now(),
	})
	w.Must(err)
	return record, template.JSON()
}

// referring returns a change that makes a link refer to a set.
func referring(set onboarding.PermissionSet) func(*onboarding.Link) {
	return func(l *onboarding.Link) {
		l.Issued = true
		*l = l.WithSet(set)
	}
}

// seeks searches once for roles without a stack, as a registrar does every minute.
func (w *World) seeks() {
	w.T.Helper()
	health.Discovery{
		Passes: w.Registry(), Log: slog.New(slog.DiscardHandler),
		Round: health.Config{Registry: w.Registry(), Prover: registrar.NewProver(w.Clients, w.Record), Clock: w.Now},
	}.DiscoverOnce(w.T.Context())
}

// applies creates the resources of a snippet as a customer's Terraform does, with
// these values of its variables.
func (c *Customer) applies(snippet string, variables map[string]cty.Value) {
	c.T.Helper()
	if err := (plainiam.Applier{Client: c.iam(), Account: c.Account}).Apply(c.T.Context(), snippet, variables); err != nil {
		c.T.Fatalf("%v\n%s", err, snippet)
	}
}

// rolesAsMade returns the relevant properties of a customer's roles, for comparison.
func (c *Customer) rolesAsMade() (made []string) {
	c.T.Helper()
	for _, name := range c.roles() {
		for _, line := range c.roleAsMade(name) {
			made = append(made, name+": "+line)
		}
	}
	slices.Sort(made)
	return made
}

func (c *Customer) roleAsMade(role string) []string {
	c.T.Helper()
	client, ctx, name := c.iam(), c.T.Context(), &role
	found, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	c.Must(err)
	canonical := func(document *string) string {
		plain, err := url.QueryUnescape(*document)
		c.Must(err)
		parsed, err := iampolicy.Parse(plain)
		c.Must(err)
		return strings.ReplaceAll(parsed.String(), c.Link.ExternalID.String(), "EXTERNAL-ID")
	}
	r := found.Role
	made := []string{"trust " + canonical(r.AssumeRolePolicyDocument), "path " + *r.Path, "description " + aws.ToString(r.Description)}
	if r.PermissionsBoundary != nil {
		made = append(made, "boundary "+*r.PermissionsBoundary.PermissionsBoundaryArn)
	}
	for _, tag := range r.Tags {
		if !strings.HasPrefix(*tag.Key, "aws:") {
			made = append(made, "tag "+*tag.Key+"="+*tag.Value)
		}
	}
	inline, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name})
	c.Must(err)
	for _, policy := range inline.PolicyNames {
		out, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: &policy})
		c.Must(err)
		made = append(made, "inline "+policy+" "+canonical(out.PolicyDocument))
	}
	attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	c.Must(err)
	for _, policy := range attached.AttachedPolicies {
		if strings.Contains(*policy.PolicyArn, ":aws:policy/") {
			made = append(made, "attached "+*policy.PolicyArn)
			continue
		}
		found, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: policy.PolicyArn})
		c.Must(err)
		version, err := client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: policy.PolicyArn, VersionId: found.Policy.DefaultVersionId})
		c.Must(err)
		made = append(made, "own policy "+canonical(version.PolicyVersion.Document))
	}
	for i := range made {
		made[i] = strings.ReplaceAll(made[i], c.Account, "ACCOUNT")
	}
	return made
}

// everythingAsked returns a set with every feature.
func everythingAsked() permissionset.Set {
	read := func(action, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}]}`
	}
	return permissionset.Set{
		Role: permissionset.Role{
			Description: `For "acme": ${not} %{a} template`, MaxSessionDuration: 7200, Tags: map[string]string{"team": "ops"},
			ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit"}, PermissionsBoundaryARN: "arn:aws:iam::aws:policy/ReadOnlyAccess",
			InlinePolicies:  permissionset.Policies{"home": read("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*"), "own": read("s3:ListBucket", "arn:aws:s3:::logs-{{xacct:account_id}}-{{xacct:parameter:bucket}}")},
			ManagedPolicies: permissionset.Policies{"core": read("ec2:DescribeInstances", "*")},
		},
		Trust: permissionset.Trust{TrustedAccountIDs: []string{AccountID(9)}, AllowSessionTags: true},
		Additions: permissionset.Additions{AdditionalRoles: map[string]permissionset.AdditionalRole{"scanner": {
			Description: "Scans", MaxSessionDuration: 5400, Tags: map[string]string{"part": "scan"}, Trust: permissionset.Trust{AllowSourceIdentity: true},
			ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}, InlinePolicies: permissionset.Policies{"mine": read("sqs:GetQueueUrl", "arn:aws:sqs:*:{{xacct:account_id}}:{{xacct:parameter:bucket}}")},
			ManagedPolicies: permissionset.Policies{"scan": read("ec2:DescribeSnapshots", "*")},
		}}},
		Choices: permissionset.Choices{
			RegisterWithoutStack: true,
			CustomerParameters:   map[string]permissionset.CustomerParameter{"bucket": {Description: "A bucket"}},
			OptionalPermissions: map[string]permissionset.OptionalPermission{
				"billing": {Description: "Costs", InlinePolicies: permissionset.Policies{"costs": read("ce:GetCostAndUsage", "*")}, ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"}},
				"more":    {Description: "More", DefaultEnabled: true, ManagedPolicies: permissionset.Policies{"more": read("ec2:DescribeTags", "*")}},
			},
		},
	}
}

// The snippet creates the same roles as the stack for the same choices, and all of
// them are proven and registered.
func TestTheRolesOfTheSnippetAreThoseOfTheStack(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	w.ClientsOf(AccountID(9), w.Sandbox.URL()) // another account of the vendor, which the roles trust
	set, template := w.set("everything", everythingAsked())
	for i, on := range []bool{false, true} {
		value := map[bool]string{false: permissionset.SwitchedOff, true: permissionset.SwitchedOn}[on]
		stacked := w.Invite("stacked"+value, AccountID(10*i+1), referring(set))
		id := stacked.Launch(Frankfurt, sandbox.LaunchOptions{Parameters: map[string]string{"InputBucket": "mine", "EnableBilling": value, "EnableMore": value}})
		stacked.Settled(id, "CREATE_COMPLETE")
		w.Quiet()

		plain := w.Invite("plain"+value, AccountID(10*i+2), referring(set))
		of, err := launch.Of(plain.Link, declaration.Declaration{Region: Frankfurt, StackName: "acme-access"})
		w.Must(err)
		snippet, err := launch.IAMSnippet(template, of)
		w.Must(err)
		plain.applies(snippet, map[string]cty.Value{
			"acme_access_bucket": cty.StringVal("mine"), "acme_access_enable_billing": cty.BoolVal(on), "acme_access_enable_more": cty.BoolVal(on),
		})
		want, got := stacked.rolesAsMade(), plain.rolesAsMade()
		for n := range want {
			want[n] = strings.ReplaceAll(want[n], "stacked"+value, "plain"+value)
		}
		if !slices.Equal(want, got) {
			t.Errorf("switched %s: the stack's roles are\n%s\nand the snippet's\n%s\n%s", value, strings.Join(want, "\n"), strings.Join(got, "\n"), snippet)
		}
		w.Advance(2 * time.Minute)
		w.seeks()
		if all := plain.Registrations(); len(all) != 1 || all[0].Status != onboarding.Active || !all[0].WithoutStack || all[0].AdditionalRoles["scanner"].Name != plain.Link.RoleName+"-scanner" {
			t.Errorf("the roles without a stack are registered as %+v", all)
		}
	}
}

// A role that a customer creates only with IAM is registered within minutes, once,
// and only under an open link. It follows a rotation, and is disconnected after its
// deletion.
func TestARoleWithoutAStackLivesAndEnds(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	declared := permissionset.Set{Role: roleV1, Choices: permissionset.Choices{RegisterWithoutStack: true}}
	set, template := w.set("plain", declared)
	snippet := func(c *Customer, more map[string]string) string {
		of, err := launch.Of(c.Link, declaration.Declaration{Region: Frankfurt, StackName: "acme-access"})
		w.Must(err)
		for name, value := range more {
			of.Parameters[name] = value
		}
		text, err := launch.IAMSnippet(template, of)
		w.Must(err)
		return text
	}
	round := func() {
		t.Helper()
		_, err := health.Round(t.Context(), health.Config{Registry: w.Registry(), Prover: registrar.NewProver(w.Clients, w.Record), Clock: w.Now})
		w.Must(err)
	}
	witness := w.Invite("witness", AccountID(9), referring(set))
	witness.Connect(Frankfurt)
	c, closed := w.Invite("globex", AccountID(1), referring(set)), w.Invite("initech", AccountID(2), referring(set))
	w.Advance(2 * time.Minute)
	w.seeks()
	c.Unknown() // the role does not exist yet

	c.applies(snippet(c, nil), nil)
	closed.applies(snippet(closed, nil), nil)
	closed.Change(func(l *onboarding.Link) { l.Closed, l.ClosedAt = true, w.Now() })
	w.Advance(2 * time.Minute)
	done := make(chan struct{})
	go func() { defer close(done); w.seeks() }()
	w.seeks()
	<-done
	closed.Unknown()
	all := c.Registrations()
	if len(all) != 1 || all[0].Status != onboarding.Active || !all[0].WithoutStack || all[0].ExternalID != c.Link.ExternalID {
		t.Fatalf("the customer has %+v", all)
	}
	if got := c.Happened(); !slices.Equal(got, []onboarding.Outcome{onboarding.OutcomeRegistered}) {
		t.Errorf("the history is %v", got)
	}

	before := c.Link.ExternalID
	c.Rotate(2)
	round()
	if now := c.Registrations()[0]; now.ExternalID != before || now.Status != onboarding.Active {
		t.Errorf("before the customer did anything: %+v", now)
	}
	trust := func(more map[string]string) {
		t.Helper()
		file, _ := hclsyntax.ParseConfig([]byte(snippet(c, more)), "iam.tf", hcl.InitialPos)
		document, diags := file.Body.(*hclsyntax.Body).Blocks[0].Body.Attributes["assume_role_policy"].Expr.Value(&hcl.EvalContext{Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_, err := c.iam().UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: &c.Link.RoleName, PolicyDocument: aws.String(document.AsString())})
		w.Must(err)
	}
	trust(map[string]string{stacktemplate.ParameterPreviousExternalID: before.String()})
	round()
	if now := c.Registrations()[0]; now.ExternalID != c.Link.ExternalID || now.PreviousExternalID != before {
		t.Errorf("after the customer's role accepts both: %+v", now)
	}
	trust(nil)
	round()
	if now := c.Registrations()[0]; !now.PreviousExternalID.IsZero() || now.Status != onboarding.Active {
		t.Errorf("after the old one has gone: %+v", now)
	}

	_, err := c.iam().DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: &c.Link.RoleName, PolicyName: aws.String("logs")})
	w.Must(err)
	_, err = c.iam().DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &c.Link.RoleName})
	w.Must(err)
	for _, step := range []struct {
		days int
		want onboarding.RegistrationStatus
	}{{0, onboarding.Degraded}, {6, onboarding.Degraded}, {1, onboarding.Disconnected}} {
		w.Advance(time.Duration(step.days) * 24 * time.Hour)
		round()
		if now := c.Registrations()[0]; now.Status != step.want {
			t.Errorf("%d days later: %+v, want %s", step.days, now, step.want)
		}
	}
}

// The vendor adds a role to the set and removes it again. No stack reports that, so
// rounds of proofs register the role after the customer has created it, and remove it
// later.
func TestTheAdditionalRolesOfARoleWithoutAStackFollowTheSet(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	set, template := w.set("plain", permissionset.Set{Role: roleV1, Choices: permissionset.Choices{RegisterWithoutStack: true}})
	c := w.Invite("globex", AccountID(1), referring(set))
	of, err := launch.Of(c.Link, declaration.Declaration{Region: Frankfurt, StackName: "acme-access"})
	w.Must(err)
	snippet, err := launch.IAMSnippet(template, of)
	w.Must(err)
	c.applies(snippet, nil)
	w.Advance(2 * time.Minute)
	w.seeks()
	declare := func(roles ...onboarding.AdditionalRole) {
		t.Helper()
		set.AdditionalRoles = roles
		set, err = w.Registry().UpdatePermissionSet(t.Context(), set)
		w.Must(err)
	}
	has := func(when string, want ...string) {
		t.Helper()
		w.Must(w.Prove())
		now := c.Registrations()[0]
		if got := slices.Sorted(maps.Keys(now.AdditionalRoles)); now.Status != onboarding.Active || !slices.Equal(got, want) {
			t.Errorf("%s the customer is %s (%s) with the additional roles %v, want %v", when, now.Status, now.Reason, got, want)
		}
	}
	has("at first")
	declare(onboarding.AdditionalRole{Key: "scanner"})
	has("before the customer has made the role")

	role, err := c.iam().GetRole(t.Context(), &iam.GetRoleInput{RoleName: &c.Link.RoleName})
	w.Must(err)
	trust, err := url.PathUnescape(*role.Role.AssumeRolePolicyDocument)
	w.Must(err)
	scanner := aws.String(c.Link.RoleName + "-scanner")
	_, err = c.iam().CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: scanner, AssumeRolePolicyDocument: &trust})
	w.Must(err)
	has("once it exists", "scanner")
	has("a round later", "scanner")
	if got := c.Happened(); !slices.Equal(got, []onboarding.Outcome{onboarding.OutcomeRegistered, onboarding.OutcomeUpdated}) {
		t.Errorf("the history is %v", got)
	}

	declare()
	_, err = c.iam().DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: scanner})
	w.Must(err)
	has("after the vendor and the customer have dropped it")
}
