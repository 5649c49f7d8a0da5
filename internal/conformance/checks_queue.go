// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queueChecks test SQS queues.
var queueChecks = []Check{
	{
		ID: "5.7a", Title: "A queue policy can allow many topics by one pattern in ArnLike aws:SourceArn, and their messages arrive",
		Place: "internal/hub/queue.go (the queue's policy)", Makes: "two topics, a queue", run: topicsByPattern,
	},
	{
		ID: "6a", Title: "A dead-letter queue must be in the same account and Region",
		Mark:  "DLQ must be the same type [D], same Region and account [R]",
		Place: "internal/hub/queue.go (dead letters are beside the queue)", Makes: "a queue", run: deadLettersElsewhere,
	},
	{
		ID: "6b", Title: "A message that becomes a dead letter keeps the time at which it was first sent",
		Mark:  "standard queues keep the original enqueue time for retention [R]",
		Place: "internal/hub/queue.go (retention of dead letters)", Makes: "two queues", run: deadLetterAge,
	},
	{
		ID: "13.4a", Title: "SetQueueAttributes accepts a KMS key that does not exist",
		Mark:  "[?] Whether SetQueueAttributes looks at the key; codes of DynamoDB for a key that is disabled or gone.",
		Place: "internal/hub/selftest.go (a test message shows that the key works)", Makes: "a queue", run: keyOfQueue,
	},
}

func (t *trial) setQueue(ctx context.Context, url, name, value string) error {
	_, err := t.Vendor.SQS(t.home()).SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{name: value}})
	return err
}

func topicsByPattern(ctx context.Context, t *trial) error {
	url, arn, err := t.queue(ctx, t.Vendor, t.home(), t.name("many"), nil)
	if err != nil {
		return err
	}
	pattern := fmt.Sprintf("arn:%s:sns:*:%s:%s*", t.home().Partition(), t.Vendor.Account, t.name("many-"))
	for _, name := range []string{"many-0", "many-1"} {
		topic, err := t.topic(ctx, t.Vendor, t.home(), t.name(name))
		if err != nil {
			return err
		}
		if err := t.subscribe(ctx, t.Vendor, t.home(), topic, url, arn, pattern); err != nil {
			return err
		}
		if _, err := t.Vendor.SNS(t.home()).Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: aws.String("from " + name)}); err != nil {
			return err
		}
	}
	arrived := 0
	err = t.until(ctx, isPending, func() error {
		out, err := t.Vendor.SQS(t.home()).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: t.LongPoll})
		if err != nil {
			return err
		}
		if arrived += len(out.Messages); arrived < 2 {
			return errPending
		}
		return nil
	})
	if isPending(err) {
		return instead("of two messages, %d arrived", arrived)
	}
	return err
}

func deadLettersElsewhere(ctx context.Context, t *trial) error {
	url, _, err := t.queue(ctx, t.Vendor, t.home(), t.name("letters"), nil)
	if err != nil {
		return err
	}
	region := "eu-north-1"
	if len(t.Regions) > 1 {
		region = t.Regions[1].String()
	}
	for what, arn := range map[string]string{
		"another Region's":  fmt.Sprintf("arn:%s:sqs:%s:%s:dead", t.home().Partition(), region, t.Vendor.Account),
		"another account's": fmt.Sprintf("arn:%s:sqs:%s:%s:dead", t.home().Partition(), t.home(), t.Customer.Account),
	} {
		err := t.setQueue(ctx, url, "RedrivePolicy", asJSON(map[string]any{"deadLetterTargetArn": arn, "maxReceiveCount": "3"}))
		if err := t.refused(what+" queue as dead letters", err, "InvalidParameterValue", "InvalidAttributeValue", "InvalidParameterValueException",
			"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"); err != nil {
			return err
		}
	}
	return nil
}

func deadLetterAge(ctx context.Context, t *trial) error {
	dead, deadARN, err := t.queue(ctx, t.Vendor, t.home(), t.name("dead"), nil)
	if err != nil {
		return err
	}
	url, _, err := t.queue(ctx, t.Vendor, t.home(), t.name("aging"), map[string]string{
		"VisibilityTimeout": "1", "RedrivePolicy": asJSON(map[string]any{"deadLetterTargetArn": deadARN, "maxReceiveCount": "1"}),
	})
	if err != nil {
		return err
	}
	client := t.Vendor.SQS(t.home())
	if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("grows old")}); err != nil {
		return err
	}
	sent := func(from string) (string, error) {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &from, WaitTimeSeconds: t.LongPoll, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"SentTimestamp"},
		})
		if err != nil || len(out.Messages) == 0 {
			return "", err
		}
		return out.Messages[0].Attributes["SentTimestamp"], nil
	}
	first, err := sent(url)
	for tries := 0; err == nil && first == "" && tries < 10; tries++ {
		first, err = sent(url)
	}
	if err != nil {
		return err
	}
	var later string
	err = t.until(ctx, isPending, func() error {
		if err := t.Pass(ctx, 5*time.Second); err != nil {
			return err
		}
		if again, err := sent(url); err != nil || again != "" { // the receive moves the message to the dead-letter queue
			return errPending
		}
		if later, err = sent(dead); err == nil && later == "" {
			err = errPending
		}
		return err
	})
	switch {
	case isPending(err):
		return instead("the message never became a dead letter")
	case err != nil:
		return err
	case first != later:
		return instead("it was sent at %s, but as a dead letter it has %s", first, later)
	}
	return nil
}

func keyOfQueue(ctx context.Context, t *trial) error {
	url, _, err := t.queue(ctx, t.Vendor, t.home(), t.name("keyed"), nil)
	if err != nil {
		return err
	}
	arn := fmt.Sprintf("arn:%s:kms:%s:%s:key/11111111-2222-3333-4444-555555555555", t.home().Partition(), t.home(), t.Vendor.Account)
	_, err = t.Vendor.SQS(t.home()).SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{
		"KmsMasterKeyId": arn, "SqsManagedSseEnabled": "false",
	}})
	return t.accepted("a key that does not exist", err)
}
