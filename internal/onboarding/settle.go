// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Delivery is the bucket's response to an answer.
type Delivery string

// The deliveries.
const (
	// Accepted: only CloudFormation signs an address that works, so the request
	// was genuine.
	Accepted Delivery = "accepted"
	// Forged: the address was not signed by CloudFormation.
	Forged Delivery = "forged"
	// Expired: the address works no longer, and it is not known whether it did.
	Expired Delivery = "expired"
	// Undecided: the refusal does not show who signed the URL. It may pass,
	// or stand between the vendor and every bucket (aws-facts 12.1, 12.11).
	Undecided Delivery = "undecided"
)

// Settle returns what to do with a stored answer after it was sent.
//
// In time that is simple: what was accepted is committed, what answered a
// forgery is dropped, and what is undecided is sent again.
//
// Late, a signature may have run out, or the answer may have come to a bucket
// that is not read any more; and after a registrar died in the middle it is not
// known whether it had arrived before. Then the role itself is asked:
//
//   - a Create whose address has expired may have been accepted before: it is
//     committed if its role still proves, and nothing is registered that could
//     be taken from its owner. One that the bucket goes on refusing is not: an
//     address that was accepted once would be again, so that stack has timed out;
//   - a Delete that was accepted is committed if the registered role no longer
//     proves, because a stack that is stuck still has it;
//   - a Delete that was not is only written down as a doubt in that case: the
//     role may be refused for another reason, so that alone disconnects no customer
//     (see Health).
//
// Whatever else was not accepted changes nothing: not even a tombstone, which
// would let a forged Delete refuse a Create that is still under way.
//
// Like Decide, it may ask for a proof first, and is called again with it.
func Settle(c Case, delivery Delivery, now time.Time) Decision {
	a := c.Answer
	if a == nil || delivery == Forged {
		return Decision{Kind: DecideDrop, Outcome: OutcomeForged}
	}
	commit := Decision{Kind: DecideCommit, Answer: *a, Outcome: a.Outcome}
	late := !now.Before(c.LateFrom())
	switch {
	case delivery == Accepted:
		if owned := newDecider(c, now).owned(); late && a.Change.Kind == ChangeDelete && owned != nil {
			return c.ask(owned.Role, owned.ExternalID, Refused, commit, now)
		}
		return commit
	case !late && delivery == Undecided:
		return Decision{Kind: DecideLater, RetryAfter: c.growingPause(now), Outcome: OutcomeUndelivered}
	case !late:
		return Decision{Kind: DecideDrop, Outcome: OutcomeAddressExpired}
	}
	return c.settleUnaccepted(delivery, now)
}

// settleUnaccepted returns what Settle does for an answer that was sent too late to know
// whether it was accepted.
func (c Case) settleUnaccepted(delivery Delivery, now time.Time) Decision {
	a, owned := *c.Answer, newDecider(c, now).owned()
	switch a.Change.Kind {
	case ChangeRegister:
		if delivery == Expired && !a.recovered() && (c.Registration == nil || !c.Registration.Live()) {
			return c.ask(a.Change.Role, a.Change.ExternalID, Proven, Decision{Kind: DecideCommit, Answer: a, Outcome: a.Outcome}, now)
		}
	case ChangeDelete:
		if owned != nil {
			a.Change.Kind, a.Outcome = ChangeDoubt, OutcomeDeleteUnconfirmed
			return c.ask(owned.Role, owned.ExternalID, Refused, Decision{Kind: DecideCommit, Answer: a, Outcome: a.Outcome}, now)
		}
	case ChangeNothing, ChangeUpdate, ChangeDoubt:
	}
	return Decision{Kind: DecideDrop, Outcome: OutcomeUnclear}
}

// ask decides as wanted if the role shows what is expected, and drops the
// answer if it does not.
func (c Case) ask(role account.RoleARN, externalID account.ExternalID, expected ProofOutcome, wanted Decision, now time.Time) Decision {
	d := newDecider(c, now)
	proof, tried := c.Proofs[role]
	switch {
	case !tried:
		return Decision{Kind: DecideProve, Probe: d.probe(role, externalID), Outcome: OutcomeProving}
	case proof.Outcome == Inconclusive:
		outcome := OutcomeUnsettled
		if proof.Lacks != "" {
			outcome = OutcomeNotPermitted
		}
		return Decision{Kind: DecideLater, RetryAfter: d.patience(), Outcome: outcome, Probe: d.probe(role, externalID)}
	case proof.Outcome == expected:
		return wanted
	}
	return Decision{Kind: DecideDrop, Outcome: OutcomeUnclear}
}
