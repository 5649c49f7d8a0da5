// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// knownLists caches the lists and policies that this process has read or written. Other
// processes may have changed them since, so the cache is used only for writes that
// verify the lists' sequences. Only the goroutine that has the turn of a list uses the
// list's entry.
type knownLists struct {
	mu     sync.Mutex
	record registry.HubRecord // Revision is 0 if the record is unknown
	lists  map[registry.ListKey]knownList
}

// knownList is a list with the policies of its topics.
type knownList struct {
	shard    registry.Shard
	policies []topicPolicy
	readAt   time.Time
}

// knownLifetime is how long policies are written without being read again. Changes that
// are made to a policy by hand in this time are lost with the next write. To read the
// policies of 28 topics four times in a minute costs a third of a call for each of 300
// links.
const knownLifetime = 15 * time.Second

// of returns the given lists and the hub's record. It reads those that are not cached.
func (k *knownLists) of(ctx context.Context, p *Permissions, lists map[registry.ListKey][]*newcomer) (map[registry.ListKey]knownList, registry.HubRecord, error) {
	now := p.hub.now()
	found := map[registry.ListKey]knownList{}
	var further []registry.ListKey
	k.mu.Lock()
	record := k.record
	maps.DeleteFunc(k.lists, func(_ registry.ListKey, known knownList) bool { return now.Sub(known.readAt) > knownLifetime })
	for list := range lists {
		if known, there := k.lists[list]; there {
			found[list] = known
		} else {
			further = append(further, list)
		}
	}
	k.mu.Unlock()
	if len(further) == 0 && record.Revision != 0 {
		return found, record, nil
	}
	slices.Sort(further)
	shards, err := map[registry.ListKey]registry.Shard(nil), error(nil)
	if record.Revision == 0 {
		record, shards, err = p.hub.registry.HubAndLists(ctx, further...)
	} else {
		shards, err = p.hub.registry.Shards(ctx, further...)
	}
	if err != nil {
		return nil, record, err
	}
	read, err := p.readPolicies(ctx, further, shards, now)
	if err != nil {
		return nil, record, err
	}
	maps.Copy(found, read)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.record = record
	maps.Copy(k.lists, read)
	return found, record, nil
}

// readPolicies returns lists that were just read, together with the policies of their
// topics.
func (p *Permissions) readPolicies(ctx context.Context, lists []registry.ListKey, shards map[registry.ListKey]registry.Shard, now time.Time) (map[registry.ListKey]knownList, error) {
	var mu sync.Mutex
	read := map[registry.ListKey]knownList{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * maxConcurrentShards)
	for _, list := range lists {
		shard, there := shards[list]
		if !there {
			return nil, fmt.Errorf("%s of hub %s: %w", list, p.hub.name, registry.ErrNoShard)
		}
		group.Go(func() error {
			policies, err := p.policies(ctx, shard)
			mu.Lock()
			defer mu.Unlock()
			read[list] = knownList{shard, policies, now}
			return err
		})
	}
	return read, group.Wait()
}

// forget removes lists, and the hub's record, from the cache.
func (k *knownLists) forget(lists ...registry.ListKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.record = registry.HubRecord{}
	for _, list := range lists {
		delete(k.lists, list)
	}
}

// update updates the cached list and policies after an admission. If the admission
// failed, it removes them.
func (k *knownLists) update(a *admission) {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := a.target.List
	known, there := k.lists[list]
	if a.err != nil || !there { // the entry may have expired meanwhile
		delete(k.lists, list)
		return
	}
	known.shard = a.target
	if !a.write.Change.KeepsPolicies() {
		known.shard.Written = a.target.Sequence
	}
	known.policies = slices.Clone(known.policies)
	for _, written := range a.policies {
		at := slices.IndexFunc(known.policies, func(t topicPolicy) bool { return t.topic == written.topic })
		known.policies[at].text = written.text
	}
	k.lists[list] = known
}
