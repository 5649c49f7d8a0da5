// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// topicChecks test a topic's policy. They launch no stack.
var topicChecks = []Check{
	{
		ID: "5.1", Title: "A topic policy can have 1,900 account IDs in one aws:PrincipalAccount list, and has at most 30 KB",
		Mark:  "SNSDG sns-access-policy-language-api-permissions-reference.html. [I]",
		Place: "internal/hub (CustomersPerTopic)", Makes: "a topic", run: roomInPolicy,
	},
	{
		ID: "5.3", Title: "RemovePermission with an unknown label succeeds and changes nothing",
		Mark:  "RemovePermission with unknown label: success in moto/LocalStack; AWS [?]",
		Place: "none: the hub writes whole policies", Makes: "a topic", run: unknownLabel,
	},
	{
		ID: "5.4a", Title: "One account that does not exist makes SNS refuse the whole policy, with PrincipalNotFound",
		Mark:  "Thus one closed account can block every later SetTopicAttributes [I]",
		Place: "internal/hub/permissions.go (lists of accounts are conditions)", Makes: "a topic", run: unknownAccount,
	},
	{
		ID: "5.4b", Title: "A closed account makes SNS refuse the whole policy as well",
		Mark:  "Thus one closed account can block every later SetTopicAttributes [I]",
		Place: "internal/hub/permissions.go (lists of accounts are conditions)", Makes: "a topic", Needs: []Need{ClosedAccount}, run: closedAccount,
	},
	{
		ID: "5.5", Title: "SetTopicAttributes replaces the whole policy, and account IDs come back as root ARNs",
		Mark:  "5.5 [D/I]",
		Place: "internal/hub/permissions.go (one writer at a time)", Makes: "a topic", run: wholePolicy,
	},
	{
		ID: "13.8", Title: "SNS, SQS, S3 and IAM refuse a service principal that does not exist",
		Mark:  "S3, SQS, SNS and KMS refuse it as they refuse an account that does not exist [I]",
		Place: "internal/iampolicy/lint.go", Makes: "a topic, a queue, a bucket", run: unknownService,
	},
}

// plainTopic returns a topic that the checks of policies share.
func (t *trial) plainTopic(ctx context.Context) (string, error) {
	return t.topic(ctx, t.Vendor, t.home(), t.name("policy"))
}

func onTopic(topic string, principal any, condition map[string]any) statement {
	s := statement{"Sid": "Publishers", "Effect": "Allow", "Principal": principal, "Action": "SNS:Publish", "Resource": topic}
	if condition != nil {
		s["Condition"] = condition
	}
	return s
}

// accountsThatNeedNotExist returns n account IDs, which may not exist.
func accountsThatNeedNotExist(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%012d", 700_000_000_000+int64(i)*7919)
	}
	return ids
}

func roomInPolicy(ctx context.Context, t *trial) error {
	topic, err := t.plainTopic(ctx)
	if err != nil {
		return err
	}
	policy := func(n int) string {
		return policyJSON(onTopic(topic, "*", map[string]any{"StringEquals": map[string]any{"aws:PrincipalAccount": accountsThatNeedNotExist(n)}}))
	}
	if size := len(policy(1900)); size > 30*1024 {
		return fmt.Errorf("the policy of 1,900 accounts has %d bytes", size)
	}
	if err := t.accepted("a policy with 1,900 account IDs", t.setPolicy(ctx, t.Vendor, t.home(), topic, policy(1900))); err != nil {
		return err
	}
	return t.refused("a policy of more than 30 KB", t.setPolicy(ctx, t.Vendor, t.home(), topic, policy(2200)), "InvalidParameter", "InvalidParameterException")
}

func unknownLabel(ctx context.Context, t *trial) error {
	topic, err := t.plainTopic(ctx)
	if err != nil {
		return err
	}
	before, err := t.policyOf(ctx, topic)
	if err != nil {
		return err
	}
	_, err = t.Vendor.SNS(t.home()).RemovePermission(ctx, &sns.RemovePermissionInput{TopicArn: &topic, Label: aws.String("no-such-label")})
	if err := t.accepted("RemovePermission", err); err != nil {
		return err
	}
	after, err := t.policyOf(ctx, topic)
	if err == nil && after != before {
		return instead("the policy has changed")
	}
	return err
}

func (t *trial) policyOf(ctx context.Context, topic string) (string, error) {
	out, err := t.Vendor.SNS(t.home()).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})
	if err != nil {
		return "", err
	}
	t.note("policy", out.Attributes["Policy"])
	return out.Attributes["Policy"], nil
}

// randomAccount returns an ID that most likely no account has.
func randomAccount() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(9_000_000_000))
	return fmt.Sprintf("99%010d", n), err
}

func unknownAccount(ctx context.Context, t *trial) error {
	id, err := randomAccount()
	if err != nil {
		return err
	}
	return t.noSuchAccount(ctx, id)
}

func closedAccount(ctx context.Context, t *trial) error { return t.noSuchAccount(ctx, t.Closed) }

func (t *trial) noSuchAccount(ctx context.Context, id string) error {
	topic, err := t.plainTopic(ctx)
	if err != nil {
		return err
	}
	good := onTopic(topic, map[string]any{"AWS": t.Customer.root()}, nil)
	bad := onTopic(topic, map[string]any{"AWS": []string{t.Customer.root(), rootOf(t.home(), id)}}, nil)
	if err := t.accepted("a policy with the customer's account", t.setPolicy(ctx, t.Vendor, t.home(), topic, policyJSON(good))); err != nil {
		return err
	}
	err = t.setPolicy(ctx, t.Vendor, t.home(), topic, policyJSON(bad))
	if err := t.refused("a policy with an account that does not exist", err, "InvalidParameter", "InvalidParameterException"); err != nil {
		return err
	}
	if !strings.Contains(err.Error(), "PrincipalNotFound") {
		return instead("the error does not contain PrincipalNotFound: %v", err)
	}
	listed := onTopic(topic, "*", map[string]any{"StringEquals": map[string]any{"aws:PrincipalAccount": []string{t.Customer.Account.String(), id}}})
	return t.accepted("the same account in a condition", t.setPolicy(ctx, t.Vendor, t.home(), topic, policyJSON(listed)))
}

func wholePolicy(ctx context.Context, t *trial) error {
	topic, err := t.plainTopic(ctx)
	if err != nil {
		return err
	}
	first := onTopic(topic, map[string]any{"AWS": t.Customer.Account.String()}, nil)
	first["Sid"] = "First"
	if err := t.setPolicy(ctx, t.Vendor, t.home(), topic, policyJSON(first)); err != nil {
		return err
	}
	shown, err := t.policyOf(ctx, topic)
	if err != nil {
		return err
	}
	if !strings.Contains(shown, t.Customer.root()) {
		return instead("the account's ID does not come back as %s", t.Customer.root())
	}
	second := onTopic(topic, map[string]any{"AWS": t.Vendor.root()}, nil)
	if err := t.setPolicy(ctx, t.Vendor, t.home(), topic, policyJSON(second)); err != nil {
		return err
	}
	if shown, err = t.policyOf(ctx, topic); err == nil && strings.Contains(shown, "First") {
		return instead("the first writer's statement still exists after the second one wrote")
	}
	return err
}

func unknownService(ctx context.Context, t *trial) error {
	const service = "no-such-service.amazonaws.com"
	principal := map[string]any{"Service": service}
	topic, err := t.plainTopic(ctx)
	if err != nil {
		return err
	}
	err = t.setPolicy(ctx, t.Vendor, t.home(), topic, policyJSON(onTopic(topic, principal, nil)))
	if err := t.refused("a topic's policy", err, "InvalidParameter", "InvalidParameterException"); err != nil {
		return err
	}
	url, arn, err := t.queue(ctx, t.Vendor, t.home(), t.name("policy"), nil)
	if err != nil {
		return err
	}
	err = t.setQueue(ctx, url, "Policy", policyJSON(statement{"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": arn}))
	if err := t.refused("a queue's policy", err, "InvalidAttributeValue", "InvalidParameterValue"); err != nil {
		return err
	}
	bucket, err := t.bucket(ctx, t.home(), "policy")
	if err != nil {
		return err
	}
	err = t.bucketPolicy(ctx, bucket, statement{"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": t.bucketARN(bucket) + "/*"})
	if err := t.refused("a bucket's policy", err, "MalformedPolicy"); err != nil {
		return err
	}
	_, err = t.makeRole(ctx, t.Vendor, "none", statement{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
	if err := t.refused("a role's trust", err, "MalformedPolicyDocument"); err != nil {
		return err
	}
	t.remark("refused by SNS, SQS, S3 and IAM")
	return nil
}
