// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Settle says what becomes of a stored answer after it was sent: whether the
// bucket took it, and when, tells whether CloudFormation had asked for it.
//
// In time that is simple: only CloudFormation signs an address that works, so
// what was accepted is committed, and what was refused answered a forgery.
//
// After the deadline a signature may have run out, or the answer may have come
// to a bucket where nobody looks any more; and a registrar that died in the
// middle has left nobody to tell whether it had arrived before. Then the role
// itself is asked: a refused Create is committed if its role still proves, a
// Delete, refused or not, if the registered role no longer does. Whatever else
// was refused changes nothing: not even a tombstone, which would let a forged
// Delete bury a Create that is still under way.
//
// Like Decide, it may ask for a proof first, and is called again with it.
func Settle(c Case, accepted bool, now time.Time) Decision {
	a := c.Answer
	if a == nil {
		return Decision{Kind: DecideDrop, Outcome: OutcomeForged}
	}
	commit := Decision{Kind: DecideCommit, Outcome: a.Outcome}
	otherwise := Decision{Kind: DecideDrop, Outcome: OutcomeForged}
	if accepted {
		otherwise = commit
	}
	owned := newDecider(c, now).owned()
	kind, late := a.Change.Kind, !now.Before(a.Change.Deadline)
	switch {
	case late && kind == ChangeRegister && !accepted:
		return c.ask(a.Change.Role, a.Change.ExternalID, Proven, commit, now)
	case late && kind == ChangeDelete && owned != nil:
		return c.ask(owned.Role, owned.ExternalID, Refused, commit, now)
	}
	return otherwise
}

// ask decides as wanted where the role shows what is expected, and drops the
// answer where it does not.
func (c Case) ask(role account.RoleARN, externalID account.ExternalID, expected ProofOutcome, wanted Decision, now time.Time) Decision {
	d := newDecider(c, now)
	proof, tried := c.Proofs[role]
	switch {
	case !tried:
		return Decision{Kind: DecideProve, Probe: d.probe(role, externalID), Outcome: OutcomeProving}
	case proof.Outcome == Inconclusive:
		return Decision{Kind: DecideLater, RetryAfter: d.patience(), Outcome: OutcomeUnsettled}
	case proof.Outcome == expected:
		return wanted
	}
	return Decision{Kind: DecideDrop, Outcome: OutcomeUnclear}
}
