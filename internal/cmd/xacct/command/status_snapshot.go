// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// snapshot is the state of a hub that was read for one report.
type snapshot struct {
	now    time.Time
	record registry.HubRecord
	beats  []registry.Heartbeat

	queue, deadLetters depth
	queueTrouble       []error // a queue that can't be read is reported as a problem

	lastRound *onboarding.RoundSummary
	nextRound time.Time

	customers []onboarding.Customer
	// histories has the histories of customers who are not connected yet, by ID;
	// unread is the number of those that were not read.
	histories map[string][]onboarding.HistoryEntry
	unread    int
}

// depth is how many messages a queue has.
type depth struct{ waiting, inProgress int }

// maxHistories limits the cost of a snapshot: each history is one read.
const maxHistories = 50

// historiesAtOnce is the number of histories that are read concurrently.
const historiesAtOnce = 8

// takeSnapshot reads everything for the report, most of it concurrently.
func (in *intake) takeSnapshot(ctx context.Context) (*snapshot, error) {
	s := &snapshot{now: in.clock(), record: in.record, histories: map[string][]onboarding.HistoryEntry{}}
	var problems [2]error
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) { s.beats, err = in.records.Heartbeats(within); return err })
	group.Go(func() (err error) { s.lastRound, s.nextRound, err = in.records.LastRound(within); return err })
	group.Go(func() (err error) { s.customers, err = in.records.Customers(within); return err })
	group.Go(func() error {
		s.queue, problems[0] = in.depthOf(within, in.record.QueueURL, hub.QueueName(in.record.Name))
		return nil
	})
	group.Go(func() error {
		s.deadLetters, problems[1] = in.depthOf(within, in.record.DeadLetterQueueURL, hub.DeadLetterQueueName(in.record.Name))
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, in.explain(err)
	}
	for _, err := range problems {
		if err != nil {
			s.queueTrouble = append(s.queueTrouble, err)
		}
	}
	return s, in.explain(in.readHistories(ctx, s))
}

func (in *intake) depthOf(ctx context.Context, url, name string) (depth, error) {
	if url == "" {
		return depth{}, fmt.Errorf("queue %s was never created", name)
	}
	waiting, delayed, inProgress := types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible
	out, err := in.clients.SQS(in.record.Region).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{waiting, delayed, inProgress},
	})
	if err != nil {
		return depth{}, in.explainQueue(err, name)
	}
	number := func(name types.QueueAttributeName) int {
		n, _ := strconv.Atoi(out.Attributes[string(name)]) // AWS sends digits
		return n
	}
	return depth{number(waiting) + number(delayed), number(inProgress)}, nil
}

// readHistories reads the histories of customers who are not connected yet, the
// newest links first.
func (in *intake) readHistories(ctx context.Context, s *snapshot) error {
	var pending []onboarding.Link
	for _, c := range s.customers {
		if len(c.Current()) == 0 && c.Link.Status(s.now) == onboarding.LinkOpen {
			pending = append(pending, c.Link)
		}
	}
	slices.SortFunc(pending, func(a, b onboarding.Link) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.CustomerID, b.CustomerID))
	})
	s.unread = max(0, len(pending)-maxHistories)
	found := make([][]onboarding.HistoryEntry, len(pending)-s.unread)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(historiesAtOnce)
	for i := range found {
		group.Go(func() (err error) {
			found[i], err = in.records.History(ctx, pending[i].CustomerID)
			return err
		})
	}
	err := group.Wait()
	for i, history := range found {
		s.histories[pending[i].CustomerID] = history
	}
	return err
}
