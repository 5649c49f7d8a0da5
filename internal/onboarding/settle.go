// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import "time"

// Settle says what becomes of a stored answer that CloudFormation's bucket
// refused to take. In time, that is proof of a forgery: only CloudFormation
// signs an address that works. After the deadline the signature may simply have
// run out, and a registrar that died in the middle has left nobody to tell
// whether the answer had arrived; then the role itself is asked. A Create is
// committed if its role still proves, a Delete if the registered role no longer
// does, and whatever else there is changes nothing: not even a tombstone, which
// would let a forged Delete bury a Create that is still under way.
//
// Like Decide, it may ask for a proof first, and is called again with it.
func Settle(c Case, now time.Time) Decision {
	drop := Decision{Kind: DecideDrop, Outcome: OutcomeForged}
	a := c.Answer
	if a == nil || now.Before(a.Change.Deadline) {
		return drop
	}
	d := decider{Case: c, now: now}
	probe := Probe{CustomerID: a.Change.CustomerID}
	if c.Link != nil {
		probe.Principals = c.Link.TrustedPrincipals
	}
	var wanted ProofOutcome
	switch a.Change.Kind {
	case ChangeRegister:
		probe.Role, probe.ExternalID, wanted = a.Change.Role, a.Change.ExternalID, Proven
	case ChangeDelete:
		owned := d.owned()
		if owned == nil {
			return drop
		}
		probe.Role, probe.ExternalID, wanted = owned.Role, owned.ExternalID, Refused
	case ChangeUpdate, ChangeNothing:
		return drop
	}
	proof, tried := c.Proofs[probe.Role]
	switch {
	case !tried:
		return Decision{Kind: DecideProve, Probe: probe, Outcome: OutcomeProving}
	case proof.Outcome == Inconclusive:
		return Decision{Kind: DecideLater, RetryAfter: d.patience(), Outcome: OutcomeUnsettled}
	case proof.Outcome == wanted:
		return Decision{Kind: DecideCommit, Outcome: a.Outcome}
	}
	return drop
}
