// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package deadletters is for the person who looks after a hub's dead-letter
// queue: it reads what is there and leaves it there, and sends messages back
// to be handled once more.
//
// What puts messages there is package registrar. What they say is not looked
// at here.
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

// Queue is a hub's dead-letter queue, with the queue that its messages are
// from.
type Queue struct {
	client *sqs.Client
	url    string
	source string
	wait   int32 // seconds that a receive waits for a first letter
}

// New opens a dead-letter queue without asking whether it is there.
func New(client *sqs.Client, deadLettersURL, queueURL string) *Queue {
	return &Queue{client: client, url: deadLettersURL, source: queueURL, wait: longPoll}
}

// Letter is one message that nobody could handle.
type Letter struct {
	ID     string
	SentAt time.Time // when it was put aside, by the registrar; by SQS itself: when it was first sent
	Reason string
	Body   string

	receipt string
}

// longPoll makes SQS ask all of its servers, so that an empty answer means an
// empty queue.
const longPoll = 1

// hidden is how long a letter that is being looked at is invisible to others,
// should we be killed before we put it back.
const hidden = 2 * time.Minute

// putBackLimit is how long putting letters back may take once everything else
// was stopped.
const putBackLimit = 10 * time.Second

// Read shows every letter to visit, in no order, until visit says that it has
// seen enough. All of them are back in the queue when Read returns.
func (q *Queue) Read(ctx context.Context, visit func(Letter) (enough bool)) error {
	return q.walk(ctx, func(l Letter) (keep, enough bool, err error) { return true, visit(l), nil })
}

// walk receives letter after letter until the queue has no other, and puts
// back those that are kept. Letters stay invisible until the end: otherwise
// SQS would give the same ones again and again.
func (q *Queue) walk(ctx context.Context, visit func(Letter) (keep, enough bool, err error)) (err error) {
	kept := map[string]Letter{}
	defer func() {
		// Whatever stopped us, a letter that was only looked at is not to be
		// missed by the next who looks.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackLimit)
		defer cancel()
		if failed := q.putBack(ctx, kept); err == nil {
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
		if !fresh { // none came, or only some that we have had for longer than they stay hidden
			return nil
		}
	}
}

// receive takes up to ten letters.
func (q *Queue) receive(ctx context.Context) ([]Letter, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:              &q.url,
		MaxNumberOfMessages:   10,
		WaitTimeSeconds:       q.wait,
		VisibilityTimeout:     int32(hidden / time.Second),
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

// reasonAttribute is where the registrar says why it put a message aside.
const reasonAttribute = "Reason"

func reason(m types.Message) string {
	if given, ok := m.MessageAttributes[reasonAttribute]; ok && aws.ToString(given.StringValue) != "" {
		return *given.StringValue
	}
	if m.Attributes[string(types.MessageSystemAttributeNameDeadLetterQueueSourceArn)] != "" {
		return "it was received as often as the queue allows, and never done with"
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

// putBack makes letters visible again.
func (q *Queue) putBack(ctx context.Context, letters map[string]Letter) error {
	const most = 10 // in one call
	for batch := range slices.Chunk(slices.Collect(maps.Values(letters)), most) {
		var entries []types.ChangeMessageVisibilityBatchRequestEntry
		for i, letter := range batch {
			entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &letter.receipt, VisibilityTimeout: 0,
			})
		}
		// One that fails comes back by itself a little later.
		if _, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: entries}); err != nil {
			return fmt.Errorf("put letters back into %s, where they will be seen again in %s: %w", q.url, hidden, err)
		}
	}
	return nil
}
