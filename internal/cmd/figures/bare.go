// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/e2e"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// bare is a loop that makes a registrar's calls for each message, without decoding or
// deciding anything. A receive gets up to ten messages, as in a registrar.
type bare struct {
	*launches
	clients *awsclient.Clients
	queue   string
	bucket  string
}

// bareSpeed returns the messages that such a loop handles per second, and the CPU
// time in milliseconds that loop and sandbox take for each.
func bareSpeed(ctx context.Context, n int, latency time.Duration) (speed, spent float64, err error) {
	err = play(ctx, func(s *stage) error {
		l := launched(s, n)
		b := &bare{launches: l, clients: l.ClientsOf(sandbox.VendorAccount, l.URL()), queue: l.Record.QueueURL, bucket: l.Record.Bucket}
		l.Faults().Add(kernel.FaultRule{Kind: kernel.FaultLatency, Probability: 1, Delay: latency})
		begun, before := time.Now(), cpuOf(os.Getpid())
		if err := profiled(fmt.Sprintf("bare-%dms", latency.Milliseconds()), func() error { return b.run(ctx) }); err != nil {
			return err
		}
		speed, spent = float64(n)/time.Since(begun).Seconds(), (cpuOf(os.Getpid())-before)/float64(n)
		l.Faults().Clear()
		return nil
	})
	return speed, spent, err
}

func (b *bare) run(ctx context.Context) error {
	messages := make(chan sqstypes.Message)
	var workers sync.WaitGroup
	errs := make([]error, atOnce)
	for i := range errs {
		workers.Go(func() {
			for m := range messages {
				if errs[i] == nil {
					errs[i] = b.handle(ctx, m)
				}
			}
		})
	}
	received, err := 0, error(nil)
	for received < b.n && err == nil {
		var out *sqs.ReceiveMessageOutput
		out, err = b.clients.SQS(b.Record.Region).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &b.queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 20})
		if err != nil {
			break
		}
		for _, m := range out.Messages {
			messages <- m
			received++
		}
	}
	close(messages)
	workers.Wait()
	return errors.Join(append(errs, err)...)
}

// handle makes the calls of one message, one after the other.
func (b *bare) handle(ctx context.Context, m sqstypes.Message) error {
	var number int
	if at := strings.Index(*m.Body, "customer-"); at < 0 {
		return errors.New("the message names no customer")
	} else if _, err := fmt.Sscanf((*m.Body)[at:], "customer-%d", &number); err != nil {
		return err
	}
	c := b.roles[number]
	for _, step := range []func(context.Context, *e2e.Customer, sqstypes.Message) error{
		b.read, b.assume, b.read, b.write, b.put, b.write, b.remove,
	} {
		if err := step(ctx, c, m); err != nil {
			return err
		}
	}
	return nil
}

func key(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}}
}

// read reads as many items as a registrar does.
func (b *bare) read(ctx context.Context, c *e2e.Customer, m sqstypes.Message) error {
	keys := []map[string]types.AttributeValue{key("HUB", "HUB"), key("LINK#0", "CUSTOMER#"+c.Name), key("EXTERNAL#"+c.Link.ExternalID.String(), "CLAIM")}
	for i := range 5 {
		keys = append(keys, key("STACK#"+*m.MessageId, fmt.Sprint("ITEM#", i)))
	}
	_, err := b.clients.DynamoDB().BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		b.Registry().Table(): {ConsistentRead: aws.Bool(true), Keys: keys},
	}})
	return err
}

// assume makes the calls of a proof; two of them are refused.
func (b *bare) assume(ctx context.Context, c *e2e.Customer, _ sqstypes.Message) error {
	right := aws.String(c.Link.ExternalID.String())
	for _, externalID := range []*string{right, nil, aws.String("wrong"), right} {
		_, err := b.clients.STS(b.Record.Region).AssumeRole(ctx, &sts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::" + c.Account + ":role/" + c.Link.RoleName), RoleSessionName: aws.String("bare"), ExternalId: externalID,
		})
		if (err == nil) != (externalID == right) {
			return fmt.Errorf("assume the role of %s: %w", c.Name, err)
		}
	}
	return nil
}

// write writes two items of a kilobyte on a condition.
func (b *bare) write(ctx context.Context, _ *e2e.Customer, m sqstypes.Message) error {
	var writes []types.TransactWriteItem
	for i := range 2 {
		item := key("STACK#"+*m.MessageId, fmt.Sprint("ITEM#", i))
		item["record"] = &types.AttributeValueMemberS{Value: strings.Repeat("x", 1000)}
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: aws.String(b.Registry().Table()), Item: item}})
	}
	writes = append(writes, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: aws.String(b.Registry().Table()), Key: key("STACK#"+*m.MessageId, "STACK"), ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}})
	_, err := b.clients.DynamoDB().TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	return err
}

// put sends an answer, to the hub's bucket instead of CloudFormation's.
func (b *bare) put(ctx context.Context, c *e2e.Customer, _ sqstypes.Message) error {
	_, err := b.clients.S3().PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.bucket, Key: aws.String("answers/" + c.Name), Body: bytes.NewReader([]byte(strings.Repeat("x", 300))),
	})
	return err
}

func (b *bare) remove(ctx context.Context, _ *e2e.Customer, m sqstypes.Message) error {
	_, err := b.clients.SQS(b.Record.Region).DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &b.queue, ReceiptHandle: m.ReceiptHandle})
	return err
}
