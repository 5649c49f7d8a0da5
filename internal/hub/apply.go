// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"golang.org/x/sync/errgroup"
)

// Create makes the hub. Where an earlier Create was cut short it goes on; where
// there is a hub already the error is *registry.HubExistsError, and nothing is
// changed. Where one is just being deleted it waits until that is done.
//
// The table comes first and its record says "creating" until everything is
// there, so that nothing is ever made that nobody would find again.
func (h *Manager) Create(ctx context.Context, spec Spec) (State, error) {
	if err := spec.check(); err != nil {
		return State{}, err
	}
	if err := h.checkEventBus(ctx, spec.EventBus); err != nil {
		return State{}, err
	}
	if err := h.waitDeleted(ctx); err != nil {
		return State{}, err
	}
	if err := h.ensureTable(ctx, spec.Tags); err != nil {
		return State{}, err
	}
	if err := h.carryOver(ctx); err != nil {
		return State{}, err
	}
	key, err := registry.NewKey(h.random)
	if err != nil {
		return State{}, err
	}
	table, err := h.readTable(ctx)
	if err != nil {
		return State{}, err
	}
	record := h.record(registry.HubRecord{TableID: table.ID, Key: key, Bucket: BucketName(h.name, key), CreatedAt: h.now().UTC()}, spec)
	record.State = registry.HubCreating
	record, err = h.registry.CreateHub(ctx, record)
	var exists *registry.HubExistsError
	if errors.As(err, &exists) {
		if exists.Existing.State != registry.HubCreating {
			return State{}, err
		}
		record, err = exists.Existing, nil
	}
	if err != nil {
		return State{}, h.explainRegistry(err)
	}
	record.Incarnation = spec.Incarnation
	if record, err = h.announce(ctx, record, spec); err != nil {
		return State{}, err
	}
	return h.converge(ctx, h.record(record, spec), retired(record, spec))
}

// Update makes the hub what is declared, and mends what is missing of it. A
// Region with live stacks is not given up: that is *LiveError.
func (h *Manager) Update(ctx context.Context, spec Spec) (State, error) {
	if err := spec.check(); err != nil {
		return State{}, err
	}
	if err := h.carryOver(ctx); err != nil {
		return State{}, err
	}
	before, err := h.registry.HubAndKey(ctx)
	if err != nil {
		return State{}, h.explainRegistry(err)
	}
	if before.State == registry.HubDeleting {
		return State{}, fmt.Errorf("hub %s is being deleted: finish deleting it first", h.name)
	}
	if err := h.refuseLive(ctx, retired(before, spec)); err != nil {
		return State{}, err
	}
	if _, err := h.permissions.readers(ctx, h.record(before, spec)); err != nil {
		return State{}, err
	}
	if err := h.refuseUnconfirmed(ctx, before, spec); err != nil {
		return State{}, err
	}
	if err := h.checkEventBus(ctx, spec.EventBus); err != nil {
		return State{}, err
	}
	if err := h.ensureTable(ctx, spec.Tags); err != nil {
		return State{}, err
	}
	table, err := h.readTable(ctx)
	if err != nil {
		return State{}, err
	}
	before = before.OnTable(table.ID, h.now())
	if before, err = h.announce(ctx, before, spec); err != nil {
		return State{}, err
	}
	return h.converge(ctx, h.record(before, spec), retired(before, spec))
}

// announce notes what others have to know before it is done. New Regions are
// noted as ones whose topics may be there but are not offered: should it end at
// that, whoever looks after the hub next knows of them, be it an Update that no
// longer wants them, or a Delete; so are more topics than there were. And who may read templates is noted before the
// readers are counted, so that a customer who is added meanwhile is counted
// there, or lets themselves in.
func (h *Manager) announce(ctx context.Context, before registry.HubRecord, spec Spec) (registry.HubRecord, error) {
	added := without(spec.Regions, slices.Concat(before.Regions, before.Retiring))
	if len(added) == 0 && before.TemplateAccess == spec.TemplateAccess && spec.Shards <= max(before.Shards, before.Making) {
		return before, nil
	}
	if spec.Shards > before.Shards {
		before.Making = max(spec.Shards, before.Making)
	}
	before.Retiring = sortRegions(append(slices.Clone(before.Retiring), added...))
	before.TemplateAccess = spec.TemplateAccess
	before, err := h.registry.UpdateHub(ctx, before)
	return before, h.explainRegistry(err)
}

// retired are the Regions that may have topics and are not declared any more.
func retired(before registry.HubRecord, spec Spec) []account.Region {
	return sortRegions(without(slices.Concat(before.Retiring, before.Regions), spec.Regions))
}

// check guards against what no caller should ever pass.
func (s Spec) check() error {
	if len(s.Regions) == 0 || s.Shards < 1 {
		return errors.New("a hub needs at least one Region and one topic in it")
	}
	return nil
}

// record is a hub's record with what is declared.
func (h *Manager) record(record registry.HubRecord, spec Spec) registry.HubRecord {
	record.Hub = onboarding.Hub{
		Name:            h.name,
		DisplayName:     spec.DisplayName,
		SupportURL:      spec.SupportURL,
		Account:         h.clients.Account,
		Region:          h.clients.Region,
		Regions:         sortRegions(spec.Regions),
		ResponseTimeout: spec.ResponseTimeout,
		SkipSignatures:  spec.SkipSignatures,
		EventBus:        spec.EventBus,
	}
	record.PublisherScope = spec.PublisherScope
	record.TemplateAccess = spec.TemplateAccess
	record.Capacity = spec.Capacity
	record.Tags = spec.Tags
	return record.Grown(spec.Shards)
}

// converge sees to it that everything is as the record says, and then writes
// the record. A new Region has its topic, with today's publishers, before the
// record offers it to anybody; a retiring one is out of the record before its
// topic goes.
func (h *Manager) converge(ctx context.Context, record registry.HubRecord, retiring []account.Region) (State, error) {
	all := append(slices.Clone(record.Regions), retiring...)
	var err error
	if record.DeadLetterQueueURL, err = h.ensureDeadLetterQueue(ctx, record.Tags); err != nil {
		return State{}, err
	}
	if record.QueueURL, err = h.ensureQueue(ctx, record.Tags, h.topics(all, record.Shards)); err != nil {
		return State{}, err
	}
	if err := h.ensureTopics(ctx, record); err != nil {
		return State{}, err
	}
	if err := h.ensureBucket(ctx, record.Bucket, record.Tags); err != nil {
		return State{}, err
	}
	if err := h.ensureShards(ctx, record); err != nil {
		return State{}, err
	}
	if err := h.ensureAccess(ctx, record); err != nil {
		return State{}, err
	}

	record.State, record.Retiring = registry.HubReady, retiring
	if record, err = h.registry.UpdateHub(ctx, record); err != nil {
		return State{}, h.explainRegistry(err)
	}
	if len(retiring) > 0 {
		if record, err = h.retire(ctx, record); err != nil {
			return State{}, err
		}
	}
	return h.found(record), nil
}

// ensureTopics makes the topics of all Regions at once, with their
// subscriptions.
func (h *Manager) ensureTopics(ctx context.Context, record registry.HubRecord) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, topic := range h.topics(record.Regions, record.Shards) {
		group.Go(func() error {
			if err := h.ensureTopic(ctx, topic, record.Tags); err != nil {
				return err
			}
			return h.ensureSubscription(ctx, topic)
		})
	}
	return group.Wait()
}

// ensureShards makes the shards' items, and brings Regions and policies in
// line with them.
func (h *Manager) ensureShards(ctx context.Context, record registry.HubRecord) error {
	for shard := range record.Shards {
		if err := h.registry.EnsureShard(ctx, registry.ShardList(shard), record.Regions); err != nil {
			return h.explainRegistry(err)
		}
		if err := h.permissions.setRegions(ctx, shard, record.Regions); err != nil {
			return err
		}
		if err := h.permissions.setAnyone(ctx, shard, record.OpenToAnyone()); err != nil {
			return err
		}
	}
	return nil
}

// retire deletes the topics of Regions that the record has given up.
func (h *Manager) retire(ctx context.Context, record registry.HubRecord) (registry.HubRecord, error) {
	if err := h.deleteTopics(ctx, h.topics(record.Retiring, record.Shards)); err != nil {
		return record, err
	}
	if _, err := h.ensureQueue(ctx, record.Tags, h.topics(record.Regions, record.Shards)); err != nil {
		return record, err
	}
	record.Retiring = nil
	record, err := h.registry.UpdateHub(ctx, record)
	return record, h.explainRegistry(err)
}

// refuseLive is *LiveError where a live stack is in one of the Regions.
func (h *Manager) refuseLive(ctx context.Context, regions []account.Region) error {
	if len(regions) == 0 {
		return nil
	}
	live, err := h.Live(ctx)
	if err != nil {
		return err
	}
	for _, region := range regions {
		inRegion := slices.DeleteFunc(slices.Clone(live), func(s LiveStack) bool {
			return !s.Stack.IsZero() && s.Stack.Region != region // an unknown stack may be anywhere
		})
		if len(inRegion) > 0 {
			return &LiveError{Hub: h.name, Region: region, Stacks: inRegion}
		}
	}
	return nil
}

// found is the state of a hub that is all there.
func (h *Manager) found(record registry.HubRecord) State {
	state := State{
		Record:             record,
		QueueARN:           h.queueARN(QueueName(h.name)),
		DeadLetterQueueARN: h.queueARN(DeadLetterQueueName(h.name)),
		Topics:             map[account.Region][]account.TopicARN{},
	}
	for _, topic := range h.topics(record.Regions, record.Shards) {
		state.Topics[topic.Region] = append(state.Topics[topic.Region], topic)
	}
	return state
}

// explainRegistry says what an error of the registry means for an apply.
func (h *Manager) explainRegistry(err error) error {
	switch {
	case errors.Is(err, registry.ErrNoHub):
		return err
	case errors.Is(err, registry.ErrConflict):
		return fmt.Errorf("hub %s was changed by somebody else at the same time: apply again: %w", h.name, err)
	}
	return h.clients.Explain(err, h.tableARN())
}

// carryOver lays a table of the first release out anew.
func (h *Manager) carryOver(ctx context.Context) error {
	return h.explainRegistry(h.registry.CarryOver(ctx))
}

func (h *Manager) readTable(ctx context.Context) (registry.TableState, error) {
	table, err := h.registry.ReadTable(ctx)
	return table, h.clients.Explain(err, h.tableARN())
}

func (h *Manager) ensureTable(ctx context.Context, tags map[string]string) error {
	return h.clients.Explain(h.registry.EnsureTable(ctx, tags), h.tableARN())
}
