// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"golang.org/x/sync/errgroup"
)

// Create creates the hub, or continues an earlier Create that was interrupted. It first
// waits for a deletion of the hub that is under way. If the hub exists the error is
// *registry.HubExistsError and nothing is changed; if a hub of the same name in another
// Region owns one of the topics it is *SharedTopicError.
//
// The table is created first, and its record has the state "creating" until all parts
// exist, so that all parts that were created can be found again.
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
	if err := h.CheckSharedTopics(ctx, spec.Regions); err != nil {
		return State{}, err
	}
	if err := h.ensureTable(ctx, spec); err != nil {
		return State{}, err
	}
	if err := h.migrate(ctx); err != nil {
		return State{}, err
	}
	key, err := registry.NewKey(h.random)
	if err != nil {
		return State{}, err
	}
	table, err := h.tableID(ctx)
	if err != nil {
		return State{}, err
	}
	record := h.record(registry.HubRecord{
		TableID: table, Key: key, CreatedAt: h.now().UTC(), FromStack: spec.Bucket != "",
		Bucket: cmp.Or(spec.Bucket, BucketName(h.name, h.clients.Account, h.clients.Region, key)),
	}, spec)
	record.State = registry.HubCreating
	record, err = h.registry.CreateHub(ctx, record)
	var exists *registry.HubExistsError
	if errors.As(err, &exists) {
		if exists.Existing.State != registry.HubCreating {
			return State{}, err
		}
		record, err = exists.Existing, spec.refuseOwner(exists.Existing)
	}
	if err != nil {
		return State{}, h.explainRegistry(err)
	}
	record.Incarnation = spec.Incarnation
	if record, err = h.announce(ctx, record, spec); err != nil {
		return State{}, err
	}
	return h.converge(ctx, record, spec)
}

// Update changes the hub to the specification, and restores its missing parts. It
// returns *LiveError if a Region with live stacks is to be removed.
func (h *Manager) Update(ctx context.Context, spec Spec) (State, error) {
	if err := spec.check(); err != nil {
		return State{}, err
	}
	if err := h.migrate(ctx); err != nil {
		return State{}, err
	}
	before, err := h.registry.HubAndKey(ctx)
	if err != nil {
		return State{}, h.explainRegistry(err)
	}
	if before.State == registry.HubDeleting {
		return State{}, fmt.Errorf("hub %s is being deleted: finish deleting it first", h.name)
	}
	if err := spec.refuseOwner(before); err != nil {
		return State{}, err
	}
	if err := h.refuseLive(ctx, without(before.Regions, spec.Regions)); err != nil {
		return State{}, err
	}
	if _, err := h.permissions.readers(ctx, h.record(before, spec)); err != nil {
		return State{}, err
	}
	if err := h.refuseUnconfirmed(ctx, before, spec); err != nil {
		return State{}, err
	}
	if err := h.CheckSharedTopics(ctx, without(spec.Regions, before.PublishingRegions())); err != nil {
		return State{}, err
	}
	if err := h.checkEventBus(ctx, spec.EventBus); err != nil {
		return State{}, err
	}
	if err := h.ensureTable(ctx, spec); err != nil {
		return State{}, err
	}
	table, err := h.tableID(ctx)
	if err != nil {
		return State{}, err
	}
	before = before.WithTableID(table, h.now())
	if before, err = h.announce(ctx, before, spec); err != nil {
		return State{}, err
	}
	return h.converge(ctx, before, spec)
}

// announce writes to the hub's record what has to be known before converge changes
// anything. New Regions are recorded as retiring: their topics may exist, but no
// customer is offered them. If the apply is interrupted, the next operation on the hub
// knows of these topics, even if it is a Delete or an Update without these Regions. A
// larger number of topics is recorded for the same reason. The template access is
// recorded before the readers are counted, so that a customer who is added meanwhile is
// either counted or added to the readers by its own process.
func (h *Manager) announce(ctx context.Context, before registry.HubRecord, spec Spec) (registry.HubRecord, error) {
	added := without(spec.Regions, slices.Concat(before.Regions, before.Retiring))
	if len(added) == 0 && before.TemplateAccess == spec.TemplateAccess && spec.Shards <= max(before.Shards, before.CreatingShards) {
		return before, nil
	}
	if spec.Shards > before.Shards {
		before.CreatingShards = max(spec.Shards, before.CreatingShards)
	}
	before.Retiring = sortRegions(append(slices.Clone(before.Retiring), added...))
	before.TemplateAccess = spec.TemplateAccess
	before, err := h.registry.UpdateHub(ctx, before)
	return before, h.explainRegistry(err)
}

// check returns an error for values that validation should have refused before.
func (s Spec) check() error {
	switch {
	case len(s.Regions) == 0 || s.Shards < 1:
		return errors.New("a hub needs at least one Region and one topic in it")
	case s.Shards > MaxShards:
		return fmt.Errorf("a hub has at most %d topics in a Region, room for %d customers", MaxShards, MaxCapacity)
	}
	return nil
}

// record returns a hub's record with the values of the specification.
func (h *Manager) record(record registry.HubRecord, spec Spec) registry.HubRecord {
	record = spec.Declare(record)
	record.Name, record.Account, record.Region = h.name, h.clients.Account, h.clients.Region
	return record
}

// converge brings all parts in line with the specification, then writes the record. A
// new Region has its topics, with all current publishers, before the record offers it
// to customers; a retiring Region is removed from the record before its topics are
// deleted.
func (h *Manager) converge(ctx context.Context, before registry.HubRecord, spec Spec) (State, error) {
	record := h.record(before, spec)
	record.Retiring, record.Retirements = retiring(before, spec, h.now())
	record, err := h.startPublisherRemoval(ctx, record)
	if err != nil {
		return State{}, err
	}
	if record.DeadLetterQueueURL, err = h.ensureDeadLetterQueue(ctx, record); err != nil {
		return State{}, err
	}
	changed, untested := changes{}, &untestedNote{Manager: h, record: before}
	if record.QueueURL, changed.queue, err = h.ensureQueue(ctx, record, untested); err != nil {
		return State{}, err
	}
	if changed.topics, err = h.ensureTopics(ctx, record, untested); err != nil {
		return State{}, err
	}
	record.Revision = untested.record.Revision
	if record.Untested, err = h.testChanges(ctx, before, record, changed); err != nil {
		return State{}, err
	}
	if err := h.ensureBucket(ctx, record); err != nil {
		return State{}, err
	}
	if err := h.ensureShards(ctx, record); err != nil {
		return State{}, err
	}
	if err := h.removePublishers(ctx, record); err != nil {
		return State{}, err
	}
	if err := h.ensureAccess(ctx, record); err != nil {
		return State{}, err
	}

	record.State = registry.HubReady
	if record, err = h.registry.UpdateHub(ctx, record); err != nil {
		return State{}, h.explainRegistry(err)
	}
	if record, err = h.retire(ctx, record); err != nil {
		return State{}, err
	}
	return h.found(record), nil
}

// ensureTopics creates or updates the topics of all Regions concurrently, with their
// subscriptions, and returns the topics that it changed.
func (h *Manager) ensureTopics(ctx context.Context, record registry.HubRecord, untested *untestedNote) (changed []account.TopicARN, err error) {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, topic := range h.topics(record.PublishingRegions(), record.Shards) {
		group.Go(func() error {
			made, err := h.ensureTopic(ctx, topic, record.Tags, untested)
			if err != nil {
				return err
			}
			subscribed, err := h.ensureSubscription(ctx, topic, untested)
			if made || subscribed {
				mu.Lock()
				defer mu.Unlock()
				changed = append(changed, topic)
			}
			return err
		})
	}
	return changed, group.Wait()
}

// ensureShards creates the shards' items, and brings their Regions and the topics'
// policies in line with the record.
func (h *Manager) ensureShards(ctx context.Context, record registry.HubRecord) error {
	for shard := range record.Shards {
		if err := h.registry.EnsureShard(ctx, registry.ShardList(shard), record.PublishingRegions()); err != nil {
			return h.explainRegistry(err)
		}
		if err := h.permissions.setRegions(ctx, shard, record.PublishingRegions()); err != nil {
			return err
		}
		if err := h.permissions.setAnyone(ctx, shard, record.OpenToAnyone()); err != nil {
			return err
		}
	}
	return nil
}

// refuseLive returns *LiveError if a live stack is in one of the Regions.
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

// found returns the state of a hub whose parts all exist.
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

// explainRegistry returns an error of the registry with an explanation for an apply.
func (h *Manager) explainRegistry(err error) error {
	switch {
	case errors.Is(err, registry.ErrNoHub):
		return err
	case errors.Is(err, registry.ErrConflict):
		return fmt.Errorf("hub %s was changed by another process at the same time: apply again: %w", h.name, err)
	}
	return h.clients.Explain(err, h.tableARN())
}

// migrate moves a table with the layout of the first release to the current layout.
func (h *Manager) migrate(ctx context.Context) error {
	return h.explainRegistry(h.registry.Migrate(ctx))
}

// tableID returns the ID that AWS assigned to the hub's table.
func (h *Manager) tableID(ctx context.Context) (string, error) {
	id, err := h.registry.TableID(ctx)
	return id, h.clients.Explain(err, h.tableARN())
}

func (h *Manager) ensureTable(ctx context.Context, spec Spec) error {
	return h.clients.Explain(h.registry.EnsureTable(ctx, registry.TableSpec{Tags: spec.Tags, Key: spec.KMSKey}), h.tableARN())
}
