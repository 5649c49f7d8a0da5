// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// These tests check CloudFormation's wire format with the real SDK. The engine's
// tests are in its own package.

func TestTheSDKsCloudFormationClientWorksAgainstTheSandbox(t *testing.T) {
	in := newIntake(t)
	client := cfn.NewFromConfig(as(t, in.box, customer))
	ctx := t.Context()
	name := aws.String("by-hand")
	created, err := client.CreateStack(ctx, &cfn.CreateStackInput{
		StackName: name, TemplateBody: aws.String(onboardingTemplate), OnFailure: cfntypes.OnFailureDelete,
		Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
		Parameters:   []cfntypes.Parameter{{ParameterKey: aws.String("ExternalId"), ParameterValue: aws.String("abc")}},
		Tags:         []cfntypes.Tag{{Key: aws.String("team"), Value: aws.String("blue")}},
	})
	in.check(err)
	in.succeed(in.next(), "xacct-1")
	in.settled(*created.StackId, "CREATE_COMPLETE")

	described, err := client.DescribeStacks(ctx, &cfn.DescribeStacksInput{StackName: name})
	in.check(err)
	st := described.Stacks[0]
	if st.StackStatus != cfntypes.StackStatusCreateComplete || aws.ToString(st.Description) != "Acme may read your logs." ||
		len(st.Parameters) != 2 || aws.ToString(st.Tags[0].Value) != "blue" || time.Since(*st.CreationTime) > time.Minute ||
		st.Capabilities[0] != cfntypes.CapabilityCapabilityNamedIam {
		t.Errorf("the stack is %+v", st)
	}
	events, err := client.DescribeStackEvents(ctx, &cfn.DescribeStackEventsInput{StackName: name})
	in.check(err)
	if newest := events.StackEvents[0]; newest.ResourceStatus != cfntypes.ResourceStatusCreateComplete || aws.ToString(newest.LogicalResourceId) != "by-hand" {
		t.Errorf("the newest event is %+v", newest)
	}
	resources, err := client.DescribeStackResources(ctx, &cfn.DescribeStackResourcesInput{StackName: name})
	in.check(err)
	if got := resources.StackResources; len(got) != 2 || aws.ToString(got[0].PhysicalResourceId) != "xacct-1" || aws.ToString(got[1].PhysicalResourceId) != "acme-access" {
		t.Errorf("the resources are %+v", got)
	}
	one, err := client.DescribeStackResource(ctx, &cfn.DescribeStackResourceInput{StackName: name, LogicalResourceId: aws.String("Role")})
	if err != nil || aws.ToString(one.StackResourceDetail.ResourceType) != "AWS::IAM::Role" {
		t.Errorf("the resource is %+v, %v", one, err)
	}
	summaries, err := client.ListStackResources(ctx, &cfn.ListStackResourcesInput{StackName: name})
	if err != nil || len(summaries.StackResourceSummaries) != 2 {
		t.Errorf("the summaries are %+v, %v", summaries, err)
	}
	listed, err := client.ListStacks(ctx, &cfn.ListStacksInput{StackStatusFilter: []cfntypes.StackStatus{cfntypes.StackStatusCreateComplete}})
	if err != nil || len(listed.StackSummaries) != 1 {
		t.Errorf("the stacks are %+v, %v", listed, err)
	}
	summary, err := client.GetTemplateSummary(ctx, &cfn.GetTemplateSummaryInput{StackName: name})
	if err != nil || len(summary.Parameters) != 2 || !strings.Contains(aws.ToString(summary.Metadata), "AWS::CloudFormation::Interface") {
		t.Errorf("the summary is %+v, %v", summary, err)
	}
	validated, err := client.ValidateTemplate(ctx, &cfn.ValidateTemplateInput{TemplateBody: aws.String(onboardingTemplate)})
	if err != nil || len(validated.Parameters) != 2 || len(validated.Capabilities) != 1 {
		t.Errorf("the validation is %+v, %v", validated, err)
	}
	template, err := client.GetTemplate(ctx, &cfn.GetTemplateInput{StackName: name})
	if err != nil || aws.ToString(template.TemplateBody) != onboardingTemplate {
		t.Errorf("the template is %+v, %v", template, err)
	}

	_, err = client.UpdateStack(ctx, &cfn.UpdateStackInput{
		StackName: name, UsePreviousTemplate: aws.Bool(true), Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
		Parameters: []cfntypes.Parameter{
			{ParameterKey: aws.String("ExternalId"), UsePreviousValue: aws.Bool(true)},
			{ParameterKey: aws.String("Version"), ParameterValue: aws.String("2")},
		},
	})
	in.check(err)
	in.succeed(in.next(), "xacct-1")
	in.settled(*created.StackId, "UPDATE_COMPLETE")
	_, err = client.DeleteStack(ctx, &cfn.DeleteStackInput{StackName: name})
	in.check(err)
	in.succeed(in.next(), "xacct-1")
	in.settled(*created.StackId, "DELETE_COMPLETE")
}

func TestCloudFormationsErrorsHaveTheSDKsCodes(t *testing.T) {
	in := newIntake(t)
	client := cfn.NewFromConfig(as(t, in.box, customer))
	in.launch(LaunchOptions{})
	for want, call := range map[string]func() error{
		"AlreadyExistsException": func() error {
			_, err := client.CreateStack(t.Context(), &cfn.CreateStackInput{
				StackName: aws.String("acme-access"), TemplateBody: aws.String(onboardingTemplate),
				Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
				Parameters:   []cfntypes.Parameter{{ParameterKey: aws.String("ExternalId"), ParameterValue: aws.String("abc")}},
			})
			return err
		},
		"InsufficientCapabilitiesException": func() error {
			_, err := client.CreateStack(t.Context(), &cfn.CreateStackInput{
				StackName: aws.String("other"), TemplateBody: aws.String(onboardingTemplate),
				Parameters: []cfntypes.Parameter{{ParameterKey: aws.String("ExternalId"), ParameterValue: aws.String("abc")}},
			})
			return err
		},
		"ValidationError": func() error {
			_, err := client.DescribeStacks(t.Context(), &cfn.DescribeStacksInput{StackName: aws.String("absent")})
			return err
		},
		"InvalidAction": func() error {
			_, err := client.ListChangeSets(t.Context(), &cfn.ListChangeSetsInput{StackName: aws.String("acme-access")})
			return err
		},
	} {
		if got := code(call()); got != want {
			t.Errorf("the code is %s, not %s", got, want)
		}
	}
	r := in.next()
	in.succeed(r, "xacct-1")
}

func TestAThrottledVendorTopicDoesNotFailTheStack(t *testing.T) {
	in := newIntake(t)
	client := Client{URL: in.box.URL()}
	in.check(client.do(t.Context(), "POST", "/_sandbox/faults", map[string]any{"service": "sns", "action": "Publish", "kind": "throttle", "next": 2}, nil))
	id := in.launch(LaunchOptions{})
	in.succeed(in.next(), "xacct-1")
	in.settled(id, "CREATE_COMPLETE")
}
