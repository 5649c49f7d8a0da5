// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import "time"

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
