// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// publisherChecks test which principal publishes the requests of a stack in another
// account.
var publisherChecks = []Check{
	{
		ID: "1.17", Title: "A policy for the service cloudformation.amazonaws.com does not let a customer's stack publish",
		Mark:  "allow that account, not `Service: cloudformation.amazonaws.com` [I, strong]",
		Place: "internal/hub/permissions.go", Makes: "a topic, a queue, a stack", run: serviceMayNotPublish,
	},
	publisherCheck("1.18a", "The customer's account root in the topic's policy lets their stack publish", byRoot, false),
	publisherCheck("1.18b", "The same with a stack that has a service role", byRoot, true),
	publisherCheck("1.18c", "aws:PrincipalAccount in the topic's policy lets their stack publish", byAccount, false),
	publisherCheck("1.18d", "The same with a stack that has a service role", byAccount, true),
	{
		ID: "1.18e", Title: "A stack whose deployer may not publish is refused, whatever the topic's policy says",
		Place: "internal/launch (what the customer needs)", Makes: "a stack, a role", run: deployerMayNotPublish,
	},
	{
		ID: "1.19", Title: "aws:CalledVia allows stacks to publish, with and without a service role, but no direct caller",
		Mark:  "1.19 [?]",
		Place: "none: the hub's policies have no such condition", Makes: "stacks, a role", run: calledVia,
	},
	{
		ID: "1.21", Title: "A message does not name its publisher, so any allowed account can use another one's StackId",
		Mark:  "1.21 [I]",
		Place: "internal/onboarding/decide.go (the role is proven)", Makes: "a topic, a queue", run: forgeable,
	},
	{
		ID: "13.5", Title: "A Deny with Bool aws:SecureTransport false does not refuse CloudFormation's messages",
		Mark:  "sends (IAMUG reference_policies_condition-keys). [?]",
		Place: "internal/hub/permissions.go (TLS only)", Makes: "a stack", run: secureTransport,
	},
}

// byRoot and byAccount return statements that name the customer in a topic's policy in
// the two possible ways.
func byRoot(in *intake, customer *Party) statement {
	return in.publishers(map[string]any{"AWS": customer.root()}, nil)
}

func byAccount(in *intake, customer *Party) statement {
	return in.publishers(map[string]any{"AWS": "*"}, map[string]any{"StringEquals": map[string]any{"aws:PrincipalAccount": customer.Account.String()}})
}

func publisherCheck(id, title string, allow func(*intake, *Party) statement, serviceRole bool) Check {
	return Check{
		ID: id, Title: title, Mark: "- [I] Account-root principal follows", Place: "internal/hub/permissions.go", Makes: "a topic, a queue, a stack, a role",
		run: func(ctx context.Context, t *trial) error {
			in, err := t.intake(ctx, t.Vendor, t.home())
			if err != nil {
				return err
			}
			if err := in.allow(ctx, allow(in, t.Customer)); err != nil {
				return err
			}
			var changes []func(*cloudformation.CreateStackInput)
			if serviceRole {
				role, err := t.serviceRole(ctx, in)
				if err != nil {
					return err
				}
				changes = append(changes, as(role))
			}
			return t.settled(ctx, func(part string) error {
				_, err := t.whole(ctx, in, t.Customer, id2name(id)+part, nil, changes...)
				return err
			})
		},
	}
}

// id2name converts a check's ID to a part of a name.
func id2name(id string) string {
	name := []byte("c" + id)
	for i, c := range name {
		if c == '.' {
			name[i] = '-'
		}
	}
	return string(name)
}

// settled calls try again after a minute if the outcome differs: a new policy or role
// may not have reached all of AWS the first time.
func (t *trial) settled(ctx context.Context, try func(part string) error) error {
	err := try("")
	if err == nil || outcomeOf(err) != Differs {
		return err
	}
	if t.Patience < time.Minute {
		return err
	}
	if err := t.Pass(ctx, time.Minute); err != nil {
		return err
	}
	return try("-again")
}

// serviceRole returns a role in the customer's account that CloudFormation can assume,
// and that may publish to the intake.
func (t *trial) serviceRole(ctx context.Context, in *intake) (string, error) {
	if arn, made := t.shared["service-role"].(string); made {
		return arn, nil
	}
	arn, err := t.makeRole(ctx, t.Customer, "service", statement{
		"Effect": "Allow", "Principal": map[string]any{"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole",
	})
	if err != nil {
		return "", err
	}
	err = t.grant(ctx, t.Customer, "service", policyJSON(statement{"Effect": "Allow", "Action": "sns:Publish", "Resource": in.topic}))
	if err == nil {
		err = t.Poll(ctx, 15*time.Second) // until CloudFormation can assume it
	}
	t.shared["service-role"] = arn
	return arn, err
}

func serviceMayNotPublish(ctx context.Context, t *trial) error {
	in, err := t.intake(ctx, t.Vendor, t.home())
	if err != nil {
		return err
	}
	if err := in.allow(ctx, in.publishers(map[string]any{"Service": "cloudformation.amazonaws.com"}, nil)); err != nil {
		return err
	}
	return t.unable(ctx, in, t.Customer, "by-service")
}

func deployerMayNotPublish(ctx context.Context, t *trial) error {
	in, err := t.intake(ctx, t.Vendor, t.home())
	if err != nil {
		return err
	}
	if err := in.allowCustomer(ctx, t.Customer); err != nil {
		return err
	}
	deployer, err := t.principal(ctx, t.Customer, "deployer", statement{"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"})
	if err != nil {
		return err
	}
	s, err := t.launch(ctx, deployer, in.region, "unable", templateOf(resources{"Phone": phone(in.topic, nil)}))
	if err != nil {
		return err
	}
	s.party = t.Customer // for the rest
	defer s.dispose(context.WithoutCancel(ctx), in)
	asked, status, err := s.drive(ctx, in, succeed)
	if err != nil {
		return err
	}
	if len(asked) > 0 {
		return instead("the request was published (the stack is %s)", status)
	}
	events, err := s.events(ctx)
	t.note("events", events)
	return err
}

func calledVia(ctx context.Context, t *trial) error {
	in, err := t.intake(ctx, t.Vendor, t.home())
	if err != nil {
		return err
	}
	via := map[string]any{"ForAnyValue:StringEquals": map[string]any{"aws:CalledVia": "cloudformation.amazonaws.com"}}
	if err := in.allow(ctx, in.publishers(map[string]any{"AWS": t.Customer.root()}, via)); err != nil {
		return err
	}
	role, err := t.serviceRole(ctx, in)
	if err != nil {
		return err
	}
	if _, err := t.whole(ctx, in, t.Customer, "via", nil); err != nil {
		return err
	}
	if _, err := t.whole(ctx, in, t.Customer, "via-role", nil, as(role)); err != nil {
		return err
	}
	_, err = t.Customer.SNS(in.region).Publish(ctx, &sns.PublishInput{TopicArn: &in.topic, Message: aws.String("direct")})
	return t.refused("a direct Publish", err, "AuthorizationError", "AuthorizationErrorException")
}

// envelopeFields are the fields of every notification (aws-facts 1.3).
var envelopeFields = []string{
	"Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL", "MessageAttributes",
}

func forgeable(ctx context.Context, t *trial) error {
	in, err := t.intake(ctx, t.Vendor, t.home())
	if err != nil {
		return err
	}
	if err := in.allowCustomer(ctx, t.Customer); err != nil {
		return err
	}
	forged := asJSON(map[string]any{
		"RequestType": "Delete", "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/theirs/1", "RequestId": t.Run, "LogicalResourceId": "Phone",
	})
	err = t.until(ctx, func(err error) bool {
		return awsclient.HasCode(err, "AuthorizationError", "AuthorizationErrorException")
	}, func() error {
		_, err := t.Customer.SNS(in.region).Publish(ctx, &sns.PublishInput{
			TopicArn: &in.topic, Message: &forged, Subject: aws.String("AWS CloudFormation custom resource request"),
		})
		return err
	})
	if err := t.accepted("a Publish of another account's StackId", err); err != nil {
		return err
	}
	var fields map[string]any
	err = t.until(ctx, isPending, func() error {
		requests, err := in.receive(ctx)
		if err != nil {
			return err
		}
		for _, r := range requests {
			if r.RequestId == t.Run {
				t.note("message", r.body)
				return json.Unmarshal([]byte(r.body), &fields)
			}
		}
		return errPending
	})
	if isPending(err) {
		return instead("the message did not arrive")
	}
	for name := range fields {
		if !slices.Contains(envelopeFields, name) {
			return instead("the envelope has a field %s, which may say who published", name)
		}
	}
	return err
}

func secureTransport(ctx context.Context, t *trial) error {
	in, err := t.intake(ctx, t.Vendor, t.home())
	if err != nil {
		return err
	}
	deny := in.publishers("*", map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}})
	deny["Sid"], deny["Effect"] = "TLSOnly", "Deny"
	if err := in.allow(ctx, byRoot(in, t.Customer), deny); err != nil {
		return err
	}
	_, err = t.whole(ctx, in, t.Customer, "tls", nil)
	return err
}
