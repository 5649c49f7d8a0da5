// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// templateChecks test the contents of templates, and how CloudFormation interprets
// them.
var templateChecks = []Check{
	{
		ID: "9", Title: "A rule on AWS::AccountId and AWS::Region refuses a stack before anything is created",
		Place: "internal/stacktemplate/rules.go", Makes: "a stack", run: rules,
	},
	{
		ID: "3.2", Title: "A parameter that the template does not have is an error in the API, and spaces and plus signs in values arrive unchanged",
		Place: "internal/launch/command.go (commands contain only the template's parameters)", Makes: "a stack", run: parameters,
	},
	{
		ID: "12.9a", Title: "An update adds a role's new inline policies before it deletes the old ones, and both count toward the limit",
		Mark:  "by its text `AWS::IAM::Policy`). [?]",
		Place: "internal/provider/rolespec_plan.go (such a change is refused in the plan)", Makes: "a stack with a role", run: inlineOrder,
	},
	{
		ID: "12.9b", Title: "CloudFormation deletes old versions of managed policies automatically",
		Mark:  "The order inside one role's own `Policies`. [R]",
		Place: "internal/stacktemplate/managed.go", Makes: "a stack with a policy", run: prunedVersions,
	},
}

func rules(ctx context.Context, t *trial) error {
	guarded := func(id, region string) string {
		assert := func(name, value string) map[string]any {
			return map[string]any{
				"Assert":            map[string]any{"Fn::Equals": []any{map[string]any{"Ref": name}, value}},
				"AssertDescription": "This is not the right place.",
			}
		}
		return templateOf(resources{"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}, map[string]any{
			"Rules": map[string]any{"Target": map[string]any{"Assertions": []any{assert("AWS::AccountId", id), assert("AWS::Region", region)}}},
		})
	}
	mine, here := t.Customer.Account.String(), t.home().String()
	for what, template := range map[string]string{"another account": guarded("123456789012", here), "another Region": guarded(mine, "xx-none-1")} {
		_, err := t.launch(ctx, t.Customer, t.home(), "ruled", template)
		if err := t.refused("a stack in "+what, err, "ValidationError"); err != nil {
			return err
		}
		if !strings.Contains(err.Error(), "This is not the right place.") {
			return instead("the refusal does not show the rule's description: %v", err)
		}
	}
	s, err := t.launch(ctx, t.Customer, t.home(), "ruled", guarded(mine, here))
	if err := t.accepted("a stack in the right place", err); err != nil {
		return err
	}
	defer s.dispose(context.WithoutCancel(ctx), nil)
	_, status, err := s.drive(ctx, nil, nil)
	if err == nil && status != "CREATE_COMPLETE" {
		return instead("the stack in the right place is %s", status)
	}
	return err
}

func parameters(ctx context.Context, t *trial) error {
	const value = "a b+c%20d/ü"
	template := templateOf(resources{"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}, map[string]any{
		"Parameters": map[string]any{"Word": map[string]any{"Type": "String"}},
		"Outputs":    map[string]any{"Word": map[string]any{"Value": map[string]any{"Ref": "Word"}}},
	})
	with := func(names ...string) func(*cloudformation.CreateStackInput) {
		return func(call *cloudformation.CreateStackInput) {
			for _, name := range names {
				call.Parameters = append(call.Parameters, cfntypes.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
			}
		}
	}
	_, err := t.launch(ctx, t.Customer, t.home(), "parameters", template, with("Word", "Other"))
	if err := t.refused("a parameter that the template does not have", err, "ValidationError"); err != nil {
		return err
	}
	s, err := t.launch(ctx, t.Customer, t.home(), "parameters", template, with("Word"))
	if err := t.accepted("the template's own parameter", err); err != nil {
		return err
	}
	defer s.dispose(context.WithoutCancel(ctx), nil)
	if _, _, err := s.drive(ctx, nil, nil); err != nil {
		return err
	}
	out, err := t.Customer.cloudFormation(t.home()).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.id})
	if err != nil {
		return err
	}
	for _, output := range out.Stacks[0].Outputs {
		if aws.ToString(output.OutputValue) == value {
			return nil
		}
	}
	return instead("%q arrives as %s", value, asJSON(out.Stacks[0].Outputs))
}

// longPolicy returns a policy of about the given number of characters.
func longPolicy(characters int) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "logs:GetLogEvents", "Resource": longARNs(characters / 110),
	}}}
}

func longARNs(n int) []string {
	var arns []string
	for i := range n {
		arns = append(arns, fmt.Sprintf("arn:aws:logs:us-east-1:123456789012:log-group:conformance-%03d-%s", i, strings.Repeat("x", 40)))
	}
	return arns
}

func inlineOrder(ctx context.Context, t *trial) error {
	role := func(policy string) string {
		return templateOf(resources{"Role": {"Type": "AWS::IAM::Role", "Properties": map[string]any{
			"RoleName":                 t.name("inline"),
			"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{trusts(t.Customer, "sts:AssumeRole", nil)}},
			"Policies":                 []any{map[string]any{"PolicyName": policy, "PolicyDocument": longPolicy(7000)}},
		}}})
	}
	s, err := t.launch(ctx, t.Customer, t.home(), "inline-policies", role("before"))
	if err != nil {
		return err
	}
	defer s.dispose(context.WithoutCancel(ctx), nil)
	_, status, err := s.drive(ctx, nil, nil)
	if err != nil {
		return err
	}
	if status != "CREATE_COMPLETE" {
		return instead("a role with one policy of 7,000 characters is %s", status)
	}
	if err := s.update(ctx, role("after")); err != nil {
		return err
	}
	if _, status, err = s.drive(ctx, nil, nil); err != nil {
		return err
	}
	events, err := s.events(ctx)
	if err != nil {
		return err
	}
	t.note("events", events)
	if status == "UPDATE_COMPLETE" {
		return instead("the update is complete: old policies are deleted first, so the plan refuses more than necessary")
	}
	if !strings.Contains(events, "10240") {
		return instead("the stack is %s, and no event names the limit of 10240: %s", status, firstFailure(events))
	}
	return nil
}

func prunedVersions(ctx context.Context, t *trial) error {
	policy := func(n int) string {
		return templateOf(resources{"Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": map[string]any{
			"PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Action": "logs:GetLogEvents", "Resource": fmt.Sprintf("arn:aws:logs:us-east-1:123456789012:log-group:v%d", n),
			}}},
		}}}, map[string]any{"Outputs": map[string]any{"ARN": map[string]any{"Value": map[string]any{"Ref": "Policy"}}}})
	}
	s, err := t.launch(ctx, t.Customer, t.home(), "versions", policy(1))
	if err != nil {
		return err
	}
	defer s.dispose(context.WithoutCancel(ctx), nil)
	if _, _, err := s.drive(ctx, nil, nil); err != nil {
		return err
	}
	for n := 2; n <= 7; n++ {
		if err := s.update(ctx, policy(n)); err != nil {
			return err
		}
		_, status, err := s.drive(ctx, nil, nil)
		if err != nil {
			return err
		}
		if status != "UPDATE_COMPLETE" {
			events, err := s.events(ctx)
			if err != nil {
				return err
			}
			t.note("events", events)
			return instead("update %d leaves the stack %s: %s", n, status, firstFailure(events))
		}
	}
	out, err := t.Customer.cloudFormation(t.home()).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.id})
	if err != nil {
		return err
	}
	if len(out.Stacks[0].Outputs) == 0 {
		return instead("the stack has lost its output")
	}
	versions, err := t.Customer.iam().ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: out.Stacks[0].Outputs[0].OutputValue})
	if err != nil {
		return err
	}
	t.remark("%d versions are left after six updates", len(versions.Versions))
	return nil
}

// accessDenied reports whether a call was refused because a permission is missing.
func accessDenied(err error) bool {
	return awsclient.IsAccessDenied(err) || awsclient.HasCode(err, "AuthorizationError", "AuthorizationErrorException", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
}
