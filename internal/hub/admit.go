// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Terraform creates links ten at a time, and nearly all of these have a topic of their
// own, so each link costs at least one write of its topic's policy in every Region. All
// other work is shared by links that are created at the same time: one transaction
// writes their records, acquires the leases of all their lists and changes the lists; a
// second transaction releases the leases. Lists and policies that this process wrote
// itself are not read again: the transaction verifies that the lists' sequences are
// unchanged. No lease is kept between transactions, so another process waits no longer
// than one write takes.
//
// Newcomers that can't be admitted together are admitted alone, which requires nothing
// but the lease.

// newcomer is an account that is to be added to a list.
type newcomer struct {
	list    registry.ListKey
	account account.ID
	link    *registry.LinkChange // the customer's first link, to be written; nil if it exists

	written onboarding.Link // the link as written; zero if it was not
	err     error
}

const (
	// seriesLinger is how long newcomers wait for others while several arrive at a
	// time: about as long as a slow machine takes to start more of the ten operations
	// that Terraform runs concurrently. With enoughNewcomers waiting, they wait no
	// longer.
	seriesLinger    = 300 * time.Millisecond
	enoughNewcomers = 6

	// overtakeNewcomers is how long a busy or throttled topic delays the newcomers
	// after it.
	overtakeNewcomers = 2 * time.Second

	// maxLinks is the maximum number of links in a transaction. It keeps the
	// transaction within DynamoDB's 100 writes (aws-facts 10.4): each link takes three,
	// a check of its set and a change of its list.
	maxLinks = 16
)

func newNewcomers(p *Permissions) *awsclient.Batcher[*newcomer, struct{}] {
	return &awsclient.Batcher[*newcomer, struct{}]{
		MaxItems: batchSize, Linger: batchLinger, SeriesLinger: seriesLinger, Enough: enoughNewcomers, OvertakeAfter: overtakeNewcomers, Timeout: allowTimeout,
		Call: func(ctx context.Context, all []*newcomer) (struct{}, error) {
			p.admitAll(ctx, all)
			return struct{}{}, nil
		},
	}
}

// CreateLink writes the first link of a customer whose account is known, and allows the
// account to publish as Allow does. It returns the link as written, together with an
// error if only the permission is missing. It returns the zero link if the link was not
// written or ctx has ended, in which case it may have been written. Errors are those of
// the registry's CreateLink and of Allow.
func (p *Permissions) CreateLink(ctx context.Context, link onboarding.Link) (onboarding.Link, error) {
	n := &newcomer{
		list: registry.ShardList(link.Shard), account: link.Account,
		link: &registry.LinkChange{Link: link, OnBehalf: registry.CallerOf(ctx)},
	}
	if _, _, err := p.newcomers.Do(ctx, n); err != nil {
		return onboarding.Link{}, err
	}
	return n.written, n.err
}

// Allow ensures that an account may publish to a shard's topics in every Region, and
// that it may read templates if these are not public. If it returns nil, all policies
// contain the permission.
func (p *Permissions) Allow(ctx context.Context, shard int, id account.ID) error {
	n := &newcomer{list: registry.ShardList(shard), account: id}
	if _, _, err := p.newcomers.Do(ctx, n); err != nil {
		return err
	}
	return n.err
}

// admitAll admits newcomers, with as many links in each transaction as its limit
// allows. Those that could not be admitted together come last, so that a busy topic
// delays only its own newcomers.
func (p *Permissions) admitAll(ctx context.Context, all []*newcomer) {
	var left []*newcomer
	for len(all) > 0 {
		links, end := 0, 0
		for end < len(all) && links < maxLinks {
			if all[end].link != nil {
				links++
			}
			end++
		}
		left = append(left, p.admitTogether(ctx, all[:end])...)
		all = all[end:]
	}
	p.admitAlone(ctx, left)
}

// admitAlone admits newcomers that could not be admitted together: each link has a
// transaction of its own, and each list is written once. The newcomers hold the errors.
func (p *Permissions) admitAlone(ctx context.Context, all []*newcomer) {
	var group errgroup.Group
	group.SetLimit(maxConcurrentShards)
	for list, newcomers := range byList(all) {
		group.Go(func() error {
			var accounts []account.ID
			for _, n := range newcomers {
				if n.link != nil && n.written.CustomerID == "" {
					n.written, n.err = p.hub.registry.CreateLink(registry.OnBehalf(ctx, n.link.OnBehalf), n.link.Link)
				}
				if n.err == nil {
					accounts = append(accounts, n.account)
				}
			}
			if len(accounts) == 0 {
				return nil
			}
			errs := p.allowAll(ctx, list, unique(accounts))
			for _, n := range newcomers {
				if n.err == nil {
					n.err = errs[n.account]
				}
			}
			return nil
		})
	}
	_ = group.Wait() // errors are in the newcomers
}

func byList(all []*newcomer) map[registry.ListKey][]*newcomer {
	lists := map[registry.ListKey][]*newcomer{}
	for _, n := range all {
		lists[n.list] = append(lists[n.list], n)
	}
	return lists
}

func unique(ids []account.ID) []account.ID {
	var all []account.ID
	for _, id := range ids {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// admission is the change of one list in a transaction that admits newcomers.
type admission struct {
	newcomers []*newcomer
	write     registry.ListWrite
	target    registry.Shard // the list after the change
	policies  []topicPolicy  // to be written
	err       error          // why its newcomers have to be admitted alone
}

// admitTogether admits newcomers in one transaction, and returns those that have to be
// admitted alone. Their links are set if they were written.
func (p *Permissions) admitTogether(ctx context.Context, all []*newcomer) (left []*newcomer) {
	lists, left, done := p.lockLists(byList(all))
	defer done()
	known, record, err := p.known.of(ctx, p, lists)
	if err != nil {
		return all // admitAlone meets the error again, and assigns it to the newcomers it concerns
	}
	lease := registry.Lease{Holder: p.holder, Until: p.hub.now().Add(leaseTime)}
	transaction := registry.Transaction{HubRevision: record.Revision}
	var admissions []*admission
	for list, newcomers := range lists {
		a := p.admission(lease, known[list], newcomers)
		if a.err != nil {
			left = append(left, newcomers...)
			continue
		}
		admissions = append(admissions, a)
		transaction.Lists = append(transaction.Lists, a.write)
		transaction.Links = append(transaction.Links, a.links()...)
	}
	if len(admissions) == 0 {
		return left
	}
	written, err := p.hub.registry.WriteTransaction(ctx, transaction)
	if err != nil { // another process may have changed one of the lists
		p.known.forget(slices.Collect(maps.Keys(lists))...)
		return all
	}
	for _, a := range admissions {
		written = a.take(written)
	}
	p.writePolicies(ctx, lease, admissions)
	var admitted []*newcomer
	for _, a := range admissions {
		if a.err != nil {
			left = append(left, a.newcomers...)
		} else {
			admitted = append(admitted, a.newcomers...)
		}
	}
	p.allowNewcomersRead(ctx, record, admitted)
	return left
}

// lockLists takes this process's turn of each list, and keeps it until done is called.
// It returns as left the newcomers of lists that this process is writing: admitAlone
// waits for these lists.
func (p *Permissions) lockLists(lists map[registry.ListKey][]*newcomer) (taken map[registry.ListKey][]*newcomer, left []*newcomer, done func()) {
	taken = map[registry.ListKey][]*newcomer{}
	for list, newcomers := range lists {
		select {
		case <-p.writer(list).lock:
			taken[list] = newcomers
		default:
			left = append(left, newcomers...)
		}
	}
	return taken, left, func() {
		for list := range taken {
			p.writer(list).lock <- struct{}{}
		}
	}
}

// links returns the changes of links that are written in the same transaction as the
// list.
func (a *admission) links() []registry.LinkChange {
	var links []registry.LinkChange
	for _, n := range a.newcomers {
		if n.link != nil {
			links = append(links, *n.link)
		}
	}
	return links
}

// take assigns the admission's links from the written ones, and returns the rest.
func (a *admission) take(written []onboarding.Link) (rest []onboarding.Link) {
	for _, n := range a.newcomers {
		if n.link != nil {
			n.written, written = written[0], written[1:]
		}
	}
	return written
}

// admission returns the change of a list that admits newcomers. Its err is set if the
// list needs repair, or has no room for all of them: then they are admitted alone,
// which finds the accounts that are refused.
func (p *Permissions) admission(lease registry.Lease, known knownList, newcomers []*newcomer) *admission {
	a := &admission{newcomers: newcomers, target: known.shard, write: registry.ListWrite{Lease: lease, Before: known.shard}}
	var accounts []account.ID
	for _, n := range newcomers {
		accounts = append(accounts, n.account)
	}
	a.write.Change = p.additions(known.shard, unique(accounts))
	if a.write.Change.Leaving != nil {
		a.err = errUnwritten // marks have no sequence, so the known ones may be outdated
		return a
	}
	if a.write.Change.KeepsPolicies() {
		behind := slices.ContainsFunc(known.policies, func(t topicPolicy) bool { return policyOutdated(t.text, known.shard) })
		if behind || known.shard.Written != known.shard.Sequence {
			a.err = errUnwritten
		}
		return a
	}
	a.target = changed(known.shard, a.write.Change)
	for _, id := range a.write.Change.Add {
		a.target.Accounts[id] = p.hub.now()
	}
	a.policies, a.err = merged(known.policies, a.target)
	return a
}

// writePolicies writes the policies of lists whose leases are held, and releases the
// leases. It sets err in each admission that failed.
func (p *Permissions) writePolicies(ctx context.Context, lease registry.Lease, admissions []*admission) {
	var group errgroup.Group // without a context: one failure must not leave the others unknown
	group.SetLimit(2 * maxConcurrentShards)
	for _, a := range admissions {
		group.Go(func() error {
			a.err = p.write(ctx, lease, a.policies)
			return nil
		})
	}
	_ = group.Wait()
	var held []*admission
	var written []registry.Shard
	for _, a := range admissions {
		if a.err == nil && !a.write.Change.KeepsPolicies() {
			held, written = append(held, a), append(written, a.target)
		}
	}
	if err := p.hub.registry.FinishLeases(ctx, lease, written); err != nil {
		for _, a := range held { // one of the leases may have been lost
			a.err = p.hub.registry.FinishLease(ctx, lease, a.target)
		}
	}
	for _, a := range admissions {
		p.known.update(a)
	}
}

// allowNewcomersRead allows admitted accounts to read templates, if the hub's template
// access is by account. The record is the one that the transaction verified.
func (p *Permissions) allowNewcomersRead(ctx context.Context, record registry.HubRecord, admitted []*newcomer) {
	if record.TemplateAccess != onboarding.TemplatesAccounts || len(admitted) == 0 {
		return
	}
	var accounts []account.ID
	for _, n := range admitted {
		accounts = append(accounts, n.account)
	}
	err := p.allowReaders(ctx, unique(accounts))
	for _, n := range admitted {
		if n.err = err; err != nil && len(admitted) > 1 && refusesAccounts(err) {
			n.err = p.allowReaders(ctx, []account.ID{n.account})
		}
	}
}
