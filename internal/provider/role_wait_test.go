// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// The entries are of each type that a stack leaves in the history.
func TestAWaitReportsTheCustomersLastStack(t *testing.T) {
	const where = "The last attempt was stack acme in account 222222222222, at 2026-03-02T12:00:00Z"
	stack, err := account.ParseStackARN("arn:aws:cloudformation:us-east-1:222222222222:stack/acme/5f0e1a40-0000-11f1-8000-0123456789ab")
	if err != nil {
		t.Fatal(err)
	}
	for want, last := range map[string]onboarding.HistoryEntry{
		where + ". Its role could not be assumed yet, and is tried again.":                {Waiting: true},
		where + ". It waits for you: a permission lacks":                                  {Waiting: true, Cause: "a permission lacks"},
		where + ". The customer reads: The link has expired.":                             {Refused: true, Detail: "The link has expired."},
		where + ". The customer reads: Your stack is not at fault.\n\na permission lacks": {Refused: true, Detail: "Your stack is not at fault.", Cause: "a permission lacks"},
		"": {Outcome: onboarding.OutcomeRegistered},
	} {
		last.At, last.Stack, last.Account = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), stack, stack.Account
		if got := lastStack(last); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
