// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sqs"
)

func TestAMessageIsSentReceivedAndDeleted(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	sent, err := c.SendMessage(b.ctx, &awssqs.SendMessageInput{
		QueueUrl: &url, MessageBody: aws.String("häl<l>o"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"colour": {DataType: aws.String("String"), StringValue: aws.String("red")},
			"blob":   {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 255}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := b.receive(t, c, url)
	if len(got) != 1 || *got[0].Body != "häl<l>o" || *got[0].MessageId != *sent.MessageId {
		t.Fatalf("received %+v", got)
	}
	m := got[0]
	if m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["SentTimestamp"] == "" || m.Attributes["SenderId"] != "AIDATEST" {
		t.Errorf("system attributes are %v", m.Attributes)
	}
	// Another implementation computed this checksum of the two attributes.
	if *m.MD5OfMessageAttributes != "d8f51d35042c3b0d2be4d4ec97fddda0" || *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes || string(m.MessageAttributes["blob"].BinaryValue) != "\x00\x01\xff" {
		t.Errorf("message attributes are %v", m.MessageAttributes)
	}
	if _, err := c.DeleteMessage(b.ctx, &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	if again := b.receive(t, c, url); len(again) != 0 {
		t.Errorf("a deleted message was received: %v", bodies(again))
	}
}

func TestAMessageBecomesVisibleAfterItsVisibilityTimeout(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", map[string]string{"VisibilityTimeout": "60"})
	b.send(t, c, url, "job")
	first := b.receive(t, c, url)
	b.clock.Advance(55 * time.Second)
	if early := b.receive(t, c, url); len(early) != 0 {
		t.Fatal("the message was received before its visibility timeout was over")
	}
	b.clock.Advance(10 * time.Second)
	second := b.receive(t, c, url)
	if len(second) != 1 || second[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Fatalf("the second receive returns %+v", second)
	}
	if *first[0].ReceiptHandle == *second[0].ReceiptHandle {
		t.Error("both receives have the same handle")
	}
	// The first handle no longer deletes the message, without an error.
	if _, err := c.DeleteMessage(b.ctx, &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: first[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(2 * time.Minute)
	if again := b.receive(t, c, url); len(again) != 1 {
		t.Error("the old handle deleted the message")
	}
}

func TestTheOlderNameOfTheSystemAttributesIsAccepted(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	b.send(t, c, url, "job")
	out, err := c.ReceiveMessage(b.ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"SentTimestamp"}}) //nolint:staticcheck // the older name
	if err != nil || len(out.Messages) != 1 || len(out.Messages[0].Attributes) != 1 || out.Messages[0].Attributes["SentTimestamp"] == "" {
		t.Errorf("received %+v, %v", out, err)
	}
}

func TestALongPollEndsWithTheFirstMessage(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	done := make(chan struct{})
	var got string
	go func() {
		defer close(done)
		out, err := c.ReceiveMessage(b.ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
		if err == nil {
			got = bodies(out.Messages)
		}
	}()
	b.send(t, c, url, "job")
	within(t, done, "long poll")
	if got != "job" {
		t.Errorf("the long poll returned %q", got)
	}
}

func TestALongPollEndsByTheSandboxsClock(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", map[string]string{"ReceiveMessageWaitTimeSeconds": "20"})
	done, began := make(chan struct{}), time.Now()
	go func() {
		defer close(done)
		_, _ = c.ReceiveMessage(b.ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url})
	}()
	// The poll may start before or after the clock is advanced: advance it
	// until the poll ends.
	for ended := false; !ended; {
		b.clock.Advance(20 * time.Second)
		select {
		case <-done:
			ended = true
		default:
			if time.Since(began) > 15*time.Second {
				t.Fatal("the poll does not end by the sandbox's clock")
			}
		}
	}
}

func TestALongPollWakesForAMessageThatBecomesVisible(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", map[string]string{"VisibilityTimeout": "1"})
	b.send(t, c, url, "job")
	b.receive(t, c, url)
	out, err := c.ReceiveMessage(b.ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
	if err != nil || bodies(out.Messages) != "job" {
		t.Errorf("the long poll returned %+v, %v", out, err)
	}
}

func TestACancelledPollReceivesNoMessage(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	ctx, cancel := context.WithCancel(b.ctx)
	call := &kernel.Call{
		Context: ctx, Service: "sqs", Action: "ReceiveMessage", Region: home, RequestID: "test",
		Principal: &kernel.Principal{Account: vendor},
		Body:      []byte(`{"QueueUrl":"` + url + `","WaitTimeSeconds":20}`),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = b.service.Serve(call)
	}()
	cancel()
	within(t, done, "the cancelled poll")
	b.send(t, c, url, "job")
	if got := bodies(b.receive(t, c, url)); got != "job" {
		t.Errorf("the next receiver gets %q", got)
	}
}

func TestEachMessageIsReceivedByOneOfManyReceivers(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	const senders, receivers, each = 4, 8, 25
	var group errgroup.Group
	got := make(chan string, 2*senders*each)
	var left atomic.Int64
	left.Store(senders * each)
	for range receivers {
		group.Go(func() error {
			for left.Load() > 0 {
				out, err := c.ReceiveMessage(b.ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 3, WaitTimeSeconds: 1})
				if err != nil {
					return err
				}
				for _, m := range out.Messages {
					got <- *m.Body
					left.Add(-1)
					if _, err := c.DeleteMessage(b.ctx, &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	for sender := range senders {
		group.Go(func() error {
			for i := range each {
				body := fmt.Sprint(sender, "-", i)
				if _, err := c.SendMessage(b.ctx, &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	close(got)
	seen := map[string]bool{}
	for body := range got {
		if seen[body] {
			t.Errorf("%s was received twice", body)
		}
		seen[body] = true
	}
	if len(seen) != senders*each {
		t.Errorf("%d of %d messages were received", len(seen), senders*each)
	}
}

func TestVisibilityCanBeChangedWithinTwelveHours(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	change := func(m types.Message, seconds int32) error {
		_, err := c.ChangeMessageVisibility(b.ctx, &awssqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds})
		return err
	}
	b.send(t, c, url, "job")
	m := b.receive(t, c, url)[0]
	if err := change(m, 600); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(5 * time.Minute)
	if early := b.receive(t, c, url); len(early) != 0 {
		t.Error("the longer timeout has no effect")
	}
	wantCode(t, change(m, 43200), "InvalidParameterValue") // more than 12 h from the receive
	if err := change(m, 0); err != nil {
		t.Fatal(err)
	}
	wantCode(t, change(m, 30), "AWS.SimpleQueueService.MessageNotInflight")
	if back := b.receive(t, c, url); len(back) != 1 {
		t.Error("a timeout of 0 does not make the message visible")
	}
}

func TestInvalidReceiptHandlesAreRefused(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url, other := b.create(t, c, "jobs", nil), b.create(t, c, "other", nil)
	b.send(t, c, other, "job")
	foreign := b.receive(t, c, other)[0].ReceiptHandle
	for _, handle := range []*string{aws.String("x"), aws.String("aGVsbG8="), foreign} {
		_, err := c.DeleteMessage(b.ctx, &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: handle})
		wantCode(t, err, "ReceiptHandleIsInvalid")
	}
}

func TestAMessageReceivedTooOftenGoesToTheDeadLetterQueue(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	dead := b.create(t, c, "dead", nil)
	url := b.create(t, c, "jobs", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111111111111:dead","maxReceiveCount":2}`,
	})
	b.send(t, c, url, "job")
	for range 2 {
		if got := bodies(b.receive(t, c, url)); got != "job" {
			t.Fatalf("the receive returns %q", got)
		}
		b.clock.Advance(time.Minute)
	}
	if third := b.receive(t, c, url); len(third) != 0 {
		t.Fatal("a third receive returned the message")
	}
	deadLetters := b.receive(t, c, dead)
	if len(deadLetters) != 1 || deadLetters[0].Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:eu-west-1:111111111111:jobs" {
		t.Errorf("the dead-letter queue has %+v", deadLetters)
	}
	list, err := c.ListDeadLetterSourceQueues(b.ctx, &awssqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dead})
	if err != nil || len(list.QueueUrls) != 1 || list.QueueUrls[0] != url {
		t.Errorf("sources are %+v, %v", list, err)
	}
}

func TestMessagesAndDeadLettersAreDeletedAfterTheRetentionPeriod(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	dead := b.create(t, c, "dead", map[string]string{"MessageRetentionPeriod": "120"})
	url := b.create(t, c, "jobs", map[string]string{
		"MessageRetentionPeriod": "3600", "VisibilityTimeout": "1",
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111111111111:dead","maxReceiveCount":1}`,
	})
	b.send(t, c, url, "old")
	b.receive(t, c, url)
	b.clock.Advance(5 * time.Minute)
	b.send(t, c, url, "young")
	if got := bodies(b.receive(t, c, url)); got != "young" {
		t.Errorf("the receive returns %q", got)
	}
	if got := b.receive(t, c, dead); len(got) != 0 {
		t.Error("the age of a dead letter was reset")
	}
	b.clock.Advance(time.Hour)
	if got := b.receive(t, c, url); len(got) != 0 {
		t.Error("a message outlived its retention period")
	}
}

func TestADelayedMessageIsInvisibleUntilItsDelayIsOver(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", map[string]string{"DelaySeconds": "60"})
	b.send(t, c, url, "late")
	if _, err := c.SendMessage(b.ctx, &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("later"), DelaySeconds: 600}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetQueueAttributes(b.ctx, &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil || got.Attributes["ApproximateNumberOfMessagesDelayed"] != "2" {
		t.Errorf("attributes are %v, %v", got, err)
	}
	for _, want := range []string{"", "late", "later"} {
		if got := bodies(b.receive(t, c, url)); got != want {
			t.Errorf("received %q, want %q", got, want)
		}
		b.clock.Advance(5 * time.Minute)
		if want == "late" {
			purge(t, b, c, url, "late")
			b.clock.Advance(5 * time.Minute)
		}
	}
}

// purge receives the visible messages, and deletes those with a body.
func purge(t *testing.T, b *bench, c *awssqs.Client, url, body string) {
	t.Helper()
	for _, m := range b.receive(t, c, url) {
		if *m.Body != body {
			continue
		}
		if _, err := c.DeleteMessage(b.ctx, &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPurgedQueueIsEmptyAndCanBePurgedAgainAMinuteLater(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	b.send(t, c, url, "job")
	purgeQueue := func() error {
		_, err := c.PurgeQueue(b.ctx, &awssqs.PurgeQueueInput{QueueUrl: &url})
		return err
	}
	if err := purgeQueue(); err != nil {
		t.Fatal(err)
	}
	if got := b.receive(t, c, url); len(got) != 0 {
		t.Error("the purged queue has messages")
	}
	wantCode(t, purgeQueue(), "AWS.SimpleQueueService.PurgeQueueInProgress")
	b.clock.Advance(time.Minute)
	if err := purgeQueue(); err != nil {
		t.Error(err)
	}
}

func TestAnInvalidEntryOfABatchDoesNotAffectTheOthers(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", map[string]string{"MaximumMessageSize": "1024"})
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: aws.String(id), MessageBody: aws.String(body)}
	}
	out, err := c.SendMessageBatch(b.ctx, &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
		entry("a", "first"), entry("b", strings.Repeat("x", 1025)), entry("c", "third"),
	}})
	if err != nil || len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "b" || *out.Failed[0].Code != "InvalidParameterValue" {
		t.Fatalf("the batch returns %+v, %v", out, err)
	}
	var entries []types.DeleteMessageBatchRequestEntry
	for i, m := range b.receive(t, c, url) {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(string(rune('a' + i))), ReceiptHandle: m.ReceiptHandle})
	}
	entries[1].ReceiptHandle = aws.String("nonsense")
	deleted, err := c.DeleteMessageBatch(b.ctx, &awssqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries})
	if err != nil || len(deleted.Successful) != 1 || *deleted.Successful[0].Id != "a" || len(deleted.Failed) != 1 {
		t.Errorf("the batch returns %+v, %v", deleted, err)
	}
	for code, entries := range map[string][]types.SendMessageBatchRequestEntry{
		"AWS.SimpleQueueService.EmptyBatchRequest":            {},
		"AWS.SimpleQueueService.BatchEntryIdsNotDistinct":     {entry("a", "x"), entry("a", "y")},
		"AWS.SimpleQueueService.InvalidBatchEntryId":          {entry("a b", "x")},
		"AWS.SimpleQueueService.TooManyEntriesInBatchRequest": make11(entry),
	} {
		_, err := c.SendMessageBatch(b.ctx, &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
		wantCode(t, err, code)
	}
}

func make11(entry func(id, body string) types.SendMessageBatchRequestEntry) []types.SendMessageBatchRequestEntry {
	var all []types.SendMessageBatchRequestEntry
	for i := range 11 {
		all = append(all, entry(string(rune('a'+i)), "x"))
	}
	return all
}

func TestVisibilityOfABatchCanBeChanged(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	b.send(t, c, url, "job")
	m := b.receive(t, c, url)[0]
	out, err := c.ChangeMessageVisibilityBatch(b.ctx, &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0},
	}})
	if err != nil || len(out.Successful) != 1 {
		t.Fatalf("the batch returns %+v, %v", out, err)
	}
	if got := bodies(b.receive(t, c, url)); got != "job" {
		t.Errorf("received %q", got)
	}
}

func TestInvalidMessagesAndReceivesAreRefused(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	for code, in := range map[string]*awssqs.SendMessageInput{
		"InvalidMessageContents":                  {QueueUrl: &url, MessageBody: aws.String("a\x01b")},
		"MissingParameter":                        {QueueUrl: &url, MessageBody: aws.String("")},
		"InvalidParameterValue":                   {QueueUrl: &url, MessageBody: aws.String("x"), DelaySeconds: 901},
		"InvalidAddress":                          {QueueUrl: aws.String(b.url + "/jobs"), MessageBody: aws.String("x")},
		"AWS.SimpleQueueService.NonExistentQueue": {QueueUrl: aws.String(b.url + "/" + vendor + "/nowhere"), MessageBody: aws.String("x")},
	} {
		_, err := c.SendMessage(b.ctx, in)
		wantCode(t, err, code)
	}
	_, err := c.ReceiveMessage(b.ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 11})
	wantCode(t, err, "InvalidParameterValue")
	_, err = c.ReceiveMessage(b.ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 21})
	wantCode(t, err, "InvalidParameterValue")
}

func TestAnUnimplementedParameterIsRefused(t *testing.T) {
	b := start(t)
	_, err := b.service.Serve(&kernel.Call{
		Context: b.ctx, Action: "ListQueues", Region: home, Principal: &kernel.Principal{Account: vendor}, Body: []byte(`{"Colour":"red"}`),
	})
	var fault *kernel.Error
	if !errors.As(err, &fault) || fault.Code != "SerializationException" {
		t.Errorf("the error is %v", err)
	}
}

func TestADeliveryNeedsTheQueuePolicyAndArrivesAfterItsDelay(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	topic := "arn:aws:sns:us-east-1:111111111111:news"
	deliver := func(body string, after time.Duration) error {
		return b.service.Deliver(t.Context(), sqs.Delivery{
			Queue: "arn:aws:sqs:eu-west-1:111111111111:jobs", Principal: &kernel.Principal{Service: "sns.amazonaws.com"},
			SourceARN: topic, Body: body, After: after,
			Place: func(int) int { return 0 },
		})
	}
	if err := deliver("refused", 0); err == nil {
		t.Fatal("a delivery without a permission was accepted")
	}
	b.authorizer.allowed = func(a kernel.Authorization) bool {
		return a.Principal.Service == "sns.amazonaws.com" && a.Action == "sqs:SendMessage" && a.Context["aws:sourcearn"][0] == topic
	}
	for body, after := range map[string]time.Duration{"now": 0, "soon": time.Minute} {
		if err := deliver(body, after); err != nil {
			t.Fatal(err)
		}
	}
	if got := bodies(b.receive(t, c, url)); got != "now" {
		t.Errorf("received %q", got)
	}
	got, err := c.GetQueueAttributes(b.ctx, &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil || got.Attributes["ApproximateNumberOfMessagesDelayed"] != "0" || got.Attributes["ApproximateNumberOfMessagesNotVisible"] != "1" {
		t.Errorf("a message that has not arrived is counted: %v, %v", got, err)
	}
	purge(t, b, c, url, "now")
	b.clock.Advance(2 * time.Minute)
	if got := bodies(b.receive(t, c, url)); !strings.Contains(got, "soon") {
		t.Errorf("received %q", got)
	}
}
