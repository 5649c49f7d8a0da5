// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// unsettledLong is how long AWS must have left a role undecided for the vendor to read
// of it: a throttle is over before.
const unsettledLong = time.Minute

// NoteWaiting returns the history's line of a request that waits for the proof of
// its role; nil if it needs none. It needs one as soon as the first proof has failed if the
// customer is being connected: their page shows then that the stack has phoned
// home. It has a cause if there is one that the vendor can do something about, and
// then also for a role that is registered.
func NoteWaiting(c Case, d Decision, now time.Time) *HistoryEntry {
	proof, tried := c.Proofs[d.Probe.Role]
	if !tried || proof.Outcome == Proven {
		return nil
	}
	cause := causeOfWaiting(proof, now.Sub(c.Request.SentAt))
	if cause == "" && (c.Request.Type == phonehome.Delete || c.Registration != nil && c.Registration.Live()) {
		return nil
	}
	entry := Note(c, d.Outcome, cause, now)
	if entry != nil {
		entry.Waiting = true
	}
	return entry
}

// causeOfWaiting returns what the vendor can do something about; empty if a proof
// fails as it does in the first seconds of a role, or for too short a time to tell.
func causeOfWaiting(proof Proof, age time.Duration) string {
	switch {
	case proof.Outcome != Inconclusive:
		return ""
	case proof.Lacks != "":
		return proof.Lacks
	case age >= unsettledLong && proof.Err != nil:
		return "AWS does not say whether the role can be assumed: " + strings.Join(strings.Fields(proof.Err.Error()), " ")
	}
	return ""
}

// Note returns the history's line of a request that changed nothing and was not
// answered FAILED either: it waits, or its answer was given up. It is nil if
// the request is no customer's.
//
// It is written although nothing has shown that the request is CloudFormation's.
// That is safe because it records what the vendor's own side has met, changes
// nothing else, and is kept as refusals are: one line for each kind and day.
func Note(c Case, outcome Outcome, cause string, now time.Time) *HistoryEntry {
	customer := newDecider(c, now).customer()
	if customer == "" {
		return nil
	}
	status := Pending
	if c.Registration != nil {
		status = c.Registration.Status
	}
	return &HistoryEntry{
		At:         now,
		CustomerID: customer,
		Account:    c.Request.Stack.Account,
		Stack:      c.Request.Stack,
		LogicalID:  c.Request.LogicalID,
		RequestID:  c.Request.RequestID,
		Request:    c.Request.Type,
		Outcome:    outcome,
		Before:     status,
		Status:     status,
		Cause:      cause,
	}
}
