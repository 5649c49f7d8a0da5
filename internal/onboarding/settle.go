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
	// Accepted: the bucket accepted the answer. Only CloudFormation can sign a URL
	// that works, so the request was genuine.
	Accepted Delivery = "accepted"
	// Forged: CloudFormation did not sign the URL.
	Forged Delivery = "forged"
	// Expired: the URL has expired, and it is not known whether it worked before.
	Expired Delivery = "expired"
	// Undecided: the refusal does not show who signed the URL. The cause may be
	// temporary, or affect every bucket, such as the policy of a VPC endpoint
	// (aws-facts 12.1, 12.11).
	Undecided Delivery = "undecided"
)

// Settle returns what to do with a stored answer after it was sent.
//
// Before the deadline, an accepted answer is committed, one to a forged request is
// dropped, and an undecided one is sent again.
//
// After the deadline, the URL may have expired, or the bucket may have accepted an
// answer that CloudFormation no longer reads; and if a registrar died meanwhile, it
// is not known whether the answer had arrived before. Then a proof of the role
// decides:
//
//   - a Create whose URL has expired may have been accepted before: it is
//     committed if its role still passes the proof, and nothing is registered that
//     could be taken from its owner. One whose URL the bucket still refuses is
//     not: a URL that was accepted once would be accepted again, so that stack has
//     timed out;
//   - a Delete that was accepted is committed if the registered role no longer
//     passes the proof, because a stack that is stuck still has it;
//   - a Delete that was not accepted is only recorded as a doubt in that case: the
//     role may be refused for another reason, so that alone disconnects no
//     customer (see Health).
//
// Any other answer that was not accepted changes nothing. It does not even store a
// tombstone, with which a forged Delete could make a Create fail that is still in
// progress.
//
// Like Decide, Settle may ask for a proof first, and is called again with it.
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

// settleUnaccepted returns the decision of Settle for an answer that was sent too
// late to know whether it was accepted.
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

// ask returns the wanted decision if the proof of the role has the expected outcome,
// and otherwise the decision to drop the answer; or the decision that is needed
// first.
func (c Case) ask(role account.RoleARN, externalID account.ExternalID, expected ProofOutcome, wanted Decision, now time.Time) Decision {
	d := newDecider(c, now)
	proof, tried := c.Proofs[role]
	switch {
	case !tried:
		return Decision{Kind: DecideProve, Probe: d.probe(role, externalID), Outcome: OutcomeProving}
	case proof.Outcome == Inconclusive:
		outcome := OutcomeUnsettled
		if proof.MissingPermission != "" {
			outcome = OutcomeNotPermitted
		}
		return Decision{Kind: DecideLater, RetryAfter: d.retryPause(), Outcome: outcome, Probe: d.probe(role, externalID)}
	case proof.Outcome == expected:
		return wanted
	}
	return Decision{Kind: DecideDrop, Outcome: OutcomeUnclear}
}
