// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nothing is a template whose resource calls no service.
const nothing = `{"Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}`

func TestInvalidCallsReturnAWSsErrors(t *testing.T) {
	withParameter := strings.Replace(nothing, `{"Resources"`, `{"Parameters": {"A": {"Type": "String"}}, "Resources"`, 1)
	iam := `{"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}}}`
	for name, test := range map[string]struct {
		action string
		pairs  []string
		want   string
	}{
		"an invalid name":                        {"CreateStack", []string{"StackName", "1-a", "TemplateBody", nothing}, "ValidationError: 1 validation error detected: Value '1-a' at 'stackName'"},
		"no template":                            {"CreateStack", []string{"StackName", "a"}, "Either Template URL or Template Body must be specified."},
		"two templates":                          {"CreateStack", []string{"StackName", "a", "TemplateBody", nothing, "TemplateURL", "https://b.s3.amazonaws.com/k"}, "but not both"},
		"a long body":                            {"CreateStack", []string{"StackName", "a", "TemplateBody", nothing + strings.Repeat(" ", 51200)}, "less than or equal to 51200"},
		"a URL without TLS":                      {"CreateStack", []string{"StackName", "a", "TemplateURL", "http://b.s3.amazonaws.com/k"}, "TemplateURL must be a supported URL."},
		"a URL outside S3":                       {"CreateStack", []string{"StackName", "a", "TemplateURL", "https://s3.amazonaws.com.example.org/k"}, "TemplateURL must be a supported URL."},
		"a template that is not readable":        {"CreateStack", []string{"StackName", "a", "TemplateURL", "https://b.s3.eu-west-1.amazonaws.com/k"}, "TemplateURL must reference a valid S3 object to which you have access."},
		"a missing parameter":                    {"CreateStack", []string{"StackName", "a", "TemplateBody", withParameter}, "Parameters: [A] must have values"},
		"an unknown parameter":                   {"CreateStack", []string{"StackName", "a", "TemplateBody", nothing, "Parameters.member.1.ParameterKey", "B", "Parameters.member.1.ParameterValue", "x"}, "Parameters: [B] do not exist in the template"},
		"a previous value of a new stack":        {"CreateStack", []string{"StackName", "a", "TemplateBody", withParameter, "Parameters.member.1.ParameterKey", "A", "Parameters.member.1.UsePreviousValue", "true"}, "Cannot specify usePreviousValue as true"},
		"IAM without a capability":               {"CreateStack", []string{"StackName", "a", "TemplateBody", iam}, "InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_IAM]"},
		"a named role with only CAPABILITY_IAM":  {"CreateStack", []string{"StackName", "a", "TemplateBody", phoneHome(), "Capabilities.member.1", "CAPABILITY_IAM"}, "Requires capabilities : [CAPABILITY_NAMED_IAM]"},
		"an unknown capability":                  {"CreateStack", []string{"StackName", "a", "TemplateBody", nothing, "Capabilities.member.1", "CAPABILITY_X"}, "Member must satisfy enum value set"},
		"a stack policy":                         {"CreateStack", []string{"StackName", "a", "TemplateBody", nothing, "StackPolicyBody", "{}"}, "does not implement the parameter StackPolicyBody of CreateStack"},
		"an invalid service role":                {"CreateStack", []string{"StackName", "a", "TemplateBody", nothing, "RoleARN", "arn:x"}, "Role arn:x is invalid or cannot be assumed"},
		"OnFailure and DisableRollback":          {"CreateStack", []string{"StackName", "a", "TemplateBody", nothing, "OnFailure", "DELETE", "DisableRollback", "true"}, "only one of DisableRollback and OnFailure"},
		"a name that is taken":                   {"CreateStack", []string{"StackName", "taken", "TemplateBody", nothing}, "AlreadyExistsException: Stack [taken] already exists"},
		"an update of a missing stack":           {"UpdateStack", []string{"StackName", "a", "TemplateBody", nothing}, "Stack with id a does not exist"},
		"an update without a change":             {"UpdateStack", []string{"StackName", "taken", "UsePreviousTemplate", "true"}, "No updates are to be performed."},
		"RetainResources before a delete failed": {"DeleteStack", []string{"StackName", "taken", "RetainResources.member.1", "Nothing"}, "DELETE_FAILED state"},
		"a description of a missing stack":       {"DescribeStacks", []string{"StackName", "a"}, "Stack with id a does not exist"},
		"a missing resource":                     {"DescribeStackResource", []string{"StackName", "taken", "LogicalResourceId", "X"}, "Resource X does not exist for stack taken"},
		"an invalid NextToken":                   {"DescribeStackEvents", []string{"StackName", "taken", "NextToken", "99"}, "NextToken is not valid"},
		"a change set":                           {"CreateChangeSet", nil, "InvalidAction: The action CreateChangeSet is not valid for this endpoint."},
		"SetStackPolicy":                         {"SetStackPolicy", nil, "InvalidAction"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.must("CreateStack", "StackName", "taken", "TemplateBody", nothing)
			id = strings.Split(strings.Split(id, "<StackId>")[1], "</")[0]
			w.settled(id, "CREATE_COMPLETE")
			_, err := w.call(test.action, test.pairs...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one that contains %q", err, test.want)
			}
		})
	}
}

func TestATemplateIsReadWithTheCallersPermissions(t *testing.T) {
	w := newWorld(t)
	w.objects["https://bucket.s3.us-east-1.amazonaws.com/templates/a.json"] = nothing
	id := w.must("CreateStack", "StackName", "a", "TemplateURL", "https://bucket.s3.us-east-1.amazonaws.com/templates/a.json")
	if !strings.Contains(id, "<StackId>arn:aws:cloudformation:eu-west-1:222222222222:stack/a/") {
		t.Errorf("the answer is %s", id)
	}
	if got := w.must("GetTemplate", "StackName", "a"); !strings.Contains(got, "WaitConditionHandle") {
		t.Errorf("the template is %s", got)
	}
}

func TestCallsWithoutPermissionAreDenied(t *testing.T) {
	for _, action := range []string{"CreateStack", "UpdateStack", "DeleteStack", "DescribeStacks", "ListStacks", "ValidateTemplate"} {
		w := newWorld(t)
		w.denied["cloudformation:"+action] = true
		pairs := []string{"StackName", "a", "TemplateBody", nothing}
		switch action {
		case "ListStacks":
			pairs = nil
		case "ValidateTemplate":
			pairs = pairs[2:]
		case "DeleteStack", "DescribeStacks":
			pairs = pairs[:2]
		}
		if _, err := w.call(action, pairs...); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("%s: the error is %v", action, err)
		}
	}
}

func TestAStackThatWasRolledBackCanOnlyBeDeleted(t *testing.T) {
	w := newWorld(t)
	id := w.create(phoneHome())
	w.refuse(w.next("Create"), "x", "no")
	w.succeed(w.next("Delete"), "x")
	w.settled(id, "ROLLBACK_COMPLETE")
	_, err := w.call("UpdateStack", "StackName", "access", "TemplateBody", nothing)
	if err == nil || !strings.Contains(err.Error(), "is in ROLLBACK_COMPLETE state and can not be updated.") {
		t.Errorf("the error is %v", err)
	}
	if _, err := w.call("CreateStack", "StackName", "access", "TemplateBody", nothing); err == nil || !strings.Contains(err.Error(), "AlreadyExists") {
		t.Errorf("the error is %v", err)
	}
	w.must("DeleteStack", "StackName", "access")
	w.settled(id, "DELETE_COMPLETE")
	w.wantNoRequest() // resources that the rollback deleted are not deleted again
	w.must("CreateStack", "StackName", "access", "TemplateBody", nothing)
}

func TestAStackInProgressCannotBeUpdated(t *testing.T) {
	w := newWorld(t)
	w.create(phoneHome())
	w.next("Create")
	_, err := w.call("UpdateStack", "StackName", "access", "TemplateBody", nothing)
	if err == nil || !strings.Contains(err.Error(), "is in CREATE_IN_PROGRESS state and can not be updated.") {
		t.Errorf("the error is %v", err)
	}
}

func TestEventsComeInPagesNewestFirst(t *testing.T) {
	w := newWorld(t)
	var members []string
	for i := range 40 {
		members = append(members, fmt.Sprintf(`"H%d": {"Type": "AWS::CloudFormation::WaitConditionHandle"}`, i))
	}
	id := w.create(`{"Resources": {` + strings.Join(members, ", ") + `}}`)
	w.settled(id, "CREATE_COMPLETE")
	all := w.Events(id)
	first := w.must("DescribeStackEvents", "StackName", "access")
	token := strings.Split(strings.Split(first, "<NextToken>")[1], "</")[0]
	second := w.must("DescribeStackEvents", "StackName", "access", "NextToken", token)
	if n, m := strings.Count(first, "<EventId>"), strings.Count(second, "<EventId>"); n != 100 || n+m != len(all) {
		t.Errorf("the pages have %d and %d events of %d", n, m, len(all))
	}
	if !strings.Contains(first, all[len(all)-1].ID) || !strings.Contains(second, all[0].ID) || strings.Contains(second, "NextToken") {
		t.Error("the first page must have the newest event, and the last page the oldest")
	}
}

func TestUpdatesKeepPreviousValuesOnRequest(t *testing.T) {
	body := `{"Parameters": {"A": {"Type": "String"}, "B": {"Type": "String", "Default": "b"}},
		"Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
		"Outputs": {"AB": {"Value": {"Fn::Sub": "${A}${B}"}}}}`
	w := newWorld(t)
	id := w.create(body, "Parameters.member.1.ParameterKey", "A", "Parameters.member.1.ParameterValue", "a",
		"Parameters.member.2.ParameterKey", "B", "Parameters.member.2.ParameterValue", "x")
	w.settled(id, "CREATE_COMPLETE")
	// B is not in the call, so it gets its default.
	w.must("UpdateStack", "StackName", "access", "UsePreviousTemplate", "true",
		"Parameters.member.1.ParameterKey", "A", "Parameters.member.1.UsePreviousValue", "true")
	if st := w.settled(id, "UPDATE_COMPLETE"); st.Outputs["AB"] != "ab" {
		t.Errorf("the output is %s", st.Outputs["AB"])
	}
}

func TestASummaryHasParametersAndCapabilities(t *testing.T) {
	w := newWorld(t)
	body := strings.Replace(phoneHome(), `{"Resources"`, `{"Description": "who gets what", "Metadata": {"M": 1},
		"Parameters": {"ExternalId": {"Type": "String", "Default": "x", "AllowedValues": ["x"]}}, "Resources"`, 1)
	for _, action := range []string{"GetTemplateSummary", "ValidateTemplate"} {
		got := w.must(action, "TemplateBody", body)
		for _, want := range []string{
			"<ParameterKey>ExternalId</ParameterKey><DefaultValue>x</DefaultValue>", "<Description>who gets what</Description>",
			"<member>CAPABILITY_NAMED_IAM</member>", "The following resource(s) require capabilities: [AWS::IAM::Role]",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("the response of %s does not contain %s: %s", action, want, got)
			}
		}
	}
}

func TestAPreviewShowsOptionalPoliciesWhetherOnOrOff(t *testing.T) {
	const at = "https://bucket.s3.eu-west-1.amazonaws.com/t"
	w := newWorld(t)
	w.objects[at] = `{
		"Metadata": {"AWS::CloudFormation::Interface": {"ParameterLabels": {"EnableFix": {"default": "Repair things"}}}},
		"Parameters": {"EnableFix": {"Type": "String", "AllowedValues": ["Yes", "No"], "Default": "No"}},
		"Conditions": {"FixEnabled": {"Fn::Equals": [{"Ref": "EnableFix"}, "Yes"]}},
		"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "acme",
			"ManagedPolicyArns": ["arn:aws:iam::aws:policy/SecurityAudit", {"Fn::If": ["FixEnabled", "arn:aws:iam::aws:policy/ReadOnlyAccess", {"Ref": "AWS::NoValue"}]}],
			"AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}},
			"Policies": [{"Fn::If": ["FixEnabled", {"PolicyName": "fix", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}}, {"Ref": "AWS::NoValue"}]}]}}}}`
	for value, on := range map[string]bool{"Yes": true, "No": false} {
		got, err := w.Preview(t.Context(), admin(), region, at, map[string]string{"EnableFix": value})
		if err != nil || got.Problem != "" {
			t.Fatal(err, got.Problem)
		}
		role := got.Roles[0]
		want := []OptionalPreview{{
			Switch: "Repair things", Value: "Yes", On: on, Managed: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"},
			Inline: []PolicyPreview{{Name: "fix", Document: role.Optional[0].Inline[0].Document, Statements: []StatementPreview{{Effect: "Allow", Actions: []string{"ec2:*"}, Resources: []string{"*"}}}}},
		}}
		if diff := cmp.Diff(want, role.Optional); diff != "" {
			t.Errorf("%s (-want +got):\n%s", value, diff)
		}
		if len(role.Managed) != 1 || len(role.Inline) != 0 {
			t.Errorf("%s: the unconditional policies are %v and %v, want one managed and no inline policy", value, role.Managed, role.Inline)
		}
	}
}

func TestAPreviewShowsWhatTheRoleMayDo(t *testing.T) {
	const at = "https://bucket.s3.eu-west-1.amazonaws.com/t"
	w := newWorld(t)
	w.objects[at] = `{
		"Parameters": {"ExternalId": {"Type": "String", "AllowedPattern": "[a-f0-9]+"}, "Secret": {"Type": "String", "NoEcho": true, "Default": ""}},
		"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {
			"RoleName": {"Fn::Sub": "acme-${ExternalId}"}, "ManagedPolicyArns": ["arn:aws:iam::aws:policy/SecurityAudit"],
			"AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}},
			"Policies": [{"PolicyName": "read", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": ["a", "b"], "Condition": {}}}}]}},
		"Call": {"Type": "Custom::X", "Properties": {"ServiceToken": "` + topic + `", "Role": {"Fn::GetAtt": ["Role", "Arn"]}}}}}`
	got, err := w.Preview(t.Context(), admin(), region, at, map[string]string{"ExternalId": "abc", "Unknown": "x", "Secret": "y"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"ExternalId": "abc", "Secret": ""}, got.Values); diff != "" {
		t.Errorf("values of unknown and hidden parameters must be ignored (-want +got):\n%s", diff)
	}
	role := got.Roles[0]
	want := []StatementPreview{{Effect: "Allow", Actions: []string{"s3:Get*"}, Resources: []string{"a", "b"}, Conditional: true}}
	if role.Name != "acme-abc" || len(role.Managed) != 1 || !cmp.Equal(want, role.Inline[0].Statements) || !strings.Contains(role.TrustedBy, "111111111111") {
		t.Errorf("the role is %+v", role)
	}
	if !cmp.Equal([]string{topic}, got.Tells) || got.Problem != "" {
		t.Errorf("the preview is %+v", got)
	}
	wrong, err := w.Preview(t.Context(), admin(), region, at, map[string]string{"ExternalId": "XYZ"})
	if err != nil || !strings.Contains(wrong.Problem, "must match pattern") {
		t.Errorf("the preview of an invalid value has the problem %q (%v), want one about the pattern", wrong.Problem, err)
	}
}
