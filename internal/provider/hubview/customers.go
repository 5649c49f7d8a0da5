// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hubview

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// cachedCustomer is a customer who was read individually, and the time.
type cachedCustomer struct {
	customer onboarding.Customer
	at       time.Time
}

// Customer returns one customer of the hub, from the list that the whole operation
// shares. The error is registry.ErrNoLink if the hub exists and the customer does not.
func (v *View) Customer(ctx context.Context, id string) (onboarding.Customer, error) {
	customer, ok := v.cachedCustomer(id, v.Now().Add(-maxReadAge))
	if !ok {
		all, err := v.customers.get(ctx)
		if err != nil {
			return onboarding.Customer{}, v.orNoHub(ctx, err)
		}
		customer, ok = all[id]
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if written, mine := v.writtenLinks[id]; mine && written.Revision > customer.Link.Revision {
		customer.Link, ok = written, true
	}
	if !ok {
		return onboarding.Customer{}, registry.ErrNoLink
	}
	customer.Link = v.Sets.withWrittenSet(customer.Link)
	return customer, nil
}

// Find returns what Customer does, but nil instead of an error if the hub definitely
// has no customer with that ID.
func (v *View) Find(ctx context.Context, id string) (*onboarding.Customer, error) {
	found, err := v.Customer(ctx, id)
	if errors.Is(err, registry.ErrNoLink) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// Customers returns all customers of the hub, by ID. The caller may change the map.
func (v *View) Customers(ctx context.Context) (map[string]onboarding.Customer, error) {
	read, err := v.customers.get(ctx)
	if err != nil {
		return nil, v.orNoHub(ctx, err)
	}
	all := maps.Clone(read)
	readAt := v.customers.at()
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, seen := range v.cachedCustomers {
		if !seen.at.Before(readAt) {
			all[id] = seen.customer
		}
	}
	for id, written := range v.writtenLinks {
		if c := all[id]; written.Revision > c.Link.Revision {
			c.Link = written
			all[id] = c
		}
	}
	for id, c := range all {
		if c.Link.Set != nil {
			c.Link = v.Sets.withWrittenSet(c.Link)
			all[id] = c
		}
	}
	return all, nil
}

// Walk returns customers in the order of their IDs: those with the given IDs, or, if
// ids is nil, those of a part of the hub. It reads only the requested customers; it
// reads all of them only if all are requested, and reuses the shared list if that was
// read recently.
func (v *View) Walk(ctx context.Context, ids []string, part registry.Part) iter.Seq2[onboarding.Customer, error] {
	return func(yield func(onboarding.Customer, error) bool) {
		for customer, err := range v.walk(ctx, ids, part) {
			if err != nil {
				yield(customer, v.orNoHub(ctx, err))
				return
			}
			customer.Link = v.Sets.withWrittenSet(customer.Link)
			if customer.Link.CustomerID > part.After && !yield(customer, nil) {
				return
			}
		}
	}
}

func (v *View) walk(ctx context.Context, ids []string, part registry.Part) iter.Seq2[onboarding.Customer, error] {
	whole := ids == nil && part.Limit == 0
	if whole || v.config.ProveRoles || v.customers.fresh() {
		return v.walkAll(ctx, ids)
	}
	if ids == nil {
		return v.Registry.Walk(ctx, part)
	}
	return func(yield func(onboarding.Customer, error) bool) {
		some, err := v.Registry.Select(ctx, ids...)
		if err != nil {
			yield(onboarding.Customer{}, err)
			return
		}
		for _, customer := range some {
			if !yield(customer, nil) {
				return
			}
		}
	}
}

// walkAll returns what walk does, from the list that the whole operation shares.
func (v *View) walkAll(ctx context.Context, ids []string) iter.Seq2[onboarding.Customer, error] {
	return func(yield func(onboarding.Customer, error) bool) {
		all, err := v.Customers(ctx)
		if err != nil {
			yield(onboarding.Customer{}, err)
			return
		}
		if ids == nil {
			ids = slices.Collect(maps.Keys(all))
		}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			if customer, there := all[id]; there && !yield(customer, nil) {
				return
			}
		}
	}
}

// cachedCustomer returns a customer who was read individually since a time.
func (v *View) cachedCustomer(id string, since time.Time) (onboarding.Customer, bool) {
	readAt := v.customers.at()
	v.mu.Lock()
	defer v.mu.Unlock()
	seen, ok := v.cachedCustomers[id]
	if !ok || seen.at.Before(since) || seen.at.Before(readAt) {
		return onboarding.Customer{}, false
	}
	seen.customer.Link = v.Sets.withWrittenSet(seen.customer.Link)
	return seen.customer, true
}

// cacheCustomers shares customers that were read individually, at a time, with the rest
// of the operation.
func (v *View) cacheCustomers(customers []onboarding.Customer, at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range customers {
		if !at.Before(v.cachedCustomers[c.Link.CustomerID].at) {
			v.cachedCustomers[c.Link.CustomerID] = cachedCustomer{c, at}
		}
	}
}

func (v *View) readCustomers(ctx context.Context) (map[string]onboarding.Customer, error) {
	if v.config.ProveRoles {
		v.Upkeep.proveRoles(ctx)
	}
	list, err := v.Registry.Customers(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]onboarding.Customer, len(list))
	for _, c := range list {
		byID[c.Link.CustomerID] = c
	}
	return byID, nil
}
