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

// The record of a link is written before its permission, and if the process is
// interrupted in between, the account can't publish. So accounts are not only allowed
// when links are written: Reconcile also compares the accounts that links and
// registrations need with the lists, in both directions.

// Reconcile brings the lists of a hub in line with the needs of its customers. Missing
// accounts are allowed. This includes accounts of an organization that have a live
// stack: an account that leaves the organization loses its permission through the
// organization, and could not publish the Delete of its stack (aws-facts 1.14).
// Accounts that are not needed any more, for whatever reason, are marked, and removed
// once the mark is older than onboarding.Grace.
//
// The caller passes lists that it has read with the hub's Read, or nil to have them
// read here. An error of one list does not prevent the repair of the others; all errors
// are joined.
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
			continue // Update of the hub creates it
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

// needs are the accounts and organizations that a list should contain.
type needs struct {
	accounts      []account.ID
	organizations []account.OrganizationID

	needed map[string]bool // the IDs of all accounts and organizations above
	known  map[string]bool // also the IDs of closed links and deleted stacks
	now    time.Time
}

func needsOf(list registry.ListKey, customers []onboarding.Customer, now time.Time) needs {
	ever := time.Time{}
	n := needs{accounts: onboarding.AllowedAccounts(customers, now), needed: map[string]bool{}, known: map[string]bool{}, now: now}
	addIDs(n.needed, n.accounts)
	addIDs(n.known, onboarding.AllowedAccounts(customers, ever))
	if list != registry.Readers {
		n.organizations = onboarding.AllowedOrganizations(customers, now)
		addIDs(n.needed, n.organizations)
		addIDs(n.known, onboarding.AllowedOrganizations(customers, ever))
	}
	return n
}

func addIDs[T fmt.Stringer](in map[string]bool, ids []T) {
	for _, id := range ids {
		in[id.String()] = true
	}
}

func (p *Permissions) reconcile(ctx context.Context, today registry.Shard, n needs) error {
	var errs []error
	if today.Written != today.Sequence {
		// A writer has crashed after it wrote the list, or is about to write the
		// policies: they may differ from the list.
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
	return errors.Join(append(errs, p.removeUnneeded(ctx, today, n))...)
}

// removeUnneeded marks the entries that are not needed any more, and removes those that
// were marked more than onboarding.Grace ago. It compares before it acquires the lease,
// because usually there is nothing to change.
func (p *Permissions) removeUnneeded(ctx context.Context, today registry.Shard, n needs) error {
	for {
		change := n.removals(today)
		if change.KeepsPolicies() && change.Leaving == nil {
			return nil
		}
		if err := p.change(ctx, today.List, n.removals); err != nil {
			return err
		}
		var err error
		if today, err = p.hub.registry.Shard(ctx, today.List); err != nil {
			return p.explain(err)
		}
	}
}

// removals returns the change of a list that removeUnneeded makes. An entry that was
// requested within the last hour and that no record names is not marked yet, because
// its link may be about to be written.
func (n needs) removals(s registry.Shard) registry.ShardChange {
	var change registry.ShardChange
	leaving := map[string]time.Time{}
	stays := func(id string, asked time.Time) bool {
		since, marked := s.Leaving[id]
		switch {
		case n.needed[id]:
			return true
		case marked && n.now.Sub(since) >= onboarding.Grace && n.now.Sub(asked) > removableAfter && len(change.Remove) < maxUpdate:
			return false
		case marked:
			leaving[id] = since
		case n.known[id] || n.now.Sub(asked) > removableAfter:
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
