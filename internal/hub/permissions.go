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

// Permissions manages which accounts may publish to the topics and read templates.
//
// The shard's item in the registry is authoritative; the topics' policies are copies of
// it. SNS replaces a policy without comparing it with the one it replaces (aws-facts
// 5.5), so every writer, in every process, acquires the shard's lease, changes the
// item, writes the policies, and then verifies that it held the lease all the time. If
// it did not, it writes once more.
type Permissions struct {
	hub    *Manager
	holder string // names this process in leases

	newcomers *awsclient.Batcher[*newcomer, struct{}]
	known     knownLists

	mu    sync.Mutex
	lists map[registry.ListKey]*listWriter
}

func newPermissions(h *Manager) (*Permissions, error) {
	id := make([]byte, 8)
	if _, err := io.ReadFull(h.random, id); err != nil {
		return nil, fmt.Errorf("generate a lease holder name for hub %s: %w", h.name, err)
	}
	p := &Permissions{
		hub: h, holder: hex.EncodeToString(id), known: knownLists{lists: map[registry.ListKey]knownList{}},
		lists: map[registry.ListKey]*listWriter{},
	}
	p.newcomers = newNewcomers(p)
	return p, nil
}

// listWriter serialises this process's writes to one list. Callers that arrive while a
// write is under way share the next one.
type listWriter struct {
	lock chan struct{} // contains one token

	mu      sync.Mutex
	waiting []*batch
	running bool
}

// batch is a group of callers that share one write.
type batch struct {
	accounts []account.ID
	done     chan struct{}
	errs     map[account.ID]error // no entry, or nil, for accounts that were allowed
}

const (
	// maxUpdate is the maximum number of accounts in one update of a list: it keeps the
	// update expression within DynamoDB's 4 KB. For more accounts the list is written
	// as a whole.
	maxUpdate = 100
	// batchSize is the maximum number of callers that share a write: about as many
	// accounts as a topic's policy has room for.
	batchSize = 1500

	// batchLinger is how long a write waits for other callers to share it.
	batchLinger = 20 * time.Millisecond

	// allowTimeout is the time limit of a batch, including all retries.
	allowTimeout = 3 * time.Minute

	// renewAfter is how long the recorded time of an account's last request is kept
	// before it is renewed. removableAfter is the age at which Reconcile may remove an
	// account that no record names. A caller that was allowed without a write has at
	// least the difference of the two to write the link that keeps the account on the
	// list.
	renewAfter     = 30 * time.Minute
	removableAfter = time.Hour
)

// join adds an account to a list in one write with the accounts of concurrent callers.
func (p *Permissions) join(ctx context.Context, list registry.ListKey, id account.ID) error {
	b := p.writer(list).join(id, func(b *batch) {
		// The write is for all callers in the batch, so the cancellation of one caller
		// must not end it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), allowTimeout)
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

// allowAll allows accounts in one write, and returns the errors by account. If the
// write is refused because of some of the accounts, each is tried alone, so that the
// others are not affected.
func (p *Permissions) allowAll(ctx context.Context, list registry.ListKey, accounts []account.ID) map[account.ID]error {
	errs := map[account.ID]error{}
	err := p.allow(ctx, list, accounts)
	if err == nil {
		return errs
	}
	if len(accounts) > maxUpdate && refusesAccounts(err) {
		for some := range slices.Chunk(accounts, maxUpdate) {
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

// refusesAccounts reports whether an error is caused by the accounts: there is no room
// for them in a policy, or they do not exist.
func refusesAccounts(err error) bool {
	var (
		topic   *iampolicy.TopicFullError
		bucket  *iampolicy.BucketFullError
		missing *NoSuchAccountError
	)
	return errors.As(err, &topic) || errors.As(err, &bucket) || errors.As(err, &missing)
}

func (p *Permissions) allow(ctx context.Context, list registry.ListKey, accounts []account.ID) error {
	err := p.change(ctx, list, func(now registry.Shard) registry.ShardChange { return p.additions(now, accounts) })
	if err != nil || list == registry.Readers {
		return err
	}
	return p.allowReaders(ctx, accounts)
}

// additions returns the change that adds those accounts that are not on a list, are
// marked to be removed from it, or were last requested more than renewAfter ago.
func (p *Permissions) additions(now registry.Shard, accounts []account.ID) registry.ShardChange {
	var change registry.ShardChange
	for _, id := range accounts {
		asked, there := now.Accounts[id]
		if !there || p.hub.now().Sub(asked) > renewAfter || !now.Leaving[id.String()].IsZero() {
			change.Add = append(change.Add, id)
		}
	}
	change.Leaving = marksWithout(now, change.Add...)
	if len(change.Add) > maxUpdate {
		change.All = maps.Clone(now.Accounts)
		for _, id := range change.Add {
			change.All[id] = p.hub.now()
		}
		change.Add = nil
	}
	return change
}

// marksWithout returns the removal marks of a list without the marks of ids, which stay
// on it. It returns nil if none of ids has a mark.
func marksWithout[T fmt.Stringer](now registry.Shard, ids ...T) map[string]time.Time {
	left := maps.Clone(now.Leaving)
	for _, id := range ids {
		delete(left, id.String())
	}
	if len(left) == len(now.Leaving) {
		return nil
	}
	return left
}

// Repair writes all policies that do not match the registry.
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
		behind := slices.ContainsFunc(policies, func(t topicPolicy) bool { return policyOutdated(t.text, today) })
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

// setRegions sets the Regions of a shard and writes the policies of their topics.
// Policies that do not match the registry are repaired even if the Regions stay the
// same.
func (p *Permissions) setRegions(ctx context.Context, shard int, regions []account.Region) error {
	return p.change(ctx, registry.ShardList(shard), func(now registry.Shard) registry.ShardChange {
		if slices.Equal(now.Regions, sortRegions(regions)) {
			return registry.ShardChange{}
		}
		return registry.ShardChange{Regions: sortRegions(regions)}
	})
}

// change makes one change to a list and its policies, and repeats it until the policies
// are known to match the registry, or it fails.
func (p *Permissions) change(ctx context.Context, list registry.ListKey, decide func(registry.Shard) registry.ShardChange) error {
	w := p.writer(list)
	select {
	case <-w.lock:
		defer func() { w.lock <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	p.known.forget(list)
	var err error
	for attempt := range maxAttempts {
		if err = p.changeOnce(ctx, list, decide); err == nil || !isRetryable(err) {
			return err
		}
		if waited := p.hub.sleep(ctx, pause(attempt)); waited != nil {
			return fmt.Errorf("write the policies of hub %s: %w", p.hub.name, errors.Join(err, waited))
		}
	}
	return fmt.Errorf("write the policies of hub %s after %d attempts: %w", p.hub.name, maxAttempts, err)
}

// maxAttempts is the maximum number of attempts at a change. Leases are short and writes
// fast, so that these attempts suffice for a queue of writers, or for the lease of a
// crashed process to expire several times.
const maxAttempts = 300

func pause(attempt int) time.Duration {
	return min(50*time.Millisecond<<min(attempt, 4), 500*time.Millisecond)
}

func (p *Permissions) writer(list registry.ListKey) *listWriter {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, ok := p.lists[list]
	if !ok {
		w = &listWriter{lock: make(chan struct{}, 1)}
		w.lock <- struct{}{}
		p.lists[list] = w
	}
	return w
}

// join adds an account to the next batch, and starts a goroutine that processes the
// batches if none is running.
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
		// Terraform creates ten links at a time, but does not start them at the same
		// instant, and a write for each would be the larger part of a link's cost.
		<-time.After(batchLinger)
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
