// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// UnconfirmedError indicates that a hub can't be restricted to known accounts, because
// the accounts of some open links are unknown.
type UnconfirmedError struct {
	Hub       string
	Customers []string // by ID
}

func (e *UnconfirmedError) Error() string {
	return fmt.Sprintf("hub %s has open links that name no account: %s", e.Hub, onboarding.SomeOf(e.Customers))
}

// Unconfirmed returns the sorted IDs of the customers whose open links name no account
// yet.
func Unconfirmed(customers []onboarding.Customer) []string {
	var ids []string
	for _, c := range customers {
		if c.Link.Scope == onboarding.ScopeAnyone && !c.Link.Closed {
			ids = append(ids, c.Link.CustomerID)
		}
	}
	slices.Sort(ids)
	return ids
}

// refuseUnconfirmed returns *UnconfirmedError if the specification restricts an open
// hub to known accounts while open links still name none.
func (h *Manager) refuseUnconfirmed(ctx context.Context, before registry.HubRecord, spec Spec) error {
	if !before.OpenToAnyone() || spec.PublisherScope == onboarding.AnyAccount {
		return nil
	}
	customers, err := h.registry.Customers(ctx)
	if err != nil {
		return h.explainRegistry(err)
	}
	if ids := Unconfirmed(customers); len(ids) > 0 {
		return &UnconfirmedError{Hub: h.name, Customers: ids}
	}
	return nil
}

// setAnyone allows every account to publish to a shard's topics, or only known
// publishers again. In the latter case the accounts that registered while the topics
// were open are added first: a stack that may not publish its Delete can't be deleted
// (aws-facts 1.14).
func (p *Permissions) setAnyone(ctx context.Context, shard int, anyone bool) error {
	list := registry.ShardList(shard)
	today, err := p.hub.registry.Shard(ctx, list)
	if err != nil {
		return p.explain(err)
	}
	if today.Anyone == anyone {
		return nil
	}
	if !anyone {
		if err := p.allowKnownAccounts(ctx, shard); err != nil {
			return err
		}
	}
	return p.change(ctx, list, func(registry.Shard) registry.ShardChange { return registry.ShardChange{Anyone: &anyone} })
}

func (p *Permissions) allowKnownAccounts(ctx context.Context, shard int) error {
	customers, err := p.hub.registry.Customers(ctx)
	if err != nil {
		return p.explain(err)
	}
	mine := slices.DeleteFunc(customers, func(c onboarding.Customer) bool { return c.Link.Shard != shard })
	for some := range slices.Chunk(onboarding.AllowedAccounts(mine, p.hub.now().Add(-onboarding.Grace)), batchSize) {
		if err := p.allow(ctx, registry.ShardList(shard), some); err != nil {
			return err
		}
	}
	return nil
}
