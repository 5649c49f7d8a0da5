// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// The external ID of a live customer rotates without a moment in which the
// registered one does not work: the vendor gives the link a new one, the
// customer's update lets the role accept both, the new one is proven and becomes
// the registered one with the commit, and a later update of the customer's drops
// the one before. If the update is rolled back, the one before is registered again.
//
// New stacks may only have the link's own. The claims of all of them stay the
// customer's, so none is ever issued to another.

// PastExternalID is an external ID that a link had.
type PastExternalID struct {
	ID    account.ExternalID
	Until time.Time // when another one took its place
}

// RotationOverdue is how long after a rotation it is shown that a customer's role
// still accepts the external ID before.
const RotationOverdue = 30 * 24 * time.Hour

// mostPastExternalIDs bounds a link's record.
const mostPastExternalIDs = 20

// pastExternalIDs returns those of the link as it is written over an earlier revision.
// What was known of a customer in an earlier generation opens nothing.
func (l Link) pastExternalIDs(before Link, now time.Time) []PastExternalID {
	if l.Generation != before.Generation {
		return nil
	}
	past := slices.Clone(before.PastExternalIDs)
	if before.ExternalID != l.ExternalID && !before.ExternalID.IsZero() {
		past = append(past, PastExternalID{before.ExternalID, now})
	}
	past = slices.DeleteFunc(past, func(p PastExternalID) bool { return p.ID == l.ExternalID })
	return past[max(0, len(past)-mostPastExternalIDs):]
}

// hadExternalID reports whether the link had an external ID before its own.
func (l Link) hadExternalID(id string) bool {
	return slices.ContainsFunc(l.PastExternalIDs, func(p PastExternalID) bool { return p.ID.String() == id })
}

// hasExternalID reports whether an external ID is the link's, or was before a
// rotation.
func (l Link) hasExternalID(id account.ExternalID) bool {
	return id == l.ExternalID || l.hadExternalID(id.String())
}

// Rotating reports whether the customer's role is registered with an external ID
// that is not the link's any more: an update of the stack changes it.
func (r Registration) Rotating(link Link) bool {
	return r.Live() && r.ExternalID != link.ExternalID && link.hasExternalID(r.ExternalID)
}

// PreviousAccepted returns the external ID before the link's own, if the
// customer's role still accepts it.
func (r Registration) PreviousAccepted(link Link) (account.ExternalID, bool) {
	switch {
	case r.Rotating(link):
		return r.ExternalID, true
	case r.Live() && !r.PreviousExternalID.IsZero() && r.PreviousExternalID != link.ExternalID:
		return r.PreviousExternalID, true
	}
	return account.ExternalID{}, false
}

// RotationOverdue returns since when the link has another external ID, if that is
// long ago and the customer's role still accepts the one before.
func (r Registration) RotationOverdue(link Link, now time.Time) (since time.Time, overdue bool) {
	_, accepted := r.PreviousAccepted(link)
	if !accepted || len(link.PastExternalIDs) == 0 {
		return time.Time{}, false
	}
	since = link.PastExternalIDs[len(link.PastExternalIDs)-1].Until
	return since, !now.Before(since.Add(RotationOverdue))
}

// asks returns the external ID that an Update wants its role proven with. ok is
// false unless that is the registered one, or the link's own after a rotation.
func (d decider) asks(owned *Registration) (id account.ExternalID, ok bool) {
	switch asked := d.Request.Properties.ExternalID; {
	case asked == owned.ExternalID.String():
		return owned.ExternalID, true
	case d.Link != nil && asked == d.Link.ExternalID.String() && owned.Rotating(*d.Link) && d.Link.Admits(d.Request.Stack.Account):
		return d.Link.ExternalID, true
	}
	return account.ExternalID{}, false
}

// customers reports whether an external ID is, or was, this customer's.
func (d decider) customers(owned *Registration, id string) bool {
	return id == owned.ExternalID.String() || id == owned.PreviousExternalID.String() ||
		d.Link != nil && (id == d.Link.ExternalID.String() || d.Link.hadExternalID(id))
}

// returnsTo returns the external ID that is in force after a rollback: the one that the
// stack says, if it is this customer's.
func (d decider) returnsTo(owned *Registration) account.ExternalID {
	said := d.Request.Properties.ExternalID
	id, err := account.ParseExternalID(said)
	if err != nil || !d.customers(owned, said) {
		return owned.ExternalID
	}
	return id
}

// previousOf returns what a stack reports as accepted beside its own external ID, if
// the registration or the link knows it as this customer's.
func (c commit) previousOf(reg Registration, p phonehome.Properties) account.ExternalID {
	id, err := account.ParseExternalID(p.PreviousExternalID)
	if err != nil || id == reg.ExternalID {
		return account.ExternalID{}
	}
	d := decider{Case: Case{Snapshot: c.Snapshot}}
	if c.Registration == nil || !d.customers(c.Registration, id.String()) {
		return account.ExternalID{}
	}
	return id
}
