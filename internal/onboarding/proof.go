// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// ProofOutcome is what trying to assume a role has shown.
type ProofOutcome string

// The outcomes of a proof (aws-facts 7.3).
const (
	// Proven: the role can be assumed with the external ID, and only so.
	Proven ProofOutcome = "proven"
	// Refused: it cannot be assumed with the right external ID. It may be
	// missing, ask for another one or trust another principal; all look alike (7.4).
	Refused ProofOutcome = "refused"
	// Open: it can be assumed without the external ID, or with a wrong one.
	Open ProofOutcome = "open"
	// Inconclusive: the attempt failed for a reason that is no evidence about the
	// role, such as a throttle.
	Inconclusive ProofOutcome = "inconclusive"
)

// Proof is the result of one attempt.
type Proof struct {
	Outcome ProofOutcome
	// Hole is, for an Open role, how it could be assumed: "without an
	// external ID" or "with a wrong external ID".
	Hole string
	Err  error // what AWS said; for logs, never for customers
	// Lacks is, for an Inconclusive proof, the permission of the vendor's own that is
	// missing, whose it is and on what: no waiting helps then, and no customer.
	// Empty: it was something else, such as a throttle.
	Lacks string

	// Additional is the additional role whose proof this is; zero: it is the role's.
	Additional account.RoleARN

	// Witnessed is set, of a Refused role, if another one of its kind could be
	// assumed at about the same time: then the refusal is the role's own, and not
	// the vendor's trouble.
	Witnessed bool
}

// RoundSummary is what a round of proofs has found, as numbers of roles.
type RoundSummary struct {
	EndedAt  time.Time `json:"ended_at"`
	Works    int       `json:"works"`
	Broken   int       `json:"broken"`
	Unknown  int       `json:"unknown"`
	Withheld int       `json:"withheld"` // refused, as all of their kind were: nothing was changed
	Moved    int       `json:"moved"`    // updated or deleted by the customer meanwhile
}

// Roles returns how many roles were tried.
func (s RoundSummary) Roles() int { return s.Works + s.Broken + s.Unknown + s.Withheld + s.Moved }
