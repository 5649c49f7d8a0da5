// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// DesiredFleet is a fleet as it is declared, on the hub as it is now or will be.
type DesiredFleet struct {
	Record    registry.HubRecord
	Name      string
	Set       onboarding.PermissionSet
	Region    string
	ExpiresAt string // RFC 3339; empty: never
	Customers map[string]account.ID
	// Version is the minimum version of each customer's external ID; 0: each keeps its
	// own.
	Version int

	// Previous are the customers in the caller's state. It is nil if the caller has no
	// state of the fleet, or replaces the fleet.
	Previous map[string]account.ID
	// Replacing reports whether this operation closes an open link: then the new link may
	// differ from it. Nil means that it closes none.
	Replacing func(onboarding.Link) bool
}

// FleetWrite contains the changes to make for a fleet.
type FleetWrite struct {
	// Links are the resulting links of all customers, including unchanged ones.
	Links map[string]onboarding.Link
	// Changes are the links that have to be written: first those that are closed, then
	// those that are issued or changed.
	Changes []registry.LinkChange
	// Closing are the customers whose links are closed.
	Closing []onboarding.Customer
	// Publishers are the customers whose accounts may need permission to publish.
	Publishers []string
	// TakenOver are the customers whose open links belonged to another fleet, or to none.
	TakenOver []string
	// Rotating are the customers with live stacks whose links get another external ID.
	Rotating []string
	// OwnedByOthers are the customers in the state whose links another owner has taken
	// over. Their links are not changed.
	OwnedByOthers []string
}

// Creating reports whether the caller has no state of the fleet.
func (d DesiredFleet) Creating() bool { return d.Previous == nil }

// Issue returns what to write so that the links of a fleet match the declaration,
// given the registry's records of all customers. Plan and apply both call it. For
// customers whose link is refused it returns the reason, and the write is then
// incomplete.
func (d DesiredFleet) Issue(known map[string]onboarding.Customer, now time.Time) (FleetWrite, map[string]error) {
	w, refused := FleetWrite{Links: make(map[string]onboarding.Link, len(d.Customers))}, map[string]error{}
	w.close(d, known, now)
	for _, id := range slices.Sorted(maps.Keys(d.Customers)) {
		var existing *onboarding.Customer
		if found, there := known[id]; there {
			existing = &found
		}
		if err := w.issue(d, id, existing, now); err != nil {
			refused[id] = err
		}
	}
	return w, refused
}

// close closes the links of customers that are in the state and not in the
// declaration.
func (w *FleetWrite) close(d DesiredFleet, known map[string]onboarding.Customer, now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(d.Previous)) {
		found, there := known[id]
		if _, stays := d.Customers[id]; stays || !there || !found.Link.InFleet(d.Name) {
			continue
		}
		w.end(found, now)
	}
}

// end closes the link of one customer.
func (w *FleetWrite) end(customer onboarding.Customer, now time.Time) {
	link := customer.Link
	link.Closed, link.ClosedAt = true, now
	w.Closing = append(w.Closing, customer)
	w.Changes = append(w.Changes, registry.LinkChange{Before: &customer.Link, Link: link})
}

// issue adds the changes for one customer that is in the declaration.
func (w *FleetWrite) issue(d DesiredFleet, id string, existing *onboarding.Customer, now time.Time) error {
	mine := existing != nil && existing.Link.InFleet(d.Name)
	open := existing != nil && !existing.Link.Closed
	if had, before := d.Previous[id]; open && !mine && before && had == d.Customers[id] {
		w.Links[id] = existing.Link
		w.OwnedByOthers = append(w.OwnedByOthers, id)
		return nil
	}
	desired := d.desiredLink(id, d.Creating() || !mine, open && d.Replacing != nil && d.Replacing(existing.Link))
	if existing != nil && d.Version != 0 {
		desired.Version = max(d.Version, existing.Link.ExternalIDVersion)
	}
	issued, err := desired.Issue(existing)
	if err != nil {
		return err
	}
	link := issued.Link
	link.Incarnation = onboarding.Incarnation{}
	if existing == nil {
		link.CreatedAt = now
	} else {
		link = existing.KeepTemplates(link, now)
	}
	w.Links[id] = link
	if open && issued.Takeover && !mine {
		w.TakenOver = append(w.TakenOver, id)
	}
	if issued.newPublishers(existing) {
		w.Publishers = append(w.Publishers, id)
	}
	if open && existing.Link.SameRecord(link) {
		return nil
	}
	change := registry.LinkChange{Link: link}
	if existing != nil && existing.Link.ExternalID != link.ExternalID && len(existing.Live()) > 0 {
		w.Rotating = append(w.Rotating, id)
	}
	if existing != nil {
		change.Before = &existing.Link
	}
	w.Changes = append(w.Changes, change)
	return nil
}

// desiredLink returns the desired link of one customer of the fleet.
func (d DesiredFleet) desiredLink(id string, creating, replacing bool) Desired {
	return Desired{
		Record: d.Record, CustomerID: id, Owner: onboarding.OwnerTerraform, Fleet: d.Name,
		Scope: Scope{Account: d.Customers[id]}, Set: &d.Set, Version: d.Version, Creating: creating, Replacing: replacing,
		Declaration: declaration.Declaration{StackName: StackNameOf(d.Record.Name), Region: d.Region, ExpiresAt: d.ExpiresAt},
	}
}

// StackNameOf returns the stack name that links of a hub propose if the declaration
// has none.
func StackNameOf(hubName string) string { return hubName + "-access" }

// Fleet returns the record of the fleet as it is declared.
func (d DesiredFleet) Fleet() (onboarding.Fleet, error) {
	region, err := account.ParseRegion(d.Region)
	return onboarding.Fleet{
		Hub: d.Record.Name, Name: d.Name, PermissionSet: d.Set.Name, Region: region,
		ExpiresAt: declaration.Declaration{ExpiresAt: d.ExpiresAt}.Expires(),
	}, err
}

// DiffersFrom returns the first attribute in which an open fleet differs from the
// desired one; empty if there is none. Customers that are declared and have no link
// yet are not a difference: an apply may have been interrupted.
func (d DesiredFleet) DiffersFrom(fleet onboarding.Fleet, known map[string]onboarding.Customer) string {
	wanted, err := d.Fleet()
	switch {
	case err != nil || wanted.Region != fleet.Region:
		return "region"
	case wanted.PermissionSet != fleet.PermissionSet:
		return "permission_set"
	case !wanted.ExpiresAt.Equal(fleet.ExpiresAt):
		return "expires_at"
	}
	var more []string
	for id, customer := range known {
		if _, declared := d.Customers[id]; !declared && customer.Link.InFleet(fleet.Name) {
			more = append(more, id)
		}
	}
	if len(more) > 0 {
		slices.Sort(more)
		return fmt.Sprintf("customers, of whom %s too", onboarding.SomeOf(more))
	}
	return ""
}

// End returns what has to be written to close all links of a fleet.
func End(fleet onboarding.Fleet, known map[string]onboarding.Customer, now time.Time) FleetWrite {
	var w FleetWrite
	for _, id := range slices.Sorted(maps.Keys(known)) {
		if found := known[id]; found.Link.InFleet(fleet.Name) {
			w.end(found, now)
		}
	}
	return w
}

// Do writes the links under the fleet's record, which the caller has written before,
// and gives their accounts permission to read templates and to publish. It calls
// saved with each link that was written; after an error, these links remain, and are
// usable.
func (w FleetWrite) Do(ctx context.Context, manager *hub.Manager, record registry.HubRecord, fleet onboarding.Fleet, now time.Time, saved func(onboarding.Link)) error {
	if err := manager.Permissions().AllowReadMany(ctx, record, w.accounts(w.Publishers)); err != nil {
		return err // S3 may refuse the permission, and then nothing is written
	}
	for _, customer := range w.Closing {
		if err := Release(ctx, manager.Registry(), customer, now); err != nil {
			return err
		}
	}
	written, err := manager.Registry().WriteLinks(ctx, fleet, w.Changes)
	for _, link := range written {
		saved(link)
	}
	unwritten := map[string]bool{}
	for _, change := range w.Changes[len(written):] {
		unwritten[change.Link.CustomerID] = true
	}
	publishers := map[int][]account.ID{}
	for _, id := range w.Publishers {
		if link := w.Links[id]; !unwritten[id] {
			publishers[link.Shard] = append(publishers[link.Shard], link.Account)
		}
	}
	return errors.Join(err, manager.Permissions().AllowMany(ctx, publishers))
}

// accounts returns the accounts in the links of customers, in the same order.
func (w FleetWrite) accounts(customers []string) []account.ID {
	ids := make([]account.ID, len(customers))
	for n, id := range customers {
		ids[n] = w.Links[id].Account
	}
	return ids
}
