// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// SNS silently loses messages that the policy of a queue or of its key refuses
// (aws-facts 12.13), and then customers' stacks hang without a visible reason. So a
// change of a queue, a topic or a subscription is complete only after a message was
// delivered through each changed topic. A registrar that receives the message records
// it in the registry. This process also receives from the queue itself, because no
// registrar may be running, and returns the messages of customers to it.

const (
	// selfTestRounds is how many times the queue is searched. Each round takes one or
	// two seconds.
	selfTestRounds = 20
	// maxHeld is the maximum number of customers' messages that are hidden from
	// registrars while the queue is searched. A longer queue is not searched to its
	// end.
	maxHeld = 200
	// abandonedAge is the age at which a self-test is abandoned: no apply waits that long
	// for one.
	abandonedAge = 10 * time.Minute
)

// LostError indicates that messages published to some topics do not arrive in the
// queue.
type LostError struct {
	Hub    string
	Topics []account.TopicARN
}

func (e *LostError) Error() string {
	names := make([]string, len(e.Topics))
	for i, topic := range e.Topics {
		names[i] = topic.String()
	}
	return fmt.Sprintf("a test message to each of these topics did not arrive in the queue of hub %s within half a minute: %s. "+
		"SNS silently loses what the policy of the queue's KMS key refuses: compare it with the statement that the plan prints. "+
		"A registrar that is older than this release sends the test message to the dead-letter queue: upgrade it first", e.Hub, strings.Join(names, ", "))
}

// changes are the parts of message delivery that an apply has changed.
type changes struct {
	queue  bool
	topics []account.TopicARN
}

// testChanges tests the delivery through topics that were changed by this apply, or by
// an earlier one that was interrupted or could not test. If nothing arrives in a queue
// with a new key, the former key is restored. It returns untested if the queue was too
// long to be searched.
func (h *Manager) testChanges(ctx context.Context, before, record registry.HubRecord, changed changes) (untested bool, err error) {
	topics := changed.topics
	newKey := before.KMSKey != record.KMSKey
	if changed.queue || newKey || before.Untested || before.State != registry.HubReady {
		topics = h.topics(record.PublishingRegions(), record.Shards)
	}
	for _, topic := range h.topics(without(record.Regions, before.Regions), record.Shards) {
		if !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	untested, err = h.testDelivery(ctx, record.QueueURL, topics)
	if err != nil && newKey && before.State == registry.HubReady {
		former := record
		former.KMSKey = before.KMSKey
		_, _, restored := h.ensureQueue(context.WithoutCancel(ctx), former, nil)
		err = errors.Join(err, restored)
	}
	return untested, err
}

// UntestedWarning returns the warning for a hub whose record is marked as Untested.
func UntestedWarning(hub string) string {
	return fmt.Sprintf("It is not known whether requests of customers arrive in the queue of hub %[1]s after its last change: "+
		"the apply was cut short, its test message was lost, or too many requests wait in the queue to find the test messages among them and no registrar has reported one. "+
		"SNS silently loses what a policy of the queue or of its KMS key refuses. "+
		"Let a registrar work off the queue (xacct registrar --hub %[1]s), and apply again: the next apply tests every topic.", hub)
}

// selfTest is one test of the delivery through some topics.
type selfTest struct {
	*Manager
	nonce   string                      // empty: every test message is treated as abandoned
	missing map[string]account.TopicARN // by ARN
	held    []string                    // receipt handles of other messages
	emptied bool                        // a receive call returned no more messages
}

// testDelivery publishes a message to every topic, and waits until all have arrived. It
// returns *LostError if some do not arrive, and untested if the queue was too long to
// be searched.
func (h *Manager) testDelivery(ctx context.Context, queueURL string, topics []account.TopicARN) (untested bool, err error) {
	if len(topics) == 0 {
		return false, nil
	}
	random := make([]byte, 16)
	if _, err := io.ReadFull(h.random, random); err != nil {
		return false, fmt.Errorf("generate the nonce of a self-test: %w", err)
	}
	t := &selfTest{Manager: h, nonce: hex.EncodeToString(random), missing: map[string]account.TopicARN{}}
	for _, topic := range topics {
		t.missing[topic.String()] = topic
	}
	if err := t.publish(ctx, topics); err != nil {
		return false, err
	}
	defer t.returnMessages(context.WithoutCancel(ctx), queueURL)
	for round := range selfTestRounds {
		if err := t.poll(ctx, queueURL); err != nil || len(t.missing) == 0 {
			return false, err
		}
		if round > 0 {
			if waited := h.sleep(ctx, time.Second); waited != nil {
				return false, waited
			}
		}
	}
	if len(t.held) >= maxHeld && !t.emptied {
		return true, nil
	}
	var lost []account.TopicARN
	for _, topic := range topics {
		if _, missing := t.missing[topic.String()]; missing {
			lost = append(lost, topic)
		}
	}
	return false, &LostError{h.name, lost}
}

func (t *selfTest) publish(ctx context.Context, topics []account.TopicARN) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, topic := range topics {
		group.Go(func() error {
			_, err := t.clients.SNS(topic.Region).Publish(ctx, &sns.PublishInput{
				TopicArn: aws.String(topic.String()), Message: aws.String(phonehome.SelfTestMessage(t.nonce)),
			})
			return t.clients.Explain(err, topic.String())
		})
	}
	return group.Wait()
}

// poll removes from missing the topics whose messages have arrived in the queue or at a
// registrar.
func (t *selfTest) poll(ctx context.Context, queueURL string) error {
	arrived, err := t.registry.SelfTests(ctx, t.nonce)
	if err != nil {
		return t.explainRegistry(err)
	}
	for _, topic := range arrived {
		delete(t.missing, topic)
	}
	for len(t.missing) > 0 && len(t.held) < maxHeld {
		out, err := t.clients.SQS(t.clients.Region).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &queueURL, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 60,
		})
		if err != nil {
			return t.clients.Explain(err, t.queueARN(QueueName(t.name)))
		}
		if len(out.Messages) == 0 {
			t.emptied = true
			return nil
		}
		for _, m := range out.Messages {
			if err := t.handleMessage(ctx, queueURL, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// handleMessage deletes a message if it is of this test, or of an abandoned one, and
// keeps every other message for returnMessages.
func (t *selfTest) handleMessage(ctx context.Context, queueURL string, m types.Message) error {
	envelope, err := phonehome.DecodeEnvelope([]byte(aws.ToString(m.Body)))
	nonce, isTest := envelope.SelfTest()
	if err != nil || !isTest || nonce != t.nonce && t.nonce != "" && t.now().Sub(envelope.Timestamp) < abandonedAge {
		t.held = append(t.held, aws.ToString(m.ReceiptHandle))
		return nil
	}
	if nonce == t.nonce {
		delete(t.missing, envelope.TopicARN.String())
	}
	_, err = t.clients.SQS(t.clients.Region).DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle})
	return t.clients.Explain(err, t.queueARN(QueueName(t.name)))
}

// returnMessages makes all messages that are not tests visible again. If that fails,
// SQS does so within a minute.
func (t *selfTest) returnMessages(ctx context.Context, queueURL string) {
	for some := range slices.Chunk(t.held, 10) {
		var entries []types.ChangeMessageVisibilityBatchRequestEntry
		for i, receipt := range some {
			entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: &receipt, VisibilityTimeout: 1})
		}
		_, err := t.clients.SQS(t.clients.Region).ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &queueURL, Entries: entries})
		if err != nil && !awsclient.IsNotFound(err) {
			return
		}
	}
	t.held = nil
}

// dropSelfTests deletes the messages of interrupted self-tests from a queue.
func (h *Manager) dropSelfTests(ctx context.Context, queueURL string) error {
	t := &selfTest{Manager: h, missing: map[string]account.TopicARN{"": {}}}
	defer t.returnMessages(context.WithoutCancel(ctx), queueURL)
	return t.poll(ctx, queueURL)
}
