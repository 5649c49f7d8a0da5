// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package deadletters

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Delete deletes the letters with the given IDs, or all if none are given. It
// returns the letters that were deleted, even with an error; IDs that it did not
// find are not among them.
func (q *Queue) Delete(ctx context.Context, ids []string) ([]Letter, error) {
	wanted := slices.Compact(slices.Sorted(slices.Values(ids)))
	var deleted []Letter
	err := q.walk(ctx, func(l Letter) (keep, enough bool, err error) {
		if len(wanted) > 0 && !slices.Contains(wanted, l.ID) {
			return true, false, nil
		}
		if err := q.remove(ctx, l); err != nil {
			return true, true, fmt.Errorf("delete dead letter %s of %s: %w", l.ID, q.url, err)
		}
		deleted = append(deleted, l)
		return false, len(wanted) > 0 && len(deleted) == len(wanted), nil
	})
	return deleted, err
}

// remove deletes a letter that was received.
func (q *Queue) remove(ctx context.Context, l Letter) error {
	_, err := q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: &l.receipt})
	return err
}
