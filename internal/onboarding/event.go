// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strconv"
	"time"
)

// EventKind is the kind of change of a customer's role that an event reports.
type EventKind string

// The kinds of event.
const (
	EventRegistered   EventKind = "registered"   // a role was accepted, for the first time or again
	EventUpdated      EventKind = "updated"      // one of its properties changed, or it works again
	EventDegraded     EventKind = "degraded"     // it stopped working
	EventOpen         EventKind = "open"         // it can be assumed without its external ID, so that other accounts may be able to
	EventDisconnected EventKind = "disconnected" // the customer has deleted the stack or removed the phone-home from it, or the vendor has released an adopted role
)

// Event reports one write of a registration to the vendor's systems. It is stored in
// the same transaction as the write, and sent afterwards until the receiver has
// accepted it.
type Event struct {
	// ID is the same each time the event is sent.
	ID   string
	Kind EventKind
	At   time.Time
	// Sequence increases with every write of the registration: of two events of one
	// registration, the one with the higher number is about the later state.
	Sequence  int64
	Outcome   Outcome            // what happened, as in the history
	RequestID string             // of the phone-home; empty: caused by a proof
	Before    RegistrationStatus // pending: there was no registration
	After     Registration
}

// EventOf returns the event for a registration that is about to be written together
// with a history entry. The registration still has the revision that the write
// replaces. EventOf returns nil if the change is not one of the kinds that are reported.
func EventOf(reg Registration, entry HistoryEntry) *Event {
	kind := EventUpdated
	switch {
	case entry.Outcome == OutcomeSuperseded, entry.Outcome == OutcomeTombstone:
		return nil // of a stack that does not own the registration
	case entry.Outcome == OutcomeRegistered, entry.Outcome == OutcomeAdopted, entry.Outcome == OutcomeRecovered:
		kind = EventRegistered
	case reg.Status == Disconnected:
		kind = EventDisconnected
	case reg.Open && (entry.Outcome == OutcomeFoundOpen || entry.Before != Degraded):
		kind = EventOpen
	case entry.Outcome == OutcomeDegraded, reg.Status == Degraded && entry.Before != Degraded:
		kind = EventDegraded
	}
	reg.Revision++
	return &Event{
		ID: digest("event", reg.Hub, reg.CustomerID, reg.Account.String(),
			strconv.FormatInt(reg.Revision, 10), entry.At.UTC().Format(time.RFC3339Nano))[:32],
		Kind:      kind,
		At:        entry.At,
		Sequence:  reg.Revision,
		Outcome:   entry.Outcome,
		RequestID: entry.RequestID,
		Before:    entry.Before,
		After:     reg,
	}
}
