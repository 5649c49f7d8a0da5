// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"golang.org/x/sync/errgroup"
)

// maxConcurrentCalls is the maximum number of concurrent calls of one read of many
// customers.
const maxConcurrentCalls = 8

// Customer returns a customer's link and registrations, or ErrNoLink if the hub
// definitely has no link for the customer. It makes two concurrent calls.
func (r *Registry) Customer(ctx context.Context, id string) (onboarding.Customer, error) {
	customer, err := r.customer(ctx, id)
	if err == nil && customer == nil {
		err = ErrNoLink
	}
	if err != nil {
		return onboarding.Customer{}, fmt.Errorf("read customer %s of hub %s: %w", id, r.hub, err)
	}
	return *customer, nil
}

func (r *Registry) customer(ctx context.Context, id string) (*onboarding.Customer, error) {
	if migrated, err := r.isMigrated(ctx); err != nil || !migrated {
		some, err := r.selectLegacy(ctx, []string{id}, err)
		if err != nil || len(some) == 0 {
			return nil, err
		}
		return &some[0], nil
	}
	var customer onboarding.Customer
	var there bool
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		links, err := r.links(ctx, id)
		customer.Link, there = links[id]
		return err
	})
	group.Go(func() error {
		return r.query(ctx, r.partitioning().registrationsOf(id), func(i item) error {
			registration, err := r.decodeRegistration(i)
			customer.Registrations = append(customer.Registrations, registration)
			return err
		})
	})
	if err := group.Wait(); err != nil || !there {
		return nil, err
	}
	return &customer, nil
}

// Select returns those of the given customers for whom the hub has a link, sorted by
// ID. It makes three calls for each hundred of them, regardless of the size of the hub,
// and one more for each customer that has, or once had, the accounts of an
// organization.
func (r *Registry) Select(ctx context.Context, ids ...string) ([]onboarding.Customer, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	customers, err := r.selectCustomers(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read %s of hub %s: %w", onboarding.Counted(len(ids), "customer"), r.hub, err)
	}
	return customers, nil
}

func (r *Registry) selectCustomers(ctx context.Context, ids []string) ([]onboarding.Customer, error) {
	if migrated, err := r.isMigrated(ctx); err != nil || !migrated {
		return r.selectLegacy(ctx, ids, err)
	}
	links, err := r.links(ctx, ids...)
	if err != nil {
		return nil, err
	}
	found := map[string]*onboarding.Customer{}
	for id, link := range links {
		found[id] = &onboarding.Customer{Link: link}
	}
	if err := r.addRegistrations(ctx, found); err != nil {
		return nil, err
	}
	return sorted(found), nil
}

// links returns the links of customers with their bindings, by customer ID. In a table
// that is not migrated it reads both layouts.
func (r *Registry) links(ctx context.Context, ids ...string) (map[string]onboarding.Link, error) {
	migrated, err := r.isMigrated(ctx)
	if err != nil {
		return nil, err
	}
	var keys []key
	for _, id := range ids {
		keys = append(keys, r.partitioning().linkKey(id), bindingKey(id))
		if !migrated {
			keys = append(keys, legacyLinkKey(id))
		}
	}
	items, err := r.getAllConcurrently(ctx, keys)
	if err != nil {
		return nil, err
	}
	var found []*onboarding.Link
	for _, id := range ids {
		link, err := r.linkOf(id, items)
		if err != nil {
			return nil, err
		}
		if link != nil {
			found = append(found, link)
		}
	}
	if err := r.newSetReader().resolveSets(ctx, found...); err != nil {
		return nil, err
	}
	links := make(map[string]onboarding.Link, len(found))
	for _, link := range found {
		links[link.CustomerID] = *link
	}
	return links, nil
}

// linkOf returns the link of a customer among items, or nil if it is not among them.
func (r *Registry) linkOf(id string, items map[key]item) (*onboarding.Link, error) {
	if i := items[r.partitioning().linkKey(id)]; i != nil {
		link, err := r.decodeLink(i)
		if err == nil {
			link, err = r.bind(link, items[bindingKey(id)])
		}
		return &link, err
	}
	if i := items[legacyLinkKey(id)]; i != nil && !isTombstone(i) {
		link, err := r.decodeLegacyLink(i)
		return &link, err
	}
	return nil, nil
}

// getAllConcurrently is getAll with concurrent calls.
func (r *Registry) getAllConcurrently(ctx context.Context, keys []key) (map[key]item, error) {
	if len(keys) <= batchSize {
		return r.getAll(ctx, keys...)
	}
	var mu sync.Mutex
	all := make(map[key]item, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxConcurrentCalls)
	for some := range slices.Chunk(keys, batchSize) {
		group.Go(func() error {
			found, err := r.getAll(ctx, some...)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(all, found)
			return err
		})
	}
	return all, group.Wait()
}

// addRegistrations adds the registrations to customers. It reads them by key if the link
// determines the possible accounts, and otherwise by one query for each customer.
func (r *Registry) addRegistrations(ctx context.Context, customers map[string]*onboarding.Customer) error {
	var keys []key
	var many []string
	for id, customer := range customers {
		accounts, known := customer.Link.Accounts()
		if !known {
			many = append(many, id)
		}
		for _, account := range accounts {
			keys = append(keys, r.partitioning().registrationKey(id, account))
		}
	}
	var mu sync.Mutex
	add := func(i item) error {
		registration, err := r.decodeRegistration(i)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if customer := customers[registration.CustomerID]; customer != nil {
			customer.Registrations = append(customer.Registrations, registration)
		}
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxConcurrentCalls)
	for some := range slices.Chunk(keys, batchSize) {
		group.Go(func() error {
			found, err := r.getAll(ctx, some...)
			for _, i := range found {
				if err == nil {
					err = add(i)
				}
			}
			return err
		})
	}
	for _, id := range many {
		group.Go(func() error { return r.query(ctx, r.partitioning().registrationsOf(id), add) })
	}
	return group.Wait()
}

// registrationsBetween returns the key range of the registrations of all customers from
// first to last, inclusive, in a partition.
func registrationsBetween(partition int, first, last string) keyRange {
	return keyRange{
		partition: registrationPartition(partition),
		above:     customerPrefix + first + "#",
		last:      customerPrefix + last + "$", // the character after the hash sign
	}
}

// sorted returns the customers sorted by ID, and the registrations of each sorted by
// account.
func sorted(found map[string]*onboarding.Customer) []onboarding.Customer {
	customers := make([]onboarding.Customer, 0, len(found))
	for _, id := range slices.Sorted(maps.Keys(found)) {
		customer := *found[id]
		slices.SortFunc(customer.Registrations, func(a, b onboarding.Registration) int {
			return strings.Compare(a.Account.String(), b.Account.String())
		})
		customers = append(customers, customer)
	}
	return customers
}
