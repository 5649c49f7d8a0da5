// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"errors"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// The cases are the requests that get a line in the history, and those of them that have a
// cause.
func TestARequestThatWaitsForAProofIsRecordedInTheHistory(t *testing.T) {
	const throttled = "AWS does not say whether the role can be assumed: Throttling: Rate exceeded"
	unsettled := Proof{Outcome: Inconclusive, Err: errors.New("Throttling:\n\tRate exceeded")}
	for name, test := range map[string]struct {
		kind       phonehome.RequestType
		registered bool
		proof      Proof
		age        time.Duration
		noted      bool
		cause      string
	}{
		"a new role that IAM does not know yet":  {kind: phonehome.Create, proof: Proof{Outcome: Refused, Err: errors.New("AccessDenied")}, noted: true},
		"a new role that is still open":          {kind: phonehome.Create, proof: Proof{Outcome: Open}, noted: true},
		"throttling":                             {kind: phonehome.Create, proof: unsettled, noted: true},
		"lasting throttling":                     {kind: phonehome.Create, proof: unsettled, age: unsettledLong, noted: true, cause: throttled},
		"a missing permission":                   {kind: phonehome.Create, proof: Proof{Outcome: Inconclusive, MissingPermission: lacks}, noted: true, cause: lacks},
		"an update of a registered role":         {kind: phonehome.Update, registered: true, proof: Proof{Outcome: Refused}},
		"throttling in an update":                {kind: phonehome.Update, registered: true, proof: unsettled},
		"lasting throttling in an update":        {kind: phonehome.Update, registered: true, proof: unsettled, age: unsettledLong, noted: true, cause: throttled},
		"a missing permission in an update":      {kind: phonehome.Update, registered: true, proof: Proof{Outcome: Inconclusive, MissingPermission: lacks}, noted: true, cause: lacks},
		"a Delete without a registration":        {kind: phonehome.Delete, proof: Proof{Outcome: Refused}},
		"a proven role that waits otherwise":     {kind: phonehome.Create, proof: Proof{Outcome: Proven}},
		"inconclusive for long without an error": {kind: phonehome.Create, proof: Proof{Outcome: Inconclusive}, age: unsettledLong, noted: true},
	} {
		c := Case{Snapshot: Snapshot{Hub: testHub(), Link: testLink(), Stack: Stack{ID: first}}, Request: testRequest(test.kind, first)}
		if test.registered {
			c.Snapshot = registered(first)
		}
		role := c.Link.RoleIn(first.Account, first.Region.Partition())
		waits := Decision{Kind: DecideLater, Outcome: OutcomeSettling, Probe: Probe{Role: role}}
		if entry := WaitingEntry(c, waits, noon); entry != nil {
			t.Errorf("%s: recorded before the first proof: %+v", name, entry)
		}
		c.Proofs = map[account.RoleARN]Proof{}
		c.Proofs[role] = test.proof
		entry := WaitingEntry(c, waits, noon.Add(test.age))
		if (entry != nil) != test.noted {
			t.Errorf("%s: recorded %+v", name, entry)
		}
		if entry != nil && (!entry.Waiting || entry.CustomerID != "c1" || entry.Cause != test.cause || entry.Outcome != OutcomeSettling) {
			t.Errorf("%s: recorded %+v", name, entry)
		}
	}
}
