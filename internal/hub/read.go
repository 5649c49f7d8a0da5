// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"golang.org/x/sync/errgroup"
)

// reporter takes note of a defect. It may be called concurrently.
type reporter func(Part, Property, string)

// Read finds out how the hub is, and what of it needs mending. It asks for
// what customers depend on, with one or two calls for each part, and changes
// nothing. Where there is no hub the error is registry.ErrNoHub.
func (h *Manager) Read(ctx context.Context) (State, error) {
	record, lists, err := h.readRecord(ctx)
	if err != nil {
		return State{}, h.explainRegistry(err)
	}
	state := h.found(record)
	state.Lists = lists
	state.Topics = map[account.Region][]account.TopicARN{}
	var mu sync.Mutex
	report := func(part Part, property Property, name string) {
		mu.Lock()
		defer mu.Unlock()
		state.Defects = append(state.Defects, Defect{part, property, name})
	}
	if record.State != registry.HubReady {
		// A crash came in between; whatever there is of it, Update finishes it.
		report(HubRecord, Unfinished, h.name)
	}
	if record.FormerLayout {
		report(Table, Layout, h.registry.Table())
	}
	for _, topic := range h.topics(record.Retiring, record.Shards) {
		report(HubRecord, Unfinished, topic.String()) // a crash came in between here, too
	}
	if record.Making > record.Shards {
		report(HubRecord, Unfinished, h.name)
	}
	for shard := range record.Shards {
		if _, there := state.Lists[registry.ShardList(shard)]; !there {
			report(Shard, "", strconv.Itoa(shard))
		}
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, region := range record.Regions {
		for number := range record.Shards {
			topic, list := h.topic(region, number), state.Lists[registry.ShardList(number)]
			group.Go(func() error {
				found, behind, err := h.readTopic(groupCtx, topic, list, report)
				mu.Lock()
				defer mu.Unlock()
				if found {
					state.Topics[topic.Region] = append(state.Topics[topic.Region], topic)
				}
				state.PoliciesBehind = state.PoliciesBehind || behind
				return err
			})
		}
	}
	group.Go(func() error { return h.checkTable(groupCtx, record, report) })
	group.Go(func() error { return h.readQueue(groupCtx, record, report) })
	group.Go(func() error { return h.readDeadLetterQueue(groupCtx, record, report) })
	group.Go(func() error {
		behind, err := h.readBucket(groupCtx, record, state.Lists[registry.Readers], report)
		mu.Lock()
		defer mu.Unlock()
		state.PoliciesBehind = state.PoliciesBehind || behind
		return err
	})
	if err := group.Wait(); err != nil {
		return State{}, err
	}
	state.sort()
	return state, nil
}

// readRecord reads the hub's record and its lists, in one call if it has one topic
// in each Region.
func (h *Manager) readRecord(ctx context.Context) (registry.HubRecord, map[registry.ListKey]registry.Shard, error) {
	record, first, err := h.registry.HubAndLists(ctx, registry.ShardList(0), registry.Readers)
	if err != nil {
		return record, nil, err
	}
	wanted := listsOf(record)
	lists := map[registry.ListKey]registry.Shard{}
	if record.Shards > 1 {
		rest := slices.DeleteFunc(slices.Clone(wanted), func(list registry.ListKey) bool {
			return list == registry.ShardList(0) || list == registry.Readers
		})
		if lists, err = h.registry.Shards(ctx, rest...); err != nil {
			return record, nil, err
		}
	}
	for list, shard := range first {
		if slices.Contains(wanted, list) {
			lists[list] = shard
		}
	}
	return record, lists, nil
}

// sort puts in order what was found in parallel.
func (s *State) sort() {
	slices.SortFunc(s.Defects, Defect.compare)
	for _, topics := range s.Topics {
		slices.SortFunc(topics, func(a, b account.TopicARN) int { return strings.Compare(a.Name, b.Name) })
	}
}

// checkTable reports a table that was restored from a point in time, or may be
// deleted by mistake. A table of before there was an ID in the record is taken
// for the one that it was.
func (h *Manager) checkTable(ctx context.Context, record registry.HubRecord, report reporter) error {
	table, err := h.readTable(ctx)
	switch {
	case err != nil:
		return err
	case record.TableID != "" && record.TableID != table.ID:
		report(Table, Restored, h.registry.Table())
	case !table.Protected:
		report(Table, Protection, h.registry.Table())
	}
	return nil
}

func (h *Manager) readTopic(ctx context.Context, topic account.TopicARN, shard registry.Shard, report reporter) (found, behind bool, err error) {
	attributes, err := h.topicAttributes(ctx, topic)
	if awsclient.IsNotFound(err) {
		report(Topic, "", topic.String())
		return false, false, nil
	}
	if err != nil {
		return false, false, h.clients.Explain(err, topic.String())
	}
	subscribed, err := h.subscribed(ctx, topic)
	if err != nil {
		return false, false, err
	}
	if !subscribed {
		report(Subscription, "", topic.String())
	}
	return true, shard.Written != shard.Sequence || policyBehind(attributes["Policy"], shard), nil
}

func (h *Manager) readQueue(ctx context.Context, record registry.HubRecord, report reporter) error {
	arn := h.queueARN(QueueName(h.name))
	attributes, err := h.queueAttributes(ctx, record.QueueURL)
	if awsclient.IsNotFound(err) || record.QueueURL == "" {
		report(Queue, "", arn)
		return nil
	}
	if err != nil {
		return h.clients.Explain(err, arn)
	}
	policy, err := iampolicy.Queue(arn, h.clients.Region, h.topics(sortRegions(append(slices.Clone(record.Regions), record.Retiring...)), record.Shards))
	if err != nil {
		return err
	}
	if !sameAttribute("Policy", attributes["Policy"], policy.String()) {
		report(Queue, Policy, arn)
	}
	if !sameAttribute("RedrivePolicy", attributes["RedrivePolicy"], h.redrivePolicy()) {
		report(Queue, RedrivePolicy, arn)
	}
	return nil
}

func (h *Manager) readDeadLetterQueue(ctx context.Context, record registry.HubRecord, report reporter) error {
	arn := h.queueARN(DeadLetterQueueName(h.name))
	_, err := h.queueAttributes(ctx, record.DeadLetterQueueURL)
	if awsclient.IsNotFound(err) || record.DeadLetterQueueURL == "" {
		report(DeadLetterQueue, "", arn)
		return nil
	}
	return h.clients.Explain(err, arn)
}

// readBucket looks at the bucket, and at who may read templates. A policy that
// names other accounts than the registry is behind, as a topic's would be.
func (h *Manager) readBucket(ctx context.Context, record registry.HubRecord, readers registry.Shard, report reporter) (behind bool, err error) {
	arn := h.bucketARN(record.Bucket)
	policy, err := bucketPolicy(record, readers.AccountIDs())
	if err != nil {
		return false, err
	}
	right, err := h.bucketPolicyIs(ctx, record.Bucket, policy)
	switch {
	case awsclient.HasCode(err, "NoSuchBucket"):
		report(Bucket, "", arn)
		return false, nil
	case err != nil && !awsclient.IsNotFound(err):
		return false, h.clients.Explain(err, arn)
	case !right && readers.Sequence > 0:
		behind = true
	case !right:
		report(Bucket, Policy, arn)
	}
	right, err = h.publicAccessRight(ctx, record)
	if err != nil && !awsclient.IsNotFound(err) {
		return behind, h.clients.Explain(err, arn)
	}
	if !right {
		report(Bucket, PublicAccess, arn)
	}
	return behind, nil
}

// policyBehind reports whether a topic's policy does not say what the registry
// says, by its number or by those whom it names.
func policyBehind(policy string, shard registry.Shard) bool {
	wanted := publishersOf(shard)
	found, sequence, ok := iampolicy.PublishersOf(policy)
	if wanted.Nobody() {
		return ok
	}
	return !ok || sequence != shard.Sequence || !found.Equal(wanted)
}
