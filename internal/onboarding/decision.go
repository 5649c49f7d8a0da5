// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// DecisionKind is what the caller has to do next.
type DecisionKind string

// The kinds of decision.
const (
	DecideAnswer DecisionKind = "answer" // store the answer, send it, then commit its change
	DecideProve  DecisionKind = "prove"  // prove the role, then decide again
	DecideLater  DecisionKind = "later"  // requeue the message for a while
	DecideCommit DecisionKind = "commit" // from Settle only: apply the stored answer's change
	DecideDrop   DecisionKind = "drop"   // from Settle only: the answer changed nothing, and never will
)

// Decision is the result of Decide and Settle.
type Decision struct {
	Kind       DecisionKind
	Answer     Answer        // of DecideAnswer and DecideCommit
	Replayed   bool          // the answer is one that was stored before
	Probe      Probe         // of DecideProve, and of a DecideLater that waits for a proof
	Concurrent []Probe       // of DecideProve: further roles to be tried at the same time
	RetryAfter time.Duration // of DecideLater
	Outcome    Outcome
}

// Probe is a role that has to be proven, with what the proof needs.
type Probe struct {
	CustomerID string
	Role       account.RoleARN
	ExternalID account.ExternalID
	Principals []account.RoleARN // the vendor's roles that the role trusts; empty: the vendor's account
}

// The outcomes of decisions, and the reasons for waiting.
const (
	OutcomeRegistered      Outcome = "registered"
	OutcomeUpdated         Outcome = "updated"
	OutcomeUpdatedUnproven Outcome = "updated_unproven"
	OutcomeRolledBack      Outcome = "rolled_back"
	OutcomeDisconnected    Outcome = "disconnected"
	OutcomeTombstone       Outcome = "tombstone" // a Delete before anything was registered

	OutcomeStranger Outcome = "stranger" // of a stack that is not in the registry
	OutcomeOlder    Outcome = "older"    // older than a request that was accepted already
	OutcomeCleanup  Outcome = "cleanup"  // a Delete of a physical ID that was replaced

	OutcomeUnknown           Outcome = "unknown_external_id"
	OutcomeClosed            Outcome = "link_closed"
	OutcomeExpired           Outcome = "link_expired"
	OutcomeBlocked           Outcome = "customer_blocked"
	OutcomeWrongAccount      Outcome = "wrong_account"
	OutcomeWrongRole         Outcome = "wrong_role"
	OutcomeRival             Outcome = "another_stack"
	OutcomeChangedExternalID Outcome = "changed_external_id"
	OutcomeDeleted           Outcome = "deleted_before"
	OutcomeRefused           Outcome = "role_refused"
	OutcomeOpen              Outcome = "role_open"
	OutcomeTooLate           Outcome = "too_late"
	OutcomeRetired           Outcome = "retired_external_id" // the request has an external ID that the customer had for an earlier link
	OutcomeNotPermitted      Outcome = "not_permitted"       // the vendor lacks the permission to assume a principal that the role trusts
	OutcomeRegionGivenUp     Outcome = "region_given_up"     // a new stack in a Region that the hub is going to leave

	OutcomeProving    Outcome = "proving"     // the first probe is due
	OutcomeSettling   Outcome = "settling"    // IAM's propagation may not be complete
	OutcomeReserved   Outcome = "reserved"    // another account is being connected
	OutcomeOvertaking Outcome = "overtaking"  // an Update whose Create may not be committed yet
	OutcomeUnsettled  Outcome = "unsettled"   // the proof was inconclusive
	OutcomeSuperseded Outcome = "superseded"  // a newer stack owns the registration
	OutcomeOvertaken  Outcome = "overtaken"   // a newer request was accepted first, so nothing changed
	OutcomeFellBack   Outcome = "fell_back"   // the registration fell back to another resource of the same stack
	OutcomeDegraded   Outcome = "degraded"    // by a later proof
	OutcomeFoundOpen  Outcome = "found_open"  // by a later proof: other accounts may be able to assume the role
	OutcomeRestored   Outcome = "restored"    // by a later proof
	OutcomeAdopted    Outcome = "adopted"     // by the vendor, without a stack
	OutcomeReleased   Outcome = "released"    // by the vendor: an adopted role
	OutcomeRecovered  Outcome = "recovered"   // a role that a restored registry did not contain
	OutcomeForged     Outcome = "not_genuine" // CloudFormation did not sign the response URL

	OutcomeUndelivered       Outcome = "undelivered"        // the bucket refuses the answer, but not because of the signature
	OutcomeAddressExpired    Outcome = "address_expired"    // the response URL expired before the deadline
	OutcomeDeleteUnconfirmed Outcome = "delete_unconfirmed" // a Delete that was never accepted, and whose role does not exist any more
	OutcomeUnclear           Outcome = "unclear"            // it is unknown whether the answer came in time, and the role does not confirm it
)
