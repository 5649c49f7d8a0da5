// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// freshness is how long what was read of a hub may be used. It is for all the
// resources of one refresh to share a read; nothing lives longer than the
// operation anyway.
const freshness = 30 * time.Second

// intake is one hub as one operation sees it. What it holds of the registry is
// read once for all who ask, and what this operation writes itself is seen at
// once. Beside that it remembers what was planned in this process, because a
// plan must build on what will be there and not on what is.
type intake struct {
	session  *session
	name     string
	hub      *hub.Manager
	registry *registry.Registry

	records   shared[registry.HubRecord]
	customers shared[map[string]onboarding.Customer]
	beats     shared[time.Time]

	mu           sync.Mutex
	writtenHub   registry.HubRecord
	writtenLinks map[string]onboarding.Link
	plannedHub   plannedHub
	plannedLinks map[string]plannedLink
	ours         map[string]bool // customers whose links are in Terraform's state

	listener        *listener
	sweptPublishers sync.Once
	sweptTemplates  sync.Once
	proven          sync.Once
}

func newIntake(s *session, name string) (*intake, error) {
	opened, err := hub.New(s.clients, name, s.settings.now, rand.Reader)
	if err != nil {
		return nil, err
	}
	in := &intake{
		session:      s,
		name:         name,
		hub:          opened,
		registry:     opened.Registry(),
		writtenLinks: map[string]onboarding.Link{},
		plannedLinks: map[string]plannedLink{},
		ours:         map[string]bool{},
	}
	in.records = shared[registry.HubRecord]{now: s.settings.now, maxAge: freshness, read: in.registry.Hub}
	in.customers = shared[map[string]onboarding.Customer]{now: s.settings.now, maxAge: freshness, read: in.readCustomers}
	in.beats = shared[time.Time]{now: s.settings.now, maxAge: freshness, read: in.registry.LastBeat}
	in.listener = newListener(in)
	return in, nil
}

func (in *intake) readCustomers(ctx context.Context) (map[string]onboarding.Customer, error) {
	if in.session.proves {
		in.proven.Do(func() { in.prove(ctx) })
	}
	list, err := in.registry.Customers(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]onboarding.Customer, len(list))
	for _, c := range list {
		byID[c.Link.CustomerID] = c
	}
	return byID, nil
}

// sweepPublishers takes the accounts of customers who left long ago off the topics, once
// in an operation, when a link goes: whoever goes now stays for the grace
// period. What it can't do now, the next one will.
func (in *intake) sweepPublishers(ctx context.Context) diag.Diagnostics {
	var diags diag.Diagnostics
	in.sweptPublishers.Do(func() {
		if err := in.hub.Permissions().Sweep(ctx); err != nil {
			diags.AddWarning("Accounts of former customers may still publish",
				"The topics of hub "+in.name+" could not be tidied; the next link that is destroyed will try again. The error was: "+err.Error())
		}
	})
	return diags
}

// sweepTemplates deletes the templates that nobody needs any more, once in an
// operation, when a link changes or goes: that is what puts templates out of
// use, a grace period later.
func (in *intake) sweepTemplates(ctx context.Context) diag.Diagnostics {
	var diags diag.Diagnostics
	in.sweptTemplates.Do(func() {
		if err := in.hub.SweepTemplates(ctx, in.session.now()); err != nil {
			diags.AddWarning("Templates that are out of use are still there",
				"The template bucket of hub "+in.name+" could not be tidied; the next link that changes or is destroyed will try again. The error was: "+err.Error())
		}
	})
	return diags
}

// prove proves the registered roles again and writes down what that shows,
// before they are read. What could not be proven stays as it was; whoever reads
// next sees why in the registry, or in the error that they get themselves.
func (in *intake) prove(ctx context.Context) {
	record, err := in.record(ctx)
	if err == nil {
		_, err = health.Round(ctx, health.Config{
			Registry: in.registry, Prover: registrar.NewProver(in.session.clients, record), Clock: in.session.now,
		})
	}
	if err != nil {
		tflog.Warn(ctx, "The roles of a hub could not be proven again", map[string]any{"hub": in.name, "error": err.Error()})
	}
}

// record is the hub's record; registry.ErrNoHub where it definitely has none.
func (in *intake) record(ctx context.Context) (registry.HubRecord, error) {
	record, err := in.records.get(ctx)
	in.mu.Lock()
	defer in.mu.Unlock()
	if err == nil && in.writtenHub.Revision > record.Revision {
		return in.writtenHub, nil
	}
	return record, err
}

// customer is one customer of the hub, from the query that all share;
// registry.ErrNoLink where the hub is there and the customer is not.
func (in *intake) customer(ctx context.Context, id string) (onboarding.Customer, error) {
	all, err := in.customers.get(ctx)
	if err != nil {
		return onboarding.Customer{}, in.noHubFirst(ctx, err)
	}
	customer, ok := all[id]
	in.mu.Lock()
	defer in.mu.Unlock()
	if written, mine := in.writtenLinks[id]; mine && written.Revision > customer.Link.Revision {
		customer.Link, ok = written, true
	}
	if !ok {
		return onboarding.Customer{}, registry.ErrNoLink
	}
	return customer, nil
}

// all are all customers of the hub, by ID.
func (in *intake) all(ctx context.Context) (map[string]onboarding.Customer, error) {
	read, err := in.customers.get(ctx)
	if err != nil {
		return nil, in.noHubFirst(ctx, err)
	}
	all := make(map[string]onboarding.Customer, len(read))
	for id, customer := range read {
		all[id] = customer
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for id, written := range in.writtenLinks {
		if c := all[id]; written.Revision > c.Link.Revision {
			c.Link = written
			all[id] = c
		}
	}
	return all, nil
}

// noHubFirst turns the failure to list customers into registry.ErrNoHub where
// that is the reason, because "no such table" and "no such customer" are two
// very different things to Terraform.
func (in *intake) noHubFirst(ctx context.Context, err error) error {
	if _, hubErr := in.record(ctx); errors.Is(hubErr, registry.ErrNoHub) {
		return hubErr
	}
	return err
}

// sawHub, wroteHub and wroteLink make what this operation knows first-hand
// visible to the rest of it.
func (in *intake) sawHub(record registry.HubRecord, readAt time.Time) { in.records.put(record, readAt) }

func (in *intake) wroteHub(record registry.HubRecord) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.writtenHub = record
	in.plannedHub = plannedHub{} // what was planned is done
}

func (in *intake) wroteLink(link onboarding.Link) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.writtenLinks[link.CustomerID] = link
}

// forget makes the next look a fresh one: after a conflict, or before a decision
// that must not rest on something half a minute old.
func (in *intake) forget() {
	in.records.forget()
	in.customers.forget()
}

// silence is how long nothing was heard of a registrar before we say that
// nobody listens; registrars beat every minute.
const silence = 5 * time.Minute

// listening reports whether somebody answers phone-homes when this operation
// is over. Where that can't be told it is not claimed that nobody does.
func (in *intake) listening(ctx context.Context) bool {
	last, err := in.beats.get(ctx)
	return err != nil || in.session.now().Sub(last) < silence
}

// live are the customer's registrations with a stack behind them.
func live(c onboarding.Customer) []onboarding.Registration {
	var found []onboarding.Registration
	for _, r := range c.Registrations {
		if r.Live() {
			found = append(found, r)
		}
	}
	return found
}
