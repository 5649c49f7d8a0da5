// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// ProofOutcome is the result of trying to assume a role.
type ProofOutcome string

// The outcomes of a proof (aws-facts 7.3).
const (
	// Proven: the role can be assumed with the external ID, and only with it.
	Proven ProofOutcome = "proven"
	// Refused: the role cannot be assumed with the right external ID. It may be
	// missing, ask for another external ID or trust another principal; AWS returns the
	// same error for all of these (aws-facts 7.4).
	Refused ProofOutcome = "refused"
	// Open: the role can be assumed without the external ID, or with a wrong one.
	Open ProofOutcome = "open"
	// Inconclusive: the attempt failed for a reason that shows nothing about the role,
	// such as throttling.
	Inconclusive ProofOutcome = "inconclusive"
)

// Proof is the result of one attempt.
type Proof struct {
	Outcome ProofOutcome
	// Weakness is how an Open role could be assumed: "without an external ID" or "with a
	// wrong external ID".
	Weakness string
	Err      error // AWS's error; for logs, never for customers
	// MissingPermission is the missing permission of the vendor that made a proof
	// Inconclusive, with its principal and resource. Neither waiting nor the customer
	// can change that. Empty: the reason was another one, such as throttling.
	MissingPermission string

	// Additional is the additional role that was tried; zero: the first role was.
	Additional account.RoleARN

	// Witnessed is set for a Refused role if another role of its group could be
	// assumed at about the same time: then the cause of the refusal is in the role,
	// and not on the vendor's side.
	Witnessed bool
}

// RoundSummary is the result of a health round, as numbers of roles.
type RoundSummary struct {
	EndedAt  time.Time `json:"ended_at"`
	Works    int       `json:"works"`
	Broken   int       `json:"broken"`
	Unknown  int       `json:"unknown"`
	Withheld int       `json:"withheld"` // refused like all others of their group: nothing was changed
	Moved    int       `json:"moved"`    // updated or deleted by the customer during the round
}

// Roles returns how many roles were tried.
func (s RoundSummary) Roles() int { return s.Works + s.Broken + s.Unknown + s.Withheld + s.Moved }
