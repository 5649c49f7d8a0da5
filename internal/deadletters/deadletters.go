// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package deadletters serves the operator of a hub's dead-letter queue: it
// reads messages without removing them, sends messages back to the hub's queue,
// and deletes them.
//
// Package registrar puts messages there. This package does not look at their
// content.
package deadletters

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Queue is a hub's dead-letter queue, with the hub's queue that its messages
// came from.
type Queue struct {
	client *sqs.Client
	url    string
	source string
	wait   int32 // seconds that a receive waits for the first letter
}

// New returns the dead-letter queue without checking that it exists.
func New(client *sqs.Client, deadLettersURL, queueURL string) *Queue {
	return &Queue{client: client, url: deadLettersURL, source: queueURL, wait: longPoll}
}

// Letter is one message that could not be handled.
type Letter struct {
	ID     string
	SentAt time.Time // when the registrar moved it here; if SQS did: when it was first sent
	Reason string
	Body   string

	receipt string
}

// longPoll makes SQS query all of its servers, so that an empty answer means an
// empty queue.
const longPoll = 1

// readVisibility is how long a letter that is being read is invisible to
// others if this process dies before it releases the letter.
const readVisibility = 2 * time.Minute

// releaseTimeout is how long releasing letters may take after the context was
// cancelled.
const releaseTimeout = 10 * time.Second

// Read passes every letter to visit, in no particular order, until visit
// returns true. All of them are visible in the queue again when Read returns.
func (q *Queue) Read(ctx context.Context, visit func(Letter) (enough bool)) error {
	return q.walk(ctx, func(l Letter) (keep, enough bool, err error) { return true, visit(l), nil })
}

// walk receives letter after letter until the queue has no others, and releases
// those that are kept. Letters stay invisible until the end: otherwise SQS
// would return the same ones again and again.
func (q *Queue) walk(ctx context.Context, visit func(Letter) (keep, enough bool, err error)) (err error) {
	kept := map[string]Letter{}
	defer func() {
		// Letters must be visible again for the next reader even if ctx was
		// cancelled.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
		defer cancel()
		if failed := q.release(ctx, kept); err == nil {
			err = failed
		}
	}()
	seen := map[string]bool{}
	for {
		letters, err := q.receive(ctx)
		if err != nil {
			return err
		}
		fresh := false
		for _, letter := range letters {
			kept[letter.ID] = letter
		}
		for _, letter := range letters {
			if seen[letter.ID] {
				continue
			}
			seen[letter.ID], fresh = true, true
			keep, enough, err := visit(letter)
			if !keep {
				delete(kept, letter.ID)
			}
			if err != nil || enough {
				return err
			}
		}
		if !fresh { // none came, or only letters that were received before and became visible again
			return nil
		}
	}
}

// receive returns up to ten letters.
func (q *Queue) receive(ctx context.Context) ([]Letter, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:              &q.url,
		MaxNumberOfMessages:   10,
		WaitTimeSeconds:       q.wait,
		VisibilityTimeout:     int32(readVisibility / time.Second),
		MessageAttributeNames: []string{reasonAttribute},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameDeadLetterQueueSourceArn,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("receive from the dead-letter queue %s: %w", q.url, err)
	}
	letters := make([]Letter, 0, len(out.Messages))
	for _, m := range out.Messages {
		letters = append(letters, Letter{
			ID:      aws.ToString(m.MessageId),
			SentAt:  milliseconds(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)]),
			Reason:  reason(m),
			Body:    aws.ToString(m.Body),
			receipt: aws.ToString(m.ReceiptHandle),
		})
	}
	return letters, nil
}

// reasonAttribute is the message attribute in which the registrar gives its
// reason for moving a message here.
const reasonAttribute = "Reason"

func reason(m types.Message) string {
	if given, ok := m.MessageAttributes[reasonAttribute]; ok && aws.ToString(given.StringValue) != "" {
		return *given.StringValue
	}
	if m.Attributes[string(types.MessageSystemAttributeNameDeadLetterQueueSourceArn)] != "" {
		return "it was received as often as the queue allows, and never handled"
	}
	return "none was given"
}

func milliseconds(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// release makes letters visible again.
func (q *Queue) release(ctx context.Context, letters map[string]Letter) error {
	const most = 10 // in one call
	for batch := range slices.Chunk(slices.Collect(maps.Values(letters)), most) {
		var entries []types.ChangeMessageVisibilityBatchRequestEntry
		for i, letter := range batch {
			entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &letter.receipt, VisibilityTimeout: 0,
			})
		}
		// A letter whose change fails becomes visible by itself when hidden has
		// passed.
		if _, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: entries}); err != nil {
			return fmt.Errorf("release letters of %s (they become visible again within %s): %w", q.url, readVisibility, err)
		}
	}
	return nil
}
