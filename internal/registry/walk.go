// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"golang.org/x/sync/errgroup"
)

// Customers returns all customers of the hub, sorted by ID.
func (r *Registry) Customers(ctx context.Context) ([]onboarding.Customer, error) {
	var customers []onboarding.Customer
	for customer, err := range r.Walk(ctx, Part{}) {
		if err != nil {
			return nil, err
		}
		customers = append(customers, customer)
	}
	return customers, nil
}

// Part selects a part of a hub's customers.
type Part struct {
	After string // the customer ID after which the part begins; empty: from the first
	// Limit is approximately how many customers the caller needs, so that not many more
	// are read. Walk yields customers until the caller stops; 0: the caller takes all.
	Limit int
}

// Walk returns an iterator over customers in the order of their IDs. All partitions are
// read concurrently, and each is at most one page ahead of the caller. A customer that
// is added meanwhile may be included or not; each customer is in the state of some
// moment during the walk.
func (r *Registry) Walk(ctx context.Context, part Part) iter.Seq2[onboarding.Customer, error] {
	return func(yield func(onboarding.Customer, error) bool) {
		migrated, err := r.isMigrated(ctx)
		if err != nil || !migrated {
			r.walkLegacy(ctx, part, err, yield)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		readers := errgroup.Group{}
		defer func() { cancel(); _ = readers.Wait() }()
		heads, sets := make([]*head, r.partitioning()), r.newSetReader()
		for n := range heads {
			pages, more := make(chan page), make(chan struct{}, 1)
			heads[n] = &head{pages: pages, more: more}
			readers.Go(func() error { r.readPartition(ctx, n, part, sets, pages, more); return nil })
		}
		for {
			next, err := first(heads)
			if err != nil {
				yield(onboarding.Customer{}, fmt.Errorf("read the customers of hub %s: %w", r.hub, err))
				return
			}
			if next == nil || !yield(next.pop(), nil) {
				return
			}
		}
	}
}

// page contains some customers of a partition, in order of their IDs.
type page struct {
	customers []onboarding.Customer
	err       error
}

// head is the position in a partition that is being read.
type head struct {
	pages     <-chan page     // closed at the partition's end
	more      chan<- struct{} // requests the next page from a reader that does not read ahead
	started   bool
	customers []onboarding.Customer
	ended     bool
}

// fill waits for the next page if no customers are left and the partition has not
// ended.
func (h *head) fill() error {
	for len(h.customers) == 0 && !h.ended {
		if h.started {
			select {
			case h.more <- struct{}{}:
			default: // already requested
			}
		}
		page, more := <-h.pages
		h.started = true
		if page.err != nil {
			return page.err
		}
		h.customers, h.ended = page.customers, !more
	}
	return nil
}

func (h *head) pop() onboarding.Customer {
	customer := h.customers[0]
	h.customers = h.customers[1:]
	return customer
}

// first returns the head with the next customer in order, or nil at the end.
func first(heads []*head) (*head, error) {
	var least *head
	for _, h := range heads {
		if err := h.fill(); err != nil {
			return nil, err
		}
		if len(h.customers) == 0 {
			continue
		}
		if least == nil || strings.Compare(h.customers[0].Link.CustomerID, least.customers[0].Link.CustomerID) < 0 {
			least = h
		}
	}
	return least, nil
}

// readPartition sends the customers of a partition, page by page, until the context is
// done. It reads ahead if all customers are wanted.
func (r *Registry) readPartition(ctx context.Context, n int, part Part, sets *setReader, to chan<- page, more <-chan struct{}) {
	defer close(to)
	links := keyRange{partition: linkPartition(n), above: customerPrefix + part.After}
	if part.Limit > 0 {
		links.itemsAtOnce = int32(min(part.Limit/int(r.partitioning())+1, 1000))
	}
	for items, err := range r.pages(ctx, links) {
		var next page
		if next.err = err; err == nil {
			next.customers, next.err = r.joined(ctx, n, items, sets)
		}
		select {
		case to <- next:
		case <-ctx.Done():
			return
		}
		if next.err != nil {
			return
		}
		if part.Limit > 0 {
			select {
			case <-more:
			case <-ctx.Done():
				return
			}
		}
	}
}

// joined returns the customers of a page of links, with their permission sets, bindings
// and registrations.
func (r *Registry) joined(ctx context.Context, n int, items []item, sets *setReader) ([]onboarding.Customer, error) {
	customers := make([]onboarding.Customer, len(items))
	byID := make(map[string]*onboarding.Customer, len(items))
	var anyones []key
	for at, i := range items {
		link, err := r.decodeLink(i)
		if err != nil {
			return nil, err
		}
		customers[at].Link = link
		byID[link.CustomerID] = &customers[at]
		if link.Scope == onboarding.ScopeAnyone {
			anyones = append(anyones, bindingKey(link.CustomerID))
		}
	}
	if len(items) == 0 {
		return nil, nil
	}
	if err := sets.resolveSets(ctx, linksOf(customers)...); err != nil {
		return nil, err
	}
	bindings, err := r.getAllConcurrently(ctx, anyones)
	if err != nil {
		return nil, err
	}
	for _, i := range bindings {
		customer := byID[strings.TrimPrefix(textOf(i, "pk"), "BOUND#")]
		if customer.Link, err = r.bind(customer.Link, i); err != nil {
			return nil, err
		}
	}
	between := registrationsBetween(n, customers[0].Link.CustomerID, customers[len(customers)-1].Link.CustomerID)
	err = r.query(ctx, between, func(i item) error {
		registration, err := r.decodeRegistration(i)
		if customer := byID[registration.CustomerID]; err == nil && customer != nil {
			customer.Registrations = append(customer.Registrations, registration)
		}
		return err
	})
	return customers, err
}

func linksOf(customers []onboarding.Customer) []*onboarding.Link {
	links := make([]*onboarding.Link, len(customers))
	for n := range customers {
		links[n] = &customers[n].Link
	}
	return links
}
