// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// unsettledLong is how long proofs of a role must have been inconclusive before the
// vendor reads about it: throttling ends sooner.
const unsettledLong = time.Minute

// WaitingEntry returns the history entry of a request that waits for the proof of its
// role; nil if it needs none. If the customer is being connected, it needs one as
// soon as the first proof has failed, so that the customer's page shows that the
// stack has phoned home. The entry has a cause if there is one that the vendor can do
// something about; then a registered role gets an entry too.
func WaitingEntry(c Case, d Decision, now time.Time) *HistoryEntry {
	proof, tried := c.Proofs[d.Probe.Role]
	if !tried || proof.Outcome == Proven {
		return nil
	}
	cause := causeOfWaiting(proof, now.Sub(c.Request.SentAt))
	if cause == "" && (c.Request.Type == phonehome.Delete || c.Registration != nil && c.Registration.Live()) {
		return nil
	}
	entry := UnappliedEntry(c, d.Outcome, cause, now)
	if entry != nil {
		entry.Waiting = true
	}
	return entry
}

// causeOfWaiting returns the cause that the vendor can do something about. It is
// empty if a proof fails as it does in the first seconds of a role, or has failed for
// too short a time to tell.
func causeOfWaiting(proof Proof, age time.Duration) string {
	switch {
	case proof.Outcome != Inconclusive:
		return ""
	case proof.MissingPermission != "":
		return proof.MissingPermission
	case age >= unsettledLong && proof.Err != nil:
		return "AWS does not say whether the role can be assumed: " + strings.Join(strings.Fields(proof.Err.Error()), " ")
	}
	return ""
}

// UnappliedEntry returns the history entry of a request that changed nothing and was not
// answered FAILED: it is waiting, or its answer was given up. It returns nil if the
// request belongs to no customer.
//
// The entry is written although it is not proven that the request is
// CloudFormation's. That is safe because the entry describes a problem on the
// vendor's side, changes nothing else, and is limited like refusals are: one entry
// for each kind and day.
func UnappliedEntry(c Case, outcome Outcome, cause string, now time.Time) *HistoryEntry {
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
