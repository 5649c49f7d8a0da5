// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// The first release stored all links and registrations in one partition, which vendor
// and registrar both wrote, the binding of a link in the link's item, and the key in
// the hub's item. Migrate moves such a table to the current layout, record by record.
// During the migration every record is in one of two places: the current one has
// precedence, and the former one is valid only if it has no tombstone. A record is
// written to the place from which it was read, and a first registration to the place of
// its link. So registrars work before and during the migration.

// currentLayoutVersion is the current layout in the hub's item. Tables of the first
// release have no layout attribute.
const currentLayoutVersion = 2

// layout is the state of a table's migration.
type layout int

const (
	legacyLayout   layout = iota // no customers, or some, are migrated
	settlingLayout               // all customers are migrated, but an older process may still write some
	currentLayout                // the table has the current layout only
)

// readLayout returns the layout that the hub's item records, and caches it. A nil item
// means that the hub does not exist and the table is empty. A table can return to the
// former layout only if an older one is restored in its place.
func (r *Registry) readLayout(hub item) layout {
	r.partitions.Store(int64(partitioningOf(hub)))
	switch {
	case hub == nil:
		r.migrated.Store(false)
		return currentLayout
	case numberOf(hub, "layout") < currentLayoutVersion:
		r.migrated.Store(false)
		return legacyLayout
	case hub["settling"] != nil:
		return settlingLayout
	}
	r.migrated.Store(true)
	return currentLayout
}

// isMigrated reports whether all customers are migrated from the first release's
// layout. Once they are, it makes no call.
func (r *Registry) isMigrated(ctx context.Context) (bool, error) {
	if r.migrated.Load() {
		return true, nil
	}
	hub, err := r.get(ctx, hubKey)
	if err != nil {
		return false, err
	}
	return r.readLayout(hub) != legacyLayout, nil
}

const legacyPartition = "CUSTOMERS"

func legacyPrefix(customer string) string { return "CUSTOMER#" + customer + "/" }

func legacyLinkKey(customer string) key { return key{legacyPartition, legacyPrefix(customer) + "LINK"} }

func legacyRegistrationKey(customer string, id account.ID) key {
	return key{legacyPartition, legacyPrefix(customer) + "ACCOUNT#" + id.String()}
}

func isLegacyLink(i item) bool { return strings.HasSuffix(textOf(i, "sk"), "/LINK") }

// legacyLink is a link with its binding, as stored by the first release.
type legacyLink struct {
	onboarding.Link
	Bound       account.ID              `json:",omitzero"`
	Reservation *onboarding.Reservation `json:",omitempty"`
}

func (r *Registry) decodeLegacyLink(i item) (onboarding.Link, error) {
	stored, err := decode[legacyLink](r, keyOf(i), i)
	link := stored.Link
	link.Bound, link.Reservation = stored.Bound, stored.Reservation
	link.Revision, link.Legacy = numberOf(i, "revision"), true
	return link, err
}

// legacyLinkWrite returns the write of a link that a registrar has bound or reserved,
// on the condition that it still has the revision that was read.
func (r *Registry) legacyLinkWrite(link onboarding.Link) (types.TransactWriteItem, error) {
	condition, values := revisionCondition(link.Revision)
	link.Revision++
	written, err := encode(legacyLinkKey(link.CustomerID), legacyLink{link, link.Bound, link.Reservation})
	if err != nil {
		return types.TransactWriteItem{}, err
	}
	written["revision"] = number(link.Revision)
	written["external_id"] = text(link.ExternalID.String())
	return r.putWrite(written, condition, values), nil
}

// legacyLinkCheck returns a check that a link is unchanged in the former place. It is
// used for the first registration of an account, which is written in the same place.
func (r *Registry) legacyLinkCheck(link onboarding.Link) types.TransactWriteItem {
	condition, values := revisionCondition(link.Revision)
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: legacyLinkKey(link.CustomerID).item(),
		ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}
}

// tombstoneRevision is the revision of tombstones. No record has it, so that no write on
// the condition of a migrated record's revision succeeds.
const tombstoneRevision = -1

// tombstoneLifetime is how long tombstones are kept. Older releases take a tombstone
// for a record of a newer release, and ask to be upgraded.
const tombstoneLifetime = 30 * 24 * time.Hour

func (r *Registry) tombstone(k key) item {
	i := k.item()
	i["schema"], i["revision"] = number(schema), number(tombstoneRevision)
	i["expires"] = unixTime(r.now().Add(tombstoneLifetime))
	return i
}

func isTombstone(i item) bool { return numberOf(i, "revision") == tombstoneRevision }

// legacyCustomers returns the customers that are in the first release's place, by ID.
// Some may have registrations there but no link.
func (r *Registry) legacyCustomers(ctx context.Context) (map[string]*onboarding.Customer, error) {
	found := map[string]*onboarding.Customer{}
	of := func(id string) *onboarding.Customer {
		if found[id] == nil {
			found[id] = &onboarding.Customer{}
		}
		return found[id]
	}
	err := r.query(ctx, allOf(legacyPartition), func(i item) error {
		switch {
		case isTombstone(i):
			return nil
		case isLegacyLink(i):
			link, err := r.decodeLegacyLink(i)
			of(link.CustomerID).Link = link
			return err
		}
		registration, err := r.decodeRegistration(i)
		registration.Legacy = true
		customer := of(registration.CustomerID)
		customer.Registrations = append(customer.Registrations, registration)
		return err
	})
	if awsclient.IsAccessDenied(err) {
		err = r.notMigrated(err)
	}
	return found, err
}

// notMigrated returns err with the explanation that a policy of this release does not
// allow reading a table of the first release.
func (r *Registry) notMigrated(err error) error {
	return fmt.Errorf("table %s has the layout of the first release of xacct, which this policy does not cover: "+
		"apply the hub with this release of the provider, which migrates the table: %w", r.table, err)
}

// customersDuringMigration returns all customers of a table whose migration is not
// complete. The former place is read first, so that a customer that is migrated
// meanwhile is not missed.
func (r *Registry) customersDuringMigration(ctx context.Context) ([]onboarding.Customer, error) {
	all, err := r.legacyCustomers(ctx)
	if err != nil {
		return nil, err
	}
	sets := r.newSetReader()
	for n := range int(r.partitioning()) {
		for items, err := range r.pages(ctx, allOf(linkPartition(n))) {
			if err != nil {
				return nil, err
			}
			moved, err := r.joined(ctx, n, items, sets)
			if err != nil {
				return nil, err
			}
			for _, customer := range moved {
				id := customer.Link.CustomerID
				if before := all[id]; before != nil {
					customer.Registrations = withLegacy(customer.Registrations, before.Registrations)
				}
				all[id] = &customer
			}
		}
		// Registrations of customers whose links are not migrated yet.
		err := r.query(ctx, allOf(registrationPartition(n)), func(i item) error {
			registration, err := r.decodeRegistration(i)
			if customer := all[registration.CustomerID]; customer != nil && customer.Link.Legacy {
				customer.Registrations = withLegacy([]onboarding.Registration{registration}, customer.Registrations)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for id, customer := range all {
		if customer.Link.CustomerID == "" {
			delete(all, id)
		}
	}
	return sorted(all), nil
}

// withLegacy returns registrations together with the former registrations of accounts
// that are not among them.
func withLegacy(registrations, formers []onboarding.Registration) []onboarding.Registration {
	there := map[account.ID]bool{}
	for _, registration := range registrations {
		there[registration.Account] = true
	}
	for _, registration := range formers {
		if !there[registration.Account] {
			registrations = append(registrations, registration)
		}
	}
	return registrations
}

// selectLegacy returns the customers that Select returns, and walkLegacy yields those
// of Walk, for a table that is not migrated. They read all customers, which is
// acceptable because a migration takes minutes, once in the life of a hub.
func (r *Registry) selectLegacy(ctx context.Context, ids []string, err error) ([]onboarding.Customer, error) {
	if err != nil {
		return nil, err
	}
	all, err := r.customersDuringMigration(ctx)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	var some []onboarding.Customer
	for _, customer := range all {
		if wanted[customer.Link.CustomerID] {
			some = append(some, customer)
		}
	}
	return some, nil
}

func (r *Registry) walkLegacy(ctx context.Context, part Part, err error, yield func(onboarding.Customer, error) bool) {
	var all []onboarding.Customer
	if err == nil {
		all, err = r.customersDuringMigration(ctx)
	}
	if err != nil {
		yield(onboarding.Customer{}, fmt.Errorf("read the customers of hub %s: %w", r.hub, err))
		return
	}
	for _, customer := range all {
		if customer.Link.CustomerID > part.After && !yield(customer, nil) {
			return
		}
	}
}
