// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Permissions keeps who may publish to the topics and who may read templates.
//
// The truth is the shard's item in the registry; the topics' policies are
// copies of it. SNS replaces a policy without looking at what it replaces
// (aws-facts 5.5), so every writer, in whatever process, takes the shard's
// lease, changes the item, writes the copies, and then makes sure that it had
// the lease all along; if not, it writes once more.
type Permissions struct {
	hub    *Manager
	holder string // names this process in leases

	newcomers *awsclient.Gatherer[*newcomer, struct{}]
	known     knownLists

	mu    sync.Mutex
	lists map[registry.ListKey]*listWriter
}

func newPermissions(h *Manager) (*Permissions, error) {
	id := make([]byte, 8)
	if _, err := io.ReadFull(h.random, id); err != nil {
		return nil, fmt.Errorf("draw a name for the leases of hub %s: %w", h.name, err)
	}
	p := &Permissions{
		hub: h, holder: hex.EncodeToString(id), known: knownLists{lists: map[registry.ListKey]knownList{}},
		lists: map[registry.ListKey]*listWriter{},
	}
	p.newcomers = newNewcomers(p)
	return p, nil
}

// listWriter serialises this process's writes to one list. Callers that come
// while a write is under way wait together for the next one.
type listWriter struct {
	turn chan struct{} // holds one token

	mu      sync.Mutex
	waiting []*batch
	running bool
}

// batch is a group of callers who share one write.
type batch struct {
	accounts []account.ID
	done     chan struct{}
	errs     map[account.ID]error // nil or none for those that are allowed
}

const (
	// atOnce keeps a change within DynamoDB's 4 KB for an update expression: if more
	// accounts come, the list is written as a whole.
	atOnce = 100
	// batchSize is how many callers share a write, at most: about what a topic holds.
	batchSize = 1500

	// gather is how long a write waits for others to share it.
	gather = 20 * time.Millisecond

	// allowPatience is how long a batch tries, all retries together.
	allowPatience = 3 * time.Minute

	// fresh is how long the note that an account was asked for stays good
	// before it is renewed, and settled is the age at which tidying up may
	// act on it: a caller that was told "allowed" has at least the time between the
	// two to write the link that keeps the account on the list.
	fresh   = 30 * time.Minute
	settled = time.Hour
)

// join adds an account to a list, together with those that come at the same time.
func (p *Permissions) join(ctx context.Context, list registry.ListKey, id account.ID) error {
	b := p.writer(list).join(id, func(b *batch) {
		// The write is for all callers in the batch, so that no single caller's
		// cancellation ends it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), allowPatience)
		defer cancel()
		b.errs = p.allowAll(ctx, list, b.accounts)
	})
	select {
	case <-b.done:
		return b.errs[id]
	case <-ctx.Done():
		return ctx.Err()
	}
}

// allowAll allows accounts together. If that is refused because of one of
// them, each is tried by itself: the others have nothing to do with it.
func (p *Permissions) allowAll(ctx context.Context, list registry.ListKey, accounts []account.ID) map[account.ID]error {
	errs := map[account.ID]error{}
	err := p.allow(ctx, list, accounts)
	if err == nil {
		return errs
	}
	if len(accounts) > atOnce && refusesAccounts(err) {
		for some := range slices.Chunk(accounts, atOnce) {
			maps.Copy(errs, p.allowAll(ctx, list, some))
		}
		return errs
	}
	for _, id := range accounts {
		errs[id] = err
		if len(accounts) > 1 && refusesAccounts(err) {
			errs[id] = p.allow(ctx, list, []account.ID{id})
		}
	}
	return errs
}

// refusesAccounts reports that it was the accounts that there was no room for,
// or that are not there.
func refusesAccounts(err error) bool {
	var (
		topic  *iampolicy.TopicFullError
		bucket *iampolicy.BucketFullError
		nobody *NoSuchAccountError
	)
	return errors.As(err, &topic) || errors.As(err, &bucket) || errors.As(err, &nobody)
}

func (p *Permissions) allow(ctx context.Context, list registry.ListKey, accounts []account.ID) error {
	err := p.change(ctx, list, func(now registry.Shard) registry.ShardChange { return p.wanting(now, accounts) })
	if err != nil || list == registry.Readers {
		return err
	}
	return p.letReadToo(ctx, accounts)
}

// wanting adds those accounts that are not on a list, or are about to leave it,
// or were asked for long ago.
func (p *Permissions) wanting(now registry.Shard, accounts []account.ID) registry.ShardChange {
	var change registry.ShardChange
	for _, id := range accounts {
		asked, there := now.Accounts[id]
		if !there || p.hub.now().Sub(asked) > fresh || !now.Leaving[id.String()].IsZero() {
			change.Add = append(change.Add, id)
		}
	}
	change.Leaving = staying(now, change.Add...)
	if len(change.Add) > atOnce {
		change.All = maps.Clone(now.Accounts)
		for _, id := range change.Add {
			change.All[id] = p.hub.now()
		}
		change.Add = nil
	}
	return change
}

// staying returns the marks of a list without those of some that stay after
// all; nil: none of them has one.
func staying[T fmt.Stringer](now registry.Shard, ids ...T) map[string]time.Time {
	left := maps.Clone(now.Leaving)
	for _, id := range ids {
		delete(left, id.String())
	}
	if len(left) == len(now.Leaving) {
		return nil
	}
	return left
}

// Repair writes the policies that are behind the registry, if any are.
func (p *Permissions) Repair(ctx context.Context) error {
	record, err := p.hub.registry.Hub(ctx)
	if err != nil {
		return p.hub.explainRegistry(err)
	}
	for shard := range record.Shards {
		list := registry.ShardList(shard)
		today, err := p.hub.registry.Shard(ctx, list)
		if err != nil {
			return p.explain(err)
		}
		policies, err := p.policies(ctx, today)
		if err != nil {
			return err
		}
		behind := slices.ContainsFunc(policies, func(t topicPolicy) bool { return policyBehind(t.text, today) })
		if !behind && today.Written == today.Sequence {
			continue
		}
		if err := p.change(ctx, list, func(registry.Shard) registry.ShardChange { return registry.ShardChange{} }); err != nil {
			return err
		}
	}
	if record.TemplateAccess != onboarding.TemplatesAccounts {
		return nil
	}
	return p.repairReaders(ctx, record)
}

// setRegions makes the shard's Regions the given ones, and writes the policies
// of their topics. Even if the Regions stay, policies that are behind are
// repaired.
func (p *Permissions) setRegions(ctx context.Context, shard int, regions []account.Region) error {
	return p.change(ctx, registry.ShardList(shard), func(now registry.Shard) registry.ShardChange {
		if slices.Equal(now.Regions, sortRegions(regions)) {
			return registry.ShardChange{}
		}
		return registry.ShardChange{Regions: sortRegions(regions)}
	})
}

// change makes one change to a list and its policies, again and again until
// it is certain that the policies match the registry.
func (p *Permissions) change(ctx context.Context, list registry.ListKey, decide func(registry.Shard) registry.ShardChange) error {
	w := p.writer(list)
	select {
	case <-w.turn:
		defer func() { w.turn <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	p.known.forget(list)
	var err error
	for attempt := range rounds {
		if err = p.round(ctx, list, decide); err == nil || !tryAgain(err) {
			return err
		}
		if waited := p.hub.wait(ctx, pause(attempt)); waited != nil {
			return fmt.Errorf("write the policies of hub %s: %w", p.hub.name, errors.Join(err, waited))
		}
	}
	return fmt.Errorf("write the policies of hub %s, tried %d times: %w", p.hub.name, rounds, err)
}

// rounds is how often a change is tried. Leases are short and writes quick, so
// this outlasts a queue of writers, or a crashed one's lease several times.
const rounds = 300

func pause(attempt int) time.Duration {
	return min(50*time.Millisecond<<min(attempt, 4), 500*time.Millisecond)
}

func (p *Permissions) writer(list registry.ListKey) *listWriter {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, ok := p.lists[list]
	if !ok {
		w = &listWriter{turn: make(chan struct{}, 1)}
		w.turn <- struct{}{}
		p.lists[list] = w
	}
	return w
}

// join adds an account to the batch that is next, and ensures that a goroutine
// works the batches off.
func (w *listWriter) join(id account.ID, work func(*batch)) *batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.waiting); n == 0 || len(w.waiting[n-1].accounts) == batchSize {
		w.waiting = append(w.waiting, &batch{done: make(chan struct{})})
	}
	b := w.waiting[len(w.waiting)-1]
	if !slices.Contains(b.accounts, id) {
		b.accounts = append(b.accounts, id)
	}
	if !w.running {
		w.running = true
		go w.run(work)
	}
	return b
}

func (w *listWriter) run(work func(*batch)) {
	for {
		// Terraform creates ten links at a time: they come together, but not at
		// once, and a write for each would be the larger part of what a link costs.
		<-time.After(gather)
		w.mu.Lock()
		if len(w.waiting) == 0 {
			w.running = false
			w.mu.Unlock()
			return
		}
		b := w.waiting[0]
		w.waiting = w.waiting[1:]
		w.mu.Unlock()
		work(b)
		close(b.done)
	}
}
