// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package hubview provides the view of a hub that the resources, data sources and
// ephemeral resources of one Terraform operation share. A [View] reads the hub's
// record and its customers once for all of them, and also contains what the
// operation itself has written. [Planned] stores what was planned in this process,
// a [Waiter] waits for customers, and an [Upkeep] makes repairs once in an operation.
//
// The package does not depend on schemas, models or diagnostics: it returns errors,
// and the provider turns them into diagnostics. A view is not used after its
// operation.
package hubview

import (
	"context"
	"crypto/rand"
	"errors"
	"path"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// maxReadAge is how long a read of a hub is reused, so that all resources of one
// refresh share it. A view is discarded after the operation in any case.
const maxReadAge = 30 * time.Second

// Config are the values of the provider's configuration that a view uses.
type Config struct {
	Clients *awsclient.Clients
	Clock   func() time.Time
	// Console is the address that launch links begin with; if empty, the AWS
	// console's.
	Console string
	// ProveRoles makes the first read of the customers in each operation prove their
	// roles again.
	ProveRoles bool
	// PollInterval is the time between two reads of the registry by a waiter.
	PollInterval time.Duration
	// Hub are options of the hub's manager.
	Hub []hub.Option
}

// View is one hub for one operation.
type View struct {
	Name     string
	Hub      *hub.Manager
	Registry *registry.Registry

	Planned *Planned
	Sets    *Sets
	Fleets  *Fleets
	Waiter  *Waiter
	Upkeep  *Upkeep

	config       Config
	records      shared[registry.HubRecord]
	customers    shared[map[string]onboarding.Customer]
	beats        shared[time.Time]
	templates    shared[map[string]bool]
	otherRegions struct {
		once    sync.Once
		regions []account.Region
		err     error
	}

	written atomic.Bool // this operation has written the hub or a link, or deleted the hub

	mu              sync.Mutex
	writtenHub      registry.HubRecord
	writtenLinks    map[string]onboarding.Link
	cachedCustomers map[string]cachedCustomer
	closed          map[string]bool // customers whose links this operation has closed
	index           index           // of the customers that were read last
}

// New returns the view of a hub. It reads nothing.
func New(name string, config Config) (*View, error) {
	opened, err := hub.New(config.Clients, name, config.Clock, rand.Reader, config.Hub...)
	if err != nil {
		return nil, err
	}
	v := &View{
		Name:            name,
		Hub:             opened,
		Registry:        opened.Registry(),
		Planned:         newPlanned(),
		config:          config,
		writtenLinks:    map[string]onboarding.Link{},
		cachedCustomers: map[string]cachedCustomer{},
		closed:          map[string]bool{},
	}
	v.records = shared[registry.HubRecord]{now: config.Clock, maxAge: maxReadAge, read: v.Registry.HubAndKey}
	v.customers = shared[map[string]onboarding.Customer]{now: config.Clock, maxAge: maxReadAge, read: v.readCustomers}
	v.beats = shared[time.Time]{now: config.Clock, maxAge: maxReadAge, read: v.Registry.LastBeat}
	v.templates = shared[map[string]bool]{now: config.Clock, maxAge: maxReadAge, read: v.readTemplates}
	v.Sets, v.Fleets = newSets(v), NewFleets()
	v.Waiter = newWaiter(v)
	v.Upkeep = &Upkeep{view: v}
	return v, nil
}

// Clients returns the AWS clients for the hub.
func (v *View) Clients() *awsclient.Clients { return v.config.Clients }

// Console returns the address that launch links begin with; empty for the AWS
// console's.
func (v *View) Console() string { return v.config.Console }

// Now returns the time by the provider's clock.
func (v *View) Now() time.Time { return v.config.Clock() }

// Record returns the hub's record. The error is registry.ErrNoHub if the hub
// definitely doesn't exist.
func (v *View) Record(ctx context.Context) (registry.HubRecord, error) {
	record, err := v.records.get(ctx)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err == nil && v.writtenHub.Revision > record.Revision {
		return v.writtenHub, nil
	}
	return record, err
}

// RecordAfterApply returns the hub's record as it will be after this operation: the
// planned record, otherwise the stored one. It returns false if the hub definitely
// doesn't exist yet, or if part of its record isn't known; any other failure to read
// it is an error.
func (v *View) RecordAfterApply(ctx context.Context) (registry.HubRecord, bool, error) {
	switch planned := v.Planned.hubPlan(); {
	case planned.New, planned.Partial:
		return registry.HubRecord{}, false, nil
	case planned.known:
		return planned.Record, true, nil
	}
	record, err := v.Record(ctx)
	if errors.Is(err, registry.ErrNoHub) {
		return registry.HubRecord{}, false, nil
	}
	return record, err == nil, err
}

// RecordOfMove returns the hub's record as it will be after this operation; false if
// the operation changes no value of the hub that templates contain.
func (v *View) RecordOfMove() (registry.HubRecord, bool) {
	planned, moves := v.Planned.hubMove()
	if !moves || planned.known {
		return planned.Record, moves
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.writtenHub, true
}

// HasTemplate reports whether the hub's bucket has a template, given its address. It
// uses the listing that the whole operation shares.
func (v *View) HasTemplate(ctx context.Context, address string) (bool, error) {
	all, err := v.templates.get(ctx)
	return all[path.Base(address)], err
}

// index finds customers of one read without a search through all of them, which each of
// thousands of links would make.
type index struct {
	of           uintptr // identifies the read
	byAccount    map[account.ID][]string
	byExternalID map[account.ExternalID][]string
}

func indexOf(read map[string]onboarding.Customer) index {
	x := index{reflect.ValueOf(read).Pointer(), map[account.ID][]string{}, map[account.ExternalID][]string{}}
	for id, c := range read {
		accounts := map[account.ID]bool{c.Link.Account: true, c.Link.Bound: true}
		for _, r := range c.Live() {
			accounts[r.Account] = true
		}
		for of := range accounts {
			x.byAccount[of] = append(x.byAccount[of], id)
		}
		x.byExternalID[c.Link.ExternalID] = append(x.byExternalID[c.Link.ExternalID], id)
	}
	return x
}

// indexed returns the customers as read, with their index.
func (v *View) indexed(ctx context.Context) (map[string]onboarding.Customer, index, error) {
	read, err := v.customers.get(ctx)
	if err != nil {
		return nil, index{}, v.orNoHub(ctx, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.index.of != reflect.ValueOf(read).Pointer() {
		v.index = indexOf(read)
	}
	return read, v.index, nil
}

// InAccount returns the other customers whose link names an account or is bound to it,
// or who have a live stack in it.
func (v *View) InAccount(ctx context.Context, in account.ID, customer string) ([]onboarding.Customer, error) {
	read, index, err := v.indexed(ctx)
	var all []onboarding.Customer
	for _, id := range index.byAccount[in] {
		if id != customer {
			all = append(all, read[id])
		}
	}
	return all, err
}

// OwnersOfExternalID returns the other customers whose link has an external ID.
func (v *View) OwnersOfExternalID(ctx context.Context, externalID account.ExternalID, customer string) ([]string, error) {
	_, index, err := v.indexed(ctx)
	return slices.DeleteFunc(slices.Sorted(slices.Values(index.byExternalID[externalID])), func(id string) bool { return id == customer }), err
}

// OtherRegions returns the other Regions with a hub of the same name, as
// hub.Manager.OtherRegions does. It is read once in an operation, even if that fails.
func (v *View) OtherRegions(ctx context.Context) ([]account.Region, error) {
	v.otherRegions.once.Do(func() { v.otherRegions.regions, v.otherRegions.err = v.Hub.OtherRegions(ctx) })
	return v.otherRegions.regions, v.otherRegions.err
}

func (v *View) readTemplates(ctx context.Context) (map[string]bool, error) {
	record, err := v.Record(ctx)
	if err != nil {
		return nil, err
	}
	names, err := v.Hub.TemplateNames(ctx, record)
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all, err
}

// orNoHub returns registry.ErrNoHub if that is the reason why listing customers
// failed, and err otherwise: Terraform must treat a missing table differently from a
// missing customer.
func (v *View) orNoHub(ctx context.Context, err error) error {
	if _, hubErr := v.Record(ctx); errors.Is(hubErr, registry.ErrNoHub) {
		return hubErr
	}
	return err
}

// registrarTimeout is the time without a heartbeat after which a registrar counts as stopped.
// Registrars send one every minute.
const registrarTimeout = 5 * time.Minute

// RegistrarAlive reports whether a registrar of the hub has sent a heartbeat recently.
// It also returns true if the heartbeats can't be read.
func (v *View) RegistrarAlive(ctx context.Context) bool {
	last, err := v.beats.get(ctx)
	return err != nil || v.Now().Sub(last) < registrarTimeout
}

// SawHub shares a record that was read elsewhere, at readAt.
func (v *View) SawHub(record registry.HubRecord, readAt time.Time) { v.records.put(record, readAt) }

// WroteHub shares a record that this operation wrote with the rest of the operation.
// The later write counts, in whichever order two are reported.
func (v *View) WroteHub(record registry.HubRecord) {
	v.written.Store(true)
	v.mu.Lock()
	if record.Revision >= v.writtenHub.Revision {
		v.writtenHub = record
	}
	v.mu.Unlock()
	v.Planned.hubApplied()
}

// WroteLink shares a link that this operation wrote with the rest of the operation. If
// the operation wrote the link at two addresses, of which one closes it, the later
// write counts, in whichever order they are reported.
func (v *View) WroteLink(link onboarding.Link) {
	v.written.Store(true)
	v.mu.Lock()
	defer v.mu.Unlock()
	if before, is := v.writtenLinks[link.CustomerID]; is && before.Revision > link.Revision {
		return
	}
	v.writtenLinks[link.CustomerID] = link
}

// ClosedLink is WroteLink for a link that this operation has closed.
func (v *View) ClosedLink(link onboarding.Link) {
	v.WroteLink(link)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed[link.CustomerID] = true
}

// WroteOrClosedLink is WroteLink or ClosedLink, by the link's status.
func (v *View) WroteOrClosedLink(link onboarding.Link) {
	if link.Closed {
		v.ClosedLink(link)
		return
	}
	v.WroteLink(link)
}

// HasWritten reports whether this operation has written to the hub.
func (v *View) HasWritten() bool { return v.written.Load() || v.Sets.hasWritten() }

// HasClosed reports whether this operation has closed the customer's link.
func (v *View) HasClosed(customer string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.closed[customer]
}

// DeletedHub discards everything that was read or planned for a hub that this
// operation has deleted, because a hub of the same name may be created next.
func (v *View) DeletedHub() {
	v.written.Store(true)
	v.mu.Lock()
	v.writtenHub = registry.HubRecord{}
	clear(v.writtenLinks)
	clear(v.cachedCustomers)
	clear(v.closed)
	v.mu.Unlock()
	v.Planned.hubApplied()
	v.Sets.clear()
	v.Forget()
}

// Forget makes the next calls read again: after a conflict, or before a decision that
// must not depend on data that may be 30 seconds old.
func (v *View) Forget() {
	v.records.forget()
	v.customers.forget()
	v.mu.Lock()
	clear(v.cachedCustomers)
	v.mu.Unlock()
	v.Sets.forget()
}
