// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
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

// Read finds out how the hub is, and what of it needs mending. It asks for
// what customers depend on, with one or two calls for each part, and changes
// nothing. Where there is no hub the error is registry.ErrNoHub.
func (h *Hub) Read(ctx context.Context) (State, error) {
	record, err := h.registry.Hub(ctx)
	if err != nil {
		return State{}, h.explainRegistry(err)
	}
	state := h.found(record)
	state.Topics = map[account.Region][]account.TopicARN{}
	var (
		mu     sync.Mutex
		shards = make([]registry.Shard, record.Shards)
	)
	missing := func(part, name string) {
		mu.Lock()
		defer mu.Unlock()
		state.Missing = append(state.Missing, Missing{part, name})
	}
	if record.State != registry.HubReady {
		// A crash came in between; whatever there is of it, Update finishes it.
		missing("hub", h.name)
	}
	for _, topic := range h.topics(record.Retiring, record.Shards) {
		missing("unfinished topic", topic.String()) // a crash came in between here, too
	}
	if record.Making > record.Shards {
		missing("unfinished topics", h.name)
	}
	for shard := range record.Shards {
		shards[shard], err = h.registry.Shard(ctx, registry.ShardList(shard))
		if errors.Is(err, registry.ErrNoShard) {
			missing("shard", strconv.Itoa(shard))
			shards[shard].List = registry.ShardList(shard)
			continue
		}
		if err != nil {
			return State{}, h.clients.Explain(err, h.tableARN())
		}
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, topic := range h.topics(record.Regions, record.Shards) {
		group.Go(func() error {
			found, behind, err := h.readTopic(groupCtx, topic, shards, missing)
			mu.Lock()
			defer mu.Unlock()
			if found {
				state.Topics[topic.Region] = append(state.Topics[topic.Region], topic)
			}
			state.PoliciesBehind = state.PoliciesBehind || behind
			return err
		})
	}
	group.Go(func() error { return h.readQueue(groupCtx, record, missing) })
	group.Go(func() error { return h.readDeadLetterQueue(groupCtx, record, missing) })
	group.Go(func() error {
		behind, err := h.readBucket(groupCtx, record, missing)
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

// sort puts in order what was found in parallel.
func (s *State) sort() {
	slices.SortFunc(s.Missing, func(a, b Missing) int { return strings.Compare(a.String(), b.String()) })
	for _, topics := range s.Topics {
		slices.SortFunc(topics, func(a, b account.TopicARN) int { return strings.Compare(a.Name, b.Name) })
	}
}

func (h *Hub) readTopic(ctx context.Context, topic account.TopicARN, shards []registry.Shard, missing func(part, name string)) (found, behind bool, err error) {
	attributes, err := h.topicAttributes(ctx, topic)
	if awsclient.IsNotFound(err) {
		missing("topic", topic.String())
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
		missing("subscription", topic.String())
	}
	for number, shard := range shards {
		if TopicName(h.name, number) == topic.Name {
			behind = shard.Written != shard.Sequence || policyBehind(attributes["Policy"], shard)
		}
	}
	return true, behind, nil
}

func (h *Hub) readQueue(ctx context.Context, record registry.HubRecord, missing func(part, name string)) error {
	arn := h.queueARN(QueueName(h.name))
	attributes, err := h.queueAttributes(ctx, record.QueueURL)
	if awsclient.IsNotFound(err) || record.QueueURL == "" {
		missing("queue", arn)
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
		missing("queue policy", arn)
	}
	if !sameAttribute("RedrivePolicy", attributes["RedrivePolicy"], h.redrivePolicy()) {
		missing("redrive policy", arn)
	}
	return nil
}

func (h *Hub) readDeadLetterQueue(ctx context.Context, record registry.HubRecord, missing func(part, name string)) error {
	arn := h.queueARN(DeadLetterQueueName(h.name))
	_, err := h.queueAttributes(ctx, record.DeadLetterQueueURL)
	if awsclient.IsNotFound(err) || record.DeadLetterQueueURL == "" {
		missing("dead-letter queue", arn)
		return nil
	}
	return h.clients.Explain(err, arn)
}

// readBucket looks at the bucket, and at who may read templates. A policy that
// names other accounts than the registry is behind, as a topic's would be.
func (h *Hub) readBucket(ctx context.Context, record registry.HubRecord, missing func(part, name string)) (behind bool, err error) {
	arn := h.bucketARN(record.Bucket)
	var readers registry.Shard
	if record.TemplateAccess == registry.TemplatesAccounts {
		readers, err = h.registry.Shard(ctx, registry.Readers)
		if err != nil && !errors.Is(err, registry.ErrNoShard) {
			return false, h.clients.Explain(err, h.tableARN())
		}
	}
	policy, err := bucketPolicy(record, readers.Publishers())
	if err != nil {
		return false, err
	}
	right, err := h.bucketPolicyIs(ctx, record.Bucket, policy)
	switch {
	case awsclient.HasCode(err, "NoSuchBucket"):
		missing("bucket", arn)
		return false, nil
	case err != nil && !awsclient.IsNotFound(err):
		return false, h.clients.Explain(err, arn)
	case !right && readers.Sequence > 0:
		behind = true
	case !right:
		missing("bucket policy", arn)
	}
	right, err = h.publicAccessRight(ctx, record)
	if err != nil && !awsclient.IsNotFound(err) {
		return behind, h.clients.Explain(err, arn)
	}
	if !right {
		missing("public access setting of bucket", arn)
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
