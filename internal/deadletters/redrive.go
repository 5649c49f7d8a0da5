// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package deadletters

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Redrive sends the letters with the given IDs back to the hub's queue, and
// deletes each here after it was sent: a crash in between leaves a second copy,
// which gets the same answer, and loses nothing. It returns the letters that
// were sent, even with an error; IDs that it did not find are not among them.
func (q *Queue) Redrive(ctx context.Context, ids []string) ([]Letter, error) {
	var sent []Letter
	err := q.walk(ctx, func(l Letter) (keep, enough bool, err error) {
		if !slices.Contains(ids, l.ID) {
			return true, false, nil
		}
		if err := q.resend(ctx, l); err != nil {
			return true, true, err
		}
		sent = append(sent, l)
		return false, len(sent) == len(ids), nil
	})
	return sent, err
}

// RedriveAll is RedriveSome for all letters.
func (q *Queue) RedriveAll(ctx context.Context) (sent []Letter, left int, err error) {
	return q.RedriveSome(ctx, 0, func(Letter) {})
}

// RedriveSome sends letters back, in no particular order and at most so many; with
// a limit of 0, all. It calls each with every letter that was sent, and returns how
// many of those that it has seen stay.
//
// A letter with the same text as one that was already sent stays in the queue:
// it is a letter that cannot be handled and has already come back, and sending
// it again would never end.
func (q *Queue) RedriveSome(ctx context.Context, limit int, each func(Letter)) (sent []Letter, left int, err error) {
	texts := map[[sha256.Size]byte]bool{}
	err = q.walk(ctx, func(l Letter) (keep, enough bool, err error) {
		text := sha256.Sum256([]byte(l.Body))
		if texts[text] {
			left++
			return true, false, nil
		}
		if err := q.resend(ctx, l); err != nil {
			return true, true, err
		}
		texts[text] = true
		sent = append(sent, l)
		each(l)
		return false, len(sent) == limit, nil
	})
	return sent, left, err
}

func (q *Queue) resend(ctx context.Context, l Letter) error {
	if _, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.source, MessageBody: &l.Body}); err != nil {
		return fmt.Errorf("send dead letter %s to %s: %w", l.ID, q.source, err)
	}
	if err := q.remove(ctx, l); err != nil {
		return fmt.Errorf("dead letter %s was sent to %s, but could not be deleted here: %w", l.ID, q.source, err)
	}
	return nil
}
