// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import "time"

// Health says what a proof outside of any request means for a registration:
// a role that no longer proves is degraded, one that proves again is active.
// The history entry is nil where nothing changed. Only a Delete disconnects.
func Health(reg Registration, proof Proof, now time.Time) (Registration, *HistoryEntry) {
	status, reason, outcome := reg.Status, reg.Reason, Outcome("")
	switch proof.Outcome {
	case Proven:
		status, reason, outcome = Active, "", OutcomeRestored
	case Refused, Open:
		status, reason, outcome = Degraded, reasonOf(proof), OutcomeDegraded
	case Inconclusive:
	}
	if !reg.Live() || status == reg.Status && reason == reg.Reason {
		return reg, nil
	}
	before := reg.Status
	reg.Status, reg.Reason, reg.ChangedAt = status, reason, now
	if status == Active {
		reg.ProvenAt = now
	}
	return reg, &HistoryEntry{
		At:         now,
		CustomerID: reg.CustomerID,
		Account:    reg.Account,
		Stack:      reg.Stack,
		LogicalID:  reg.LogicalID,
		Outcome:    outcome,
		Before:     before,
		Status:     status,
		Detail:     reason,
	}
}
