// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// DecisionKind is what has to be done next.
type DecisionKind string

// The kinds of decision.
const (
	DecideAnswer DecisionKind = "answer" // store the answer, send it, then commit its change
	DecideProve  DecisionKind = "prove"  // prove the role, then decide again
	DecideLater  DecisionKind = "later"  // put the message back for a while
	DecideCommit DecisionKind = "commit" // from Settle only: apply the stored answer's change
	DecideDrop   DecisionKind = "drop"   // from Settle only: the answer changed nothing, and will not
)

// Decision is the result of Decide and Settle.
type Decision struct {
	Kind       DecisionKind
	Answer     Answer        // of DecideAnswer and DecideCommit
	Replayed   bool          // the answer was stored before
	Probe      Probe         // of DecideProve, and of a DecideLater that waits for a proof
	Beside     []Probe       // of DecideProve: what is to be tried at the same time
	RetryAfter time.Duration // of DecideLater
	Outcome    Outcome
}

// Probe is a role that has to be proven.
type Probe struct {
	CustomerID string
	Role       account.RoleARN
	ExternalID account.ExternalID
	Principals []account.RoleARN // who of the vendor the role trusts; empty: its account
}

// The outcomes of decisions, and the reasons for waiting.
const (
	OutcomeRegistered      Outcome = "registered"
	OutcomeUpdated         Outcome = "updated"
	OutcomeUpdatedUnproven Outcome = "updated_unproven"
	OutcomeRolledBack      Outcome = "rolled_back"
	OutcomeDisconnected    Outcome = "disconnected"
	OutcomeTombstone       Outcome = "tombstone" // deleted before anything was registered

	OutcomeStranger Outcome = "stranger" // of a stack that nothing is known of
	OutcomeOlder    Outcome = "older"    // than what was accepted already
	OutcomeCleanup  Outcome = "cleanup"  // of a physical ID that was replaced

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
	OutcomeRetired           Outcome = "retired_external_id" // the customer's own, of an earlier link
	OutcomeNotPermitted      Outcome = "not_permitted"       // the vendor itself may not assume whom the role trusts
	OutcomeRegionGivenUp     Outcome = "region_given_up"     // a new stack in a Region that the hub gives up

	OutcomeProving    Outcome = "proving"     // the first probe is due
	OutcomeSettling   Outcome = "settling"    // IAM may not have settled
	OutcomeReserved   Outcome = "reserved"    // another account is just being connected
	OutcomeOvertaking Outcome = "overtaking"  // an Update whose Create may not be committed yet
	OutcomeUnsettled  Outcome = "unsettled"   // AWS did not say
	OutcomeSuperseded Outcome = "superseded"  // a newer stack owns the registration
	OutcomeOvertaken  Outcome = "overtaken"   // something newer was accepted first, so that nothing changed
	OutcomeFellBack   Outcome = "fell_back"   // to another resource of the same stack
	OutcomeDegraded   Outcome = "degraded"    // by a later proof
	OutcomeFoundOpen  Outcome = "found_open"  // by a later proof: others may get in
	OutcomeRestored   Outcome = "restored"    // by a later proof
	OutcomeAdopted    Outcome = "adopted"     // by the vendor, without a stack
	OutcomeReleased   Outcome = "released"    // by the vendor, an adopted role
	OutcomeRecovered  Outcome = "recovered"   // a role that the registry had forgotten, as after a restore
	OutcomeForged     Outcome = "not_genuine" // CloudFormation did not sign the address of the answer

	OutcomeUndelivered       Outcome = "undelivered"        // the bucket refuses the answer, and not because of who asks
	OutcomeAddressExpired    Outcome = "address_expired"    // the address of the answer worked no longer, in time
	OutcomeDeleteUnconfirmed Outcome = "delete_unconfirmed" // of a Delete that was never accepted, and whose role is gone
	OutcomeUnclear           Outcome = "unclear"            // whether the answer came in time, and the role says no
)
