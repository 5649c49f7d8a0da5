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

// TestARequestThatWaitsForAProofIsNotedForTheCustomersPageAndTheVendor covers which
// requests get a line, and which of the lines have a cause.
func TestARequestThatWaitsForAProofIsNotedForTheCustomersPageAndTheVendor(t *testing.T) {
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
		"a throttle":                             {kind: phonehome.Create, proof: unsettled, noted: true},
		"a throttle that lasts":                  {kind: phonehome.Create, proof: unsettled, age: unsettledLong, noted: true, cause: throttled},
		"a permission that the vendor lacks":     {kind: phonehome.Create, proof: Proof{Outcome: Inconclusive, Lacks: lacks}, noted: true, cause: lacks},
		"an update of a registered role":         {kind: phonehome.Update, registered: true, proof: Proof{Outcome: Refused}},
		"a throttle in an update":                {kind: phonehome.Update, registered: true, proof: unsettled},
		"a throttle that lasts, in an update":    {kind: phonehome.Update, registered: true, proof: unsettled, age: unsettledLong, noted: true, cause: throttled},
		"a permission that lacks, in an update":  {kind: phonehome.Update, registered: true, proof: Proof{Outcome: Inconclusive, Lacks: lacks}, noted: true, cause: lacks},
		"a Delete of what was never registered":  {kind: phonehome.Delete, proof: Proof{Outcome: Refused}},
		"a proven role that waits for its turn":  {kind: phonehome.Create, proof: Proof{Outcome: Proven}},
		"a throttle without an error that lasts": {kind: phonehome.Create, proof: Proof{Outcome: Inconclusive}, age: unsettledLong, noted: true},
	} {
		c := Case{Snapshot: Snapshot{Hub: testHub(), Link: testLink(), Stack: Stack{ID: first}}, Request: testRequest(test.kind, first)}
		if test.registered {
			c.Snapshot = registered(first)
		}
		role := c.Link.RoleIn(first.Account, first.Region.Partition())
		waits := Decision{Kind: DecideLater, Outcome: OutcomeSettling, Probe: Probe{Role: role}}
		if entry := NoteWaiting(c, waits, noon); entry != nil {
			t.Errorf("%s: noted before its role was tried: %+v", name, entry)
		}
		c.Proofs = map[account.RoleARN]Proof{}
		c.Proofs[role] = test.proof
		entry := NoteWaiting(c, waits, noon.Add(test.age))
		if (entry != nil) != test.noted {
			t.Errorf("%s: noted %+v", name, entry)
		}
		if entry != nil && (!entry.Waiting || entry.CustomerID != "c1" || entry.Cause != test.cause || entry.Outcome != OutcomeSettling) {
			t.Errorf("%s: noted %+v", name, entry)
		}
	}
}
