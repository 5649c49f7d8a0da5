// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// The external ID of a live customer rotates so that the registered external ID works
// at every moment. The vendor gives the link a new one, an update of the customer's
// stack makes the role accept both, the new one is proven and becomes the registered
// one with the commit, and a later update of the stack drops the previous one. If the
// update is rolled back, the previous one is registered again.
//
// New stacks must use the link's current external ID. The claims of all external IDs
// remain with the customer, so none of them is ever issued to another customer.

// PastExternalID is an earlier external ID of a link.
type PastExternalID struct {
	ID    account.ExternalID
	Until time.Time // when another one replaced it
}

// RotationOverdue is how long after a rotation a warning shows that a customer's role
// still accepts the previous external ID.
const RotationOverdue = 30 * 24 * time.Hour

// maxPastExternalIDs limits the size of a link's record.
const maxPastExternalIDs = 20

// pastExternalIDs returns the past external IDs of the link as it is written over an
// earlier revision. External IDs of an earlier generation are not included, because
// they must not work any more.
func (l Link) pastExternalIDs(before Link, now time.Time) []PastExternalID {
	if l.Generation != before.Generation {
		return nil
	}
	past := slices.Clone(before.PastExternalIDs)
	if before.ExternalID != l.ExternalID && !before.ExternalID.IsZero() {
		past = append(past, PastExternalID{before.ExternalID, now})
	}
	past = slices.DeleteFunc(past, func(p PastExternalID) bool { return p.ID == l.ExternalID })
	return past[max(0, len(past)-maxPastExternalIDs):]
}

// hadExternalID reports whether an external ID is one of the link's past ones.
func (l Link) hadExternalID(id string) bool {
	return slices.ContainsFunc(l.PastExternalIDs, func(p PastExternalID) bool { return p.ID.String() == id })
}

// hasExternalID reports whether an external ID is the link's current one, or a past
// one.
func (l Link) hasExternalID(id account.ExternalID) bool {
	return id == l.ExternalID || l.hadExternalID(id.String())
}

// Rotating reports whether the customer's role is registered with a past external ID
// of the link: an update of the stack changes that.
func (r Registration) Rotating(link Link) bool {
	return r.Live() && r.ExternalID != link.ExternalID && link.hasExternalID(r.ExternalID)
}

// PreviousAccepted returns the previous external ID of the link if the customer's
// role still accepts it; otherwise false.
func (r Registration) PreviousAccepted(link Link) (account.ExternalID, bool) {
	switch {
	case r.Rotating(link):
		return r.ExternalID, true
	case r.Live() && !r.PreviousExternalID.IsZero() && r.PreviousExternalID != link.ExternalID:
		return r.PreviousExternalID, true
	}
	return account.ExternalID{}, false
}

// RotationOverdue returns when the link's external ID was rotated, and true if that
// was more than RotationOverdue ago and the customer's role still accepts the
// previous one.
func (r Registration) RotationOverdue(link Link, now time.Time) (since time.Time, overdue bool) {
	_, accepted := r.PreviousAccepted(link)
	if !accepted || len(link.PastExternalIDs) == 0 {
		return time.Time{}, false
	}
	since = link.PastExternalIDs[len(link.PastExternalIDs)-1].Until
	return since, !now.Before(since.Add(RotationOverdue))
}

// requestedExternalID returns the external ID with which an Update wants its role
// proven. ok is false unless it is the registered one, or the link's own after a
// rotation.
func (d decider) requestedExternalID(owned *Registration) (id account.ExternalID, ok bool) {
	switch asked := d.Request.Properties.ExternalID; {
	case asked == owned.ExternalID.String():
		return owned.ExternalID, true
	case d.Link != nil && asked == d.Link.ExternalID.String() && owned.Rotating(*d.Link) && d.Link.Admits(d.Request.Stack.Account):
		return d.Link.ExternalID, true
	}
	return account.ExternalID{}, false
}

// isCustomersExternalID reports whether an external ID is or was one of this customer's.
func (d decider) isCustomersExternalID(owned *Registration, id string) bool {
	return id == owned.ExternalID.String() || id == owned.PreviousExternalID.String() ||
		d.Link != nil && (id == d.Link.ExternalID.String() || d.Link.hadExternalID(id))
}

// externalIDAfterRollback returns the external ID that is in force after a rollback:
// the one that the stack reports, if it is one of this customer's.
func (d decider) externalIDAfterRollback(owned *Registration) account.ExternalID {
	said := d.Request.Properties.ExternalID
	id, err := account.ParseExternalID(said)
	if err != nil || !d.isCustomersExternalID(owned, said) {
		return owned.ExternalID
	}
	return id
}

// previousOf returns the external ID that a stack reports as accepted beside its own,
// if according to the registration or the link it is one of this customer's.
func (c commit) previousOf(reg Registration, p phonehome.Properties) account.ExternalID {
	id, err := account.ParseExternalID(p.PreviousExternalID)
	if err != nil || id == reg.ExternalID {
		return account.ExternalID{}
	}
	d := decider{Case: Case{Snapshot: c.Snapshot}}
	if c.Registration == nil || !d.isCustomersExternalID(c.Registration, id.String()) {
		return account.ExternalID{}
	}
	return id
}
