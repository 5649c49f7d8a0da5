// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strconv"
	"time"
)

// EventKind is what an event tells others about a customer's role.
type EventKind string

// The kinds of event.
const (
	EventRegistered   EventKind = "registered"   // a role was accepted, for the first time or again
	EventUpdated      EventKind = "updated"      // something about it changed, or it works again
	EventDegraded     EventKind = "degraded"     // it stopped working
	EventOpen         EventKind = "open"         // others may get in: it can be assumed without its external ID
	EventDisconnected EventKind = "disconnected" // the customer has deleted the stack or taken the phone-home out of it, or the vendor given an adopted role up
)

// Event is what others are told of one write of a registration. It is stored
// with that write, in one transaction, and sent afterwards until the event bus has
// taken it.
type Event struct {
	// ID is the same however often the event is sent.
	ID   string
	Kind EventKind
	At   time.Time
	// Sequence grows with every write of the registration: of two events of one
	// registration, the one with the higher number is about the later state.
	Sequence  int64
	Outcome   Outcome            // what happened, as in the history
	RequestID string             // of the phone-home; empty: a proof found it out
	Before    RegistrationStatus // pending: there was none
	After     Registration
}

// EventOf returns the event of a registration that is about to be written over the
// revision that it carries, with its line in the history; nil if nothing
// happened that concerns others.
func EventOf(reg Registration, entry HistoryEntry) *Event {
	kind := EventUpdated
	switch {
	case entry.Outcome == OutcomeSuperseded, entry.Outcome == OutcomeTombstone:
		return nil // of a stack that owns nothing
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
