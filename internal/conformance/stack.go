// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// stack is a stack of the customer.
type stack struct {
	t      *trial
	party  *Party
	region account.Region
	name   string
	id     string
}

// resources are the resources of a template, by logical ID.
type resources = map[string]map[string]any

// phone returns a custom resource that sends its requests to a topic. CloudFormation
// waits a minute for the answer.
func phone(topic string, properties map[string]any) map[string]any {
	all := map[string]any{"ServiceToken": topic, "ServiceTimeout": "60"}
	for name, value := range properties {
		all[name] = value
	}
	return map[string]any{"Type": "Custom::Conformance", "Properties": all}
}

func templateOf(of resources, sections ...map[string]any) string {
	template := map[string]any{"AWSTemplateFormatVersion": "2010-09-09", "Resources": of}
	for _, section := range sections {
		for name, value := range section {
			template[name] = value
		}
	}
	return asJSON(template)
}

// launch creates a stack of the customer. The changes edit the call.
func (t *trial) launch(ctx context.Context, p *Party, in account.Region, part, template string, changes ...func(*cloudformation.CreateStackInput)) (*stack, error) {
	s := &stack{t: t, party: p, region: in, name: t.name(part)}
	if err := t.creates(p, "stack", in, s.name); err != nil {
		return nil, err
	}
	call := &cloudformation.CreateStackInput{
		StackName: &s.name, TemplateBody: &template, Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
		Tags: []cfntypes.Tag{{Key: aws.String(Tag), Value: &t.Run}},
	}
	for _, change := range changes {
		change(call)
	}
	out, err := p.cloudFormation(in).CreateStack(ctx, call)
	if err != nil {
		return nil, err
	}
	s.id = *out.StackId
	return s, nil
}

// as makes CloudFormation use a service role.
func as(role string) func(*cloudformation.CreateStackInput) {
	return func(call *cloudformation.CreateStackInput) { call.RoleARN = &role }
}

func (s *stack) update(ctx context.Context, template string) error {
	_, err := s.party.cloudFormation(s.region).UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: &s.id, TemplateBody: &template, Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
	})
	return err
}

func (s *stack) delete(ctx context.Context) error {
	_, err := s.party.cloudFormation(s.region).DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &s.id})
	return err
}

// dispose deletes the stack and answers its requests, if there is an intake. It
// ignores errors: the cleaning at the end deletes what remains.
func (s *stack) dispose(ctx context.Context, in *intake) {
	if err := s.delete(ctx); err != nil {
		return
	}
	if _, status, err := s.drive(ctx, in, succeed); err == nil && status == "DELETE_COMPLETE" {
		_ = s.t.Ledger.Write(Entry{Party: s.party.name, Kind: "stack", Region: s.region.String(), Name: s.name, Gone: true})
	}
}

// status returns the stack's status and its reason.
func (s *stack) status(ctx context.Context) (status string, err error) {
	out, err := s.party.cloudFormation(s.region).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.id})
	if err != nil {
		return "", err
	}
	return string(out.Stacks[0].StackStatus), nil
}

// events returns the reasons in the stack's events, the oldest first, one per line.
func (s *stack) events(ctx context.Context) (string, error) {
	out, err := s.party.cloudFormation(s.region).DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &s.id})
	if err != nil {
		return "", err
	}
	var lines []string
	for _, e := range slices.Backward(out.StackEvents) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", aws.ToString(e.LogicalResourceId), e.ResourceStatus, aws.ToString(e.ResourceStatusReason))))
	}
	return strings.Join(lines, "\n"), nil
}

// answering defines the answers to requests; nil: none.
type answering func(request) *reply

// succeed answers SUCCESS with the physical ID that the resource has, or with a first
// one.
func succeed(r request) *reply {
	id := r.PhysicalResourceId
	if id == "" {
		id = "conformance-" + strings.ToLower(r.LogicalResourceId)
	}
	return &reply{phonehome.Success, id}
}

// drive answers the stack's requests until the stack's status is final, and returns
// the requests in the order in which they arrived. If the intake is nil, it answers
// nothing.
func (s *stack) drive(ctx context.Context, in *intake, how answering) (asked []request, status string, err error) {
	unanswered := false
	for {
		// First the status, then the queue, so that all requests from before the final
		// status are received.
		if status, err = s.status(ctx); err != nil {
			return asked, status, err
		}
		settled, arrived := !strings.HasSuffix(status, "_IN_PROGRESS"), 0
		if in != nil {
			requests, err := in.receive(ctx)
			if err != nil {
				return asked, status, err
			}
			for _, r := range requests {
				if r.StackId != s.id {
					continue // a request of an earlier check
				}
				arrived++
				asked = append(asked, r)
				s.t.note(r.RequestType+" "+r.LogicalResourceId, r.body)
				with := how(r)
				if with == nil {
					unanswered = true
					continue
				}
				if err := in.answer(ctx, r, *with); err != nil {
					return asked, status, err
				}
			}
		}
		if settled && arrived == 0 {
			return asked, status, nil
		}
		wait := s.t.Poll
		if unanswered && arrived == 0 {
			wait = s.t.Pass
		}
		if err := wait(ctx, 3*time.Second); err != nil {
			return asked, status, err
		}
	}
}

// kinds returns the kinds of requests, such as "Create A, Delete B".
func kinds(asked []request) string {
	var all []string
	for _, r := range asked {
		all = append(all, r.RequestType+" "+r.LogicalResourceId)
	}
	return strings.Join(all, ", ")
}

// whole launches a stack with one custom resource, requires that its creation
// succeeds, returns its request, and deletes the stack.
func (t *trial) whole(ctx context.Context, in *intake, p *Party, part string, properties map[string]any, changes ...func(*cloudformation.CreateStackInput)) (request, error) {
	s, err := t.launch(ctx, p, in.region, part, templateOf(resources{"Phone": phone(in.topic, properties)}), changes...)
	if err != nil {
		return request{}, err
	}
	defer s.dispose(context.WithoutCancel(ctx), in)
	asked, status, err := s.drive(ctx, in, succeed)
	if err != nil {
		return request{}, err
	}
	if status != "CREATE_COMPLETE" || len(asked) == 0 {
		events, err := s.events(ctx)
		if err != nil {
			return request{}, err
		}
		t.note("events", events)
		return request{}, instead("the stack is %s: %s", status, firstFailure(events))
	}
	return asked[0], nil
}

// firstFailure returns the first event that reports a failed resource.
func firstFailure(events string) string {
	for line := range strings.Lines(events) {
		if strings.Contains(line, "_FAILED ") {
			return strings.TrimSpace(line)
		}
	}
	return "no event says why"
}

// unable launches the same stack as whole and requires that its publication was
// refused.
func (t *trial) unable(ctx context.Context, in *intake, p *Party, part string, changes ...func(*cloudformation.CreateStackInput)) error {
	s, err := t.launch(ctx, p, in.region, part, templateOf(resources{"Phone": phone(in.topic, nil)}), changes...)
	if err != nil {
		return err
	}
	defer s.dispose(context.WithoutCancel(ctx), in)
	asked, status, err := s.drive(ctx, in, succeed)
	if err != nil {
		return err
	}
	events, err := s.events(ctx)
	if err != nil {
		return err
	}
	t.note("events", events)
	switch {
	case len(asked) > 0:
		return instead("the request was published (the stack is %s)", status)
	case !strings.Contains(events, "AuthorizationError"):
		return instead("the stack is %s, and no event names AuthorizationError: %s", status, firstFailure(events))
	}
	return nil
}
