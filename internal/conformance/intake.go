// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/outbound"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/snscert"
)

// intake is a topic of the vendor in one Region, with a queue subscribed to it.
type intake struct {
	w        *World
	party    *Party
	region   account.Region
	topic    string
	queueURL string
	queueARN string
}

// request is one request of CloudFormation, as received (aws-facts 1.1).
type request struct {
	RequestType, ServiceToken, ResponseURL, StackId, RequestId string
	LogicalResourceId, PhysicalResourceId, ResourceType        string
	ResourceProperties, OldResourceProperties                  map[string]any

	body      string // the body of the queue's message
	messageID string // the message ID of SNS
}

// intake returns the intake of a party in a Region. The first call creates it.
func (w *World) intake(ctx context.Context, p *Party, region account.Region) (*intake, error) {
	key := p.name + "/" + region.String()
	if in := w.intakes[key]; in != nil {
		return in, nil
	}
	name := w.name("intake")
	in := &intake{w: w, party: p, region: region}
	var err error
	if in.topic, err = w.topic(ctx, p, region, name); err != nil {
		return nil, err
	}
	if in.queueURL, in.queueARN, err = w.queue(ctx, p, region, name, nil); err != nil {
		return nil, err
	}
	if err := w.subscribe(ctx, p, region, in.topic, in.queueURL, in.queueARN, in.topic); err != nil {
		return nil, err
	}
	w.intakes[key] = in
	return in, nil
}

func (w *World) topic(ctx context.Context, p *Party, region account.Region, name string) (arn string, err error) {
	if err := w.creates(p, "topic", region, name); err != nil {
		return "", err
	}
	out, err := p.SNS(region).CreateTopic(ctx, &sns.CreateTopicInput{Name: &name, Tags: []snstypes.Tag{{Key: aws.String(Tag), Value: &w.Run}}})
	if err != nil {
		return "", fmt.Errorf("create topic %s: %w", name, err)
	}
	return *out.TopicArn, nil
}

func (w *World) queue(ctx context.Context, p *Party, region account.Region, name string, attributes map[string]string) (url, arn string, err error) {
	if err := w.creates(p, "queue", region, name); err != nil {
		return "", "", err
	}
	out, err := p.SQS(region).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes, Tags: map[string]string{Tag: w.Run}})
	if err != nil {
		return "", "", fmt.Errorf("create queue %s: %w", name, err)
	}
	return *out.QueueUrl, fmt.Sprintf("arn:%s:sqs:%s:%s:%s", region.Partition(), region, p.Account, name), nil
}

// subscribe allows the topics that match a pattern to send to a queue, and subscribes
// the queue to one topic (aws-facts 5.7).
func (w *World) subscribe(ctx context.Context, p *Party, region account.Region, topic, queueURL, queueARN, pattern string) error {
	_, err := p.SQS(region).SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &queueURL, Attributes: map[string]string{
		"Policy": policyJSON(statement{
			"Effect": "Allow", "Principal": map[string]any{"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queueARN,
			"Condition": map[string]any{"ArnLike": map[string]any{"aws:SourceArn": pattern}},
		}),
	}})
	if err != nil {
		return fmt.Errorf("let topic %s send to queue %s: %w", topic, queueARN, err)
	}
	if _, err := p.SNS(region).Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &queueARN, ReturnSubscriptionArn: true}); err != nil {
		return fmt.Errorf("subscribe queue %s to topic %s: %w", queueARN, topic, err)
	}
	return nil
}

// statement is one statement of a policy.
type statement = map[string]any

func policyJSON(statements ...statement) string {
	return asJSON(map[string]any{"Version": "2012-10-17", "Statement": statements})
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings can always be encoded
	}
	return string(text)
}

// publishers returns a statement that allows a principal to publish to the intake.
func (in *intake) publishers(principal any, condition map[string]any) statement {
	s := statement{"Sid": "Publishers", "Effect": "Allow", "Principal": principal, "Action": "SNS:Publish", "Resource": in.topic}
	if condition != nil {
		s["Condition"] = condition
	}
	return s
}

// allow sets the topic's policy, and waits until it is effective.
func (in *intake) allow(ctx context.Context, statements ...statement) error {
	err := in.w.setPolicy(ctx, in.party, in.region, in.topic, policyJSON(statements...))
	if err == nil {
		err = in.w.Poll(ctx, 10*time.Second) // a new policy takes time to reach all of AWS
	}
	return err
}

func (w *World) setPolicy(ctx context.Context, p *Party, region account.Region, topic, policy string) error {
	_, err := p.SNS(region).SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: aws.String("Policy"), AttributeValue: &policy})
	return err
}

// allowCustomer allows the customer's account to publish, as the hub does.
func (in *intake) allowCustomer(ctx context.Context, customer *Party) error {
	return in.allow(ctx, in.publishers(map[string]any{"AWS": customer.root()}, nil))
}

// receive returns the requests that are in the queue now.
func (in *intake) receive(ctx context.Context) ([]request, error) {
	out, err := in.party.SQS(in.region).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &in.queueURL, MaxNumberOfMessages: 10, WaitTimeSeconds: in.w.LongPoll,
	})
	if err != nil {
		return nil, fmt.Errorf("receive from queue %s: %w", in.queueURL, err)
	}
	var requests []request
	var done []sqstypes.DeleteMessageBatchRequestEntry
	for _, m := range out.Messages {
		done = append(done, sqstypes.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
		var envelope struct{ MessageId, Message string }
		r := request{body: aws.ToString(m.Body)}
		if json.Unmarshal([]byte(r.body), &envelope) == nil && json.Unmarshal([]byte(envelope.Message), &r) == nil {
			r.messageID = envelope.MessageId
		}
		requests = append(requests, r)
	}
	if len(done) > 0 {
		_, err = in.party.SQS(in.region).DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &in.queueURL, Entries: done})
	}
	return requests, err
}

// verifier returns a verifier of SNS's signatures for a party's partition.
func (w *World) verifier(p *Party) (*snscert.Verifier, error) {
	return snscert.New(snscert.Config{Endpoint: p.Endpoint("sns"), Bundle: p.Bundle, Clock: w.Now})
}

// reply is the answer to a request.
type reply struct {
	status     phonehome.Status
	physicalID string
}

// answer sends the answer to a request, as the registrar does.
func (in *intake) answer(ctx context.Context, r request, with reply) error {
	stack, err := account.ParseStackARN(r.StackId)
	if err != nil {
		return err
	}
	to, err := phonehome.ParseResponseURL(r.ResponseURL, stack, r.LogicalResourceId, r.RequestId)
	if err != nil {
		return instead("the response URL is not one that answers go to: %v", err)
	}
	response := phonehome.Response{
		Status: with.status, PhysicalResourceID: with.physicalID, StackID: r.StackId, RequestID: r.RequestId, LogicalResourceID: r.LogicalResourceId,
	}
	if with.status == phonehome.Failed {
		response.Reason = "A conformance check lets this resource fail."
	}
	roots, err := outbound.Roots(in.party.Bundle)
	if err != nil {
		return err
	}
	err = registrar.NewBucketResponder(in.party.Endpoint("s3"), roots).Respond(ctx, to, response)
	var refused *registrar.RefusedError
	if errors.As(err, &refused) {
		return instead("the answer is refused: %v", err)
	}
	return err
}
