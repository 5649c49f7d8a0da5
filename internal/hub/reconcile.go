// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// The record of a link is written before the permission that it needs, and
// whatever ends the writer in between leaves an account that may never publish.
// So it is not enough to allow accounts when links are written: what links and
// registrations need is compared with the lists, in both directions.

// Reconcile makes the lists of a hub what its customers need. Missing accounts
// are allowed, those of an organization that have a live stack among them: an
// account that leaves the organization loses what it had through it, and could
// not publish the Delete of its stack (aws-facts 1.14). Accounts that are not needed any more, whatever the reason, are marked, and taken off
// once the mark is older than onboarding.Grace.
//
// Lists may have been read already, with the hub's Read; nil: they are read
// here. A list that can't be repaired does not keep the others from it.
func (p *Permissions) Reconcile(ctx context.Context, record registry.HubRecord, customers []onboarding.Customer, lists map[registry.ListKey]registry.Shard) error {
	if lists == nil {
		var err error
		if lists, err = p.hub.registry.Shards(ctx, listsOf(record)...); err != nil {
			return p.explain(err)
		}
	}
	byShard := map[int][]onboarding.Customer{}
	for _, c := range customers {
		byShard[c.Link.Shard] = append(byShard[c.Link.Shard], c)
	}
	var errs []error
	for _, key := range listsOf(record) {
		list, there := lists[key]
		if !there {
			continue // the hub's Update makes it
		}
		of := customers
		if shard, ok := key.Shard(); ok {
			of = byShard[shard]
		}
		if err := p.reconcile(ctx, list, needsOf(key, of, p.hub.now())); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// listsOf returns the keys of all lists of a hub.
func listsOf(record registry.HubRecord) []registry.ListKey {
	var keys []registry.ListKey
	for shard := range record.Shards {
		keys = append(keys, registry.ShardList(shard))
	}
	if record.TemplateAccess == onboarding.TemplatesAccounts {
		keys = append(keys, registry.Readers)
	}
	return keys
}

// needs are whom a list is for, accounts and organizations by their ID.
type needs struct {
	accounts      []account.ID
	organizations []account.OrganizationID

	needed map[string]bool // all of these
	known  map[string]bool // those, too, of links and stacks that have ended
	now    time.Time
}

func needsOf(list registry.ListKey, customers []onboarding.Customer, now time.Time) needs {
	ever := time.Time{}
	n := needs{accounts: onboarding.AllowedAccounts(customers, now), needed: map[string]bool{}, known: map[string]bool{}, now: now}
	note(n.needed, n.accounts)
	note(n.known, onboarding.AllowedAccounts(customers, ever))
	if list != registry.Readers {
		n.organizations = onboarding.AllowedOrganizations(customers, now)
		note(n.needed, n.organizations)
		note(n.known, onboarding.AllowedOrganizations(customers, ever))
	}
	return n
}

func note[T fmt.Stringer](in map[string]bool, ids []T) {
	for _, id := range ids {
		in[id.String()] = true
	}
}

func (p *Permissions) reconcile(ctx context.Context, today registry.Shard, n needs) error {
	var errs []error
	if today.Written != today.Sequence {
		// A writer has died between the list and its policies, or is about to
		// write them: AWS's policies may differ from the list.
		if err := p.change(ctx, today.List, func(registry.Shard) registry.ShardChange { return registry.ShardChange{} }); err != nil {
			errs = append(errs, err)
		}
	}
	missing := slices.DeleteFunc(slices.Clone(n.accounts), func(id account.ID) bool { _, there := today.Accounts[id]; return there })
	for some := range slices.Chunk(missing, batchSize) {
		refused := p.allowAll(ctx, today.List, some)
		for _, id := range some {
			if err := refused[id]; err != nil {
				errs = append(errs, fmt.Errorf("allow account %s: %w", id, err))
			}
		}
	}
	if shard, ok := today.List.Shard(); ok {
		for _, id := range n.organizations {
			if _, there := today.Organizations[id]; !there {
				if err := p.AllowOrganization(ctx, shard, id); err != nil {
					errs = append(errs, fmt.Errorf("allow organization %s: %w", id, err))
				}
			}
		}
	}
	return errors.Join(append(errs, p.letGo(ctx, today, n))...)
}

// letGo marks those that are needed no more, and takes those off that were
// marked long ago. It looks before it takes the lease: most of the time there
// is nothing to do.
func (p *Permissions) letGo(ctx context.Context, today registry.Shard, n needs) error {
	for {
		change := n.departures(today)
		if change.KeepsPolicies() && change.Leaving == nil {
			return nil
		}
		if err := p.change(ctx, today.List, n.departures); err != nil {
			return err
		}
		var err error
		if today, err = p.hub.registry.Shard(ctx, today.List); err != nil {
			return p.explain(err)
		}
	}
}

// departures returns the change that letGo makes to a list. One that was asked
// for just now, and that no record names, has its link about to be written: it
// is not marked yet.
func (n needs) departures(s registry.Shard) registry.ShardChange {
	var change registry.ShardChange
	leaving := map[string]time.Time{}
	stays := func(id string, asked time.Time) bool {
		since, marked := s.Leaving[id]
		switch {
		case n.needed[id]:
			return true
		case marked && n.now.Sub(since) >= onboarding.Grace && n.now.Sub(asked) > settled && len(change.Remove) < atOnce:
			return false
		case marked:
			leaving[id] = since
		case n.known[id] || n.now.Sub(asked) > settled:
			leaving[id] = n.now
		}
		return true
	}
	for _, id := range s.AccountIDs() {
		if !stays(id.String(), s.Accounts[id]) {
			change.Remove = append(change.Remove, id)
		}
	}
	organizations := maps.Clone(s.Organizations)
	for id, asked := range s.Organizations {
		if !stays(id.String(), asked) {
			delete(organizations, id)
		}
	}
	if len(organizations) < len(s.Organizations) {
		change.Organizations = organizations
	}
	if !maps.Equal(leaving, s.Leaving) {
		change.Leaving = leaving
	}
	return change
}
