// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import "time"

// Health returns the registration after a proof outside of any request: a role that
// fails the proof becomes degraded, one that passes it becomes active. The history
// entry is nil if nothing changed.
//
// Only a Delete disconnects. If a Delete came and it is not known whether its answer
// arrived, a refusal confirms it, but only a witnessed one. A role without a stack
// sends no Delete: witnessed refusals for a week mean that the customer has removed
// it.
func Health(reg Registration, proof Proof, now time.Time) (Registration, *HistoryEntry) {
	next, outcome := reg, Outcome("")
	if proof.Outcome != Inconclusive {
		next.Open = proof.Outcome == Open
	}
	switch proof.Outcome {
	case Proven:
		next.Status, next.Reason, outcome = Active, "", OutcomeRestored
		next.DeleteDoubtedAt = time.Time{}
	case Refused:
		switch {
		case !proof.Additional.IsZero(): // the first role exists
			next.Status, next.Reason, outcome = Degraded, reasonOf(proof), OutcomeDegraded
			next.DeleteDoubtedAt = time.Time{}
		case reg.WithoutStack && reg.Status == Degraded && reg.Reason == reasonOf(proof) && proof.Witnessed && !now.Before(reg.ChangedAt.Add(departureAfter)):
			next.Status, next.Reason, outcome = Disconnected, reasonLeft, OutcomeDisconnected
		case reg.DeleteDoubtedAt.IsZero():
			next.Status, next.Reason, outcome = Degraded, reasonOf(proof), OutcomeDegraded
		case proof.Witnessed:
			next.Status, next.Reason, outcome = Disconnected, reasonGone(reg.Stack), OutcomeDisconnected
		}
	case Open:
		next.Status, next.Reason, outcome = Degraded, reasonOf(proof), OutcomeFoundOpen
		next.DeleteDoubtedAt = time.Time{} // the role exists
	case Inconclusive:
	}
	if !reg.Live() || next.Status == reg.Status && next.Reason == reg.Reason && next.Open == reg.Open {
		return reg, nil
	}
	next.ChangedAt = now
	if next.Status == Active {
		next.ProvenAt = now
	}
	return next, &HistoryEntry{
		At:         now,
		CustomerID: reg.CustomerID,
		Account:    reg.Account,
		Stack:      reg.Stack,
		LogicalID:  reg.LogicalID,
		Outcome:    outcome,
		Before:     reg.Status,
		Status:     next.Status,
		Detail:     next.Reason,
	}
}
