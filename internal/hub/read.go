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
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"golang.org/x/sync/errgroup"
)

// reporter records a defect. It may be called concurrently.
type reporter func(Part, Property, string)

// Read returns the state of the hub with its defects. It reads all properties that
// customers depend on, with one to three calls for each part regardless of the number
// of customers, and changes nothing. If the hub does not exist the error is
// registry.ErrNoHub.
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
		// An operation was interrupted. Update finishes it.
		report(HubRecord, Unfinished, h.name)
	}
	if record.Untested {
		report(HubRecord, Delivery, h.name)
	}
	if record.LegacyLayout {
		report(Table, Layout, h.registry.Table())
	}
	if err := h.reportRetirements(ctx, record, report); err != nil {
		return State{}, err
	}
	if record.CreatingShards > record.Shards {
		report(HubRecord, Unfinished, h.name)
	}
	for shard := range record.Shards {
		if _, there := state.Lists[registry.ShardList(shard)]; !there {
			report(Shard, "", strconv.Itoa(shard))
		}
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, region := range record.PublishingRegions() {
		for number := range record.Shards {
			topic, list := h.topic(region, number), state.Lists[registry.ShardList(number)]
			group.Go(func() error {
				found, behind, err := h.readTopic(groupCtx, topic, list, report)
				mu.Lock()
				defer mu.Unlock()
				if found {
					state.Topics[topic.Region] = append(state.Topics[topic.Region], topic)
				}
				state.PoliciesOutdated = state.PoliciesOutdated || behind
				return err
			})
		}
	}
	group.Go(func() error { return h.readQueue(groupCtx, record, report) })
	group.Go(func() error { return h.readDeadLetterQueue(groupCtx, record, report) })
	group.Go(func() error { return h.readTable(groupCtx, record, report) })
	group.Go(func() error {
		behind, err := h.readBucket(groupCtx, record, state.Lists[registry.Readers], report)
		mu.Lock()
		defer mu.Unlock()
		state.PoliciesOutdated = state.PoliciesOutdated || behind
		return err
	})
	if err := group.Wait(); err != nil {
		return State{}, err
	}
	state.sort()
	return state, nil
}

// readRecord returns the hub's record and its lists. It makes one call if the hub has
// one topic in each Region.
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

// sort sorts what was read concurrently.
func (s *State) sort() {
	slices.SortFunc(s.Defects, Defect.compare)
	for _, topics := range s.Topics {
		slices.SortFunc(topics, func(a, b account.TopicARN) int { return strings.Compare(a.Name, b.Name) })
	}
}

// readTable reports defects of the table's protection, and whether the table is not the
// one to which the hub's record was written: a table that was restored from a point in
// time has another ID, and lacks the settings that AWS does not restore. A record
// without an ID, of an early release, matches every table.
func (h *Manager) readTable(ctx context.Context, record registry.HubRecord, report reporter) error {
	state, err := h.registry.TableState(ctx)
	if err != nil {
		return h.clients.Explain(err, h.tableARN())
	}
	for property, right := range map[Property]bool{
		Restored:           record.TableID == "" || record.TableID == state.ID,
		DeletionProtection: state.Protected, PointInTimeRecovery: state.PointInTimeRecovery, Expiry: state.TimeToLive, Encryption: state.Key == record.KMSKey.String(),
	} {
		if !right {
			report(Table, property, h.tableARN())
		}
	}
	return nil
}
