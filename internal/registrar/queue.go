// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// SQS implements Queue with two queues of Amazon SQS.
type SQS struct {
	client         *sqs.Client
	url            string
	deadLettersURL string
	deletes        *awsclient.Batcher[string, map[string]error] // keys are receipt handles
}

// NewSQS returns an SQS that reads from the queue with one URL, and sends dead
// letters to the other.
func NewSQS(client *sqs.Client, url, deadLettersURL string) *SQS {
	q := &SQS{client: client, url: url, deadLettersURL: deadLettersURL}
	q.deletes = &awsclient.Batcher[string, map[string]error]{
		MaxItems: maxReceive, Linger: deleteLinger, Timeout: dispositionLimit, Call: q.deleteAll,
	}
	return q
}

// deleteLinger is how long a message that is done waits for others that can be
// deleted in the same call. Only the end of the registrar waits for this.
const deleteLinger = 20 * time.Millisecond

// Receive waits for messages for up to 20 seconds, which is SQS's longest poll, and
// returns at most limit of them, and at most ten (aws-facts 6).
func (q *SQS) Receive(ctx context.Context, limit int) ([]Message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            &q.url,
		MaxNumberOfMessages: int32(min(limit, maxReceive)),
		WaitTimeSeconds:     20,
		VisibilityTimeout:   int32(visibility / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("receive from queue %s: %w", q.url, err)
	}
	messages := make([]Message, 0, len(out.Messages))
	for _, m := range out.Messages {
		messages = append(messages, Message{
			ID:      aws.ToString(m.MessageId),
			Body:    []byte(aws.ToString(m.Body)),
			Receipt: aws.ToString(m.ReceiptHandle),
			SentAt:  SentAt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)]),
		})
	}
	return messages, nil
}

// SentAt parses the attribute SentTimestamp, which is in milliseconds. It returns the
// zero time if the attribute is missing or invalid.
func SentAt(attribute string) time.Time {
	ms, err := strconv.ParseInt(attribute, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Delete removes a message from the queue permanently. Messages that are deleted at
// about the same time are deleted in one call.
func (q *SQS) Delete(ctx context.Context, m Message) error {
	failed, _, err := q.deletes.Do(ctx, m.Receipt)
	if err == nil {
		err = failed[m.Receipt]
	}
	if err != nil {
		return fmt.Errorf("delete message %s: %w", m.ID, err)
	}
	return nil
}

// deleteAll deletes messages in one call, and returns SQS's errors for those that it
// could not delete, by receipt handle.
func (q *SQS) deleteAll(ctx context.Context, receipts []string) (map[string]error, error) {
	if len(receipts) == 1 {
		_, err := q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: &receipts[0]})
		return nil, err
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
	for i, receipt := range receipts {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(receipt)})
	}
	out, err := q.client.DeleteMessageBatch(ctx, in)
	if err != nil {
		return nil, err
	}
	failed := map[string]error{}
	for _, entry := range out.Failed {
		i, err := strconv.Atoi(aws.ToString(entry.Id))
		if err != nil || i < 0 || i >= len(receipts) {
			return nil, fmt.Errorf("SQS returned the unknown entry ID %q for a batch of %d messages", aws.ToString(entry.Id), len(receipts))
		}
		failed[receipts[i]] = fmt.Errorf("%s: %s", aws.ToString(entry.Code), aws.ToString(entry.Message))
	}
	return failed, nil
}

// ChangeVisibility makes a message visible again after d, rounded up to whole seconds
// and at most twelve hours, which is SQS's limit.
func (q *SQS) ChangeVisibility(ctx context.Context, m Message, d time.Duration) error {
	_, err := q.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl:          &q.url,
		ReceiptHandle:     &m.Receipt,
		VisibilityTimeout: int32(min((d+time.Second-1)/time.Second, 12*3600)),
	})
	if err != nil {
		return fmt.Errorf("requeue message %s: %w", m.ID, err)
	}
	return nil
}

// SendToDeadLetters copies a message to the dead-letter queue, with the reason as the
// attribute Reason, for operators.
func (q *SQS) SendToDeadLetters(ctx context.Context, m Message, reason string) error {
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:    &q.deadLettersURL,
		MessageBody: aws.String(string(m.Body)),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"Reason": {DataType: aws.String("String"), StringValue: aws.String(attributeText(reason))},
		},
	})
	if err != nil {
		return fmt.Errorf("send message %s to the dead letters: %w", m.ID, err)
	}
	return nil
}

// attributeText returns the text as a valid value of an SQS attribute: not empty,
// only printable characters, and at most 500 of them, which is a limit of our own.
func attributeText(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	runes := []rune(s)
	if len(runes) > 500 {
		s = string(runes[:500]) + "…"
	}
	if strings.TrimSpace(s) == "" {
		return "no reason given"
	}
	return s
}
