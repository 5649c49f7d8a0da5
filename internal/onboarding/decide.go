// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"maps"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Case is one request with all records and proofs that concern it.
type Case struct {
	Snapshot
	Request phonehome.Request
	// Proofs are the results of the proofs that Decide asked for in this attempt.
	Proofs map[account.RoleARN]Proof
}

// Decide returns the answer to a request, or the role that must be proven first; then
// the caller calls it again with the proof. Decide changes nothing: Apply returns the
// changes, once CloudFormation has accepted the answer.
func Decide(c Case, now time.Time) Decision {
	if c.Answer != nil {
		return Decision{Kind: DecideAnswer, Answer: *c.Answer, Replayed: true, Outcome: c.Answer.Outcome}
	}
	switch d := newDecider(c, now); c.Request.Type {
	case phonehome.Delete:
		return d.delete()
	case phonehome.Update:
		return d.update()
	default:
		return d.create()
	}
}

// create decides a Create: it fails with one clear message, or the role is proven and
// registered.
func (d decider) create() Decision {
	r, message := d.Request, d.messages
	if d.blocked() {
		return d.fail(OutcomeBlocked, message.blocked())
	}
	if d.deletedSince() {
		return d.fail(OutcomeDeleted, message.deleted())
	}
	if d.older() {
		return d.fail(OutcomeOlder, message.older())
	}
	if d.retired() {
		return d.fail(OutcomeRetired, message.retired())
	}
	if d.Hub.isRetiring(r.Stack.Region) {
		return d.fail(OutcomeRegionGivenUp, message.regionGivenUp(r.Stack.Region))
	}
	if d.Link == nil || r.Properties.ExternalID != d.Link.ExternalID.String() {
		return d.fail(OutcomeUnknown, message.unknownExternalID())
	}
	if r.Properties.Hub != "" && r.Properties.Hub != d.Hub.Name {
		return d.fail(OutcomeUnknown, message.otherHub())
	}
	switch d.Link.Status(d.now) {
	case LinkClosed:
		return d.fail(OutcomeClosed, message.closed())
	case LinkExpired:
		return d.fail(OutcomeExpired, message.expired(d.Link.ExpiresAt))
	case LinkOpen:
	}
	if r.Stack.Account == d.Hub.Account {
		return d.fail(OutcomeWrongAccount, message.vendorsAccount())
	}
	if !d.Link.Admits(r.Stack.Account) {
		return d.fail(OutcomeWrongAccount, message.wrongAccount(r.Stack.Account, d.Link.Scope))
	}
	if r.Properties.PreviousExternalID != "" {
		return d.fail(OutcomeRetired, message.previousOfNewStack())
	}
	role, err := account.ParseRoleARN(r.Properties.RoleARN)
	if err != nil {
		return d.fail(OutcomeWrongRole, message.notARole())
	}
	if !d.inStacksAccount(role) {
		return d.fail(OutcomeWrongAccount, message.roleElsewhere(role, r.Stack.Account))
	}
	expected := d.Link.RoleIn(r.Stack.Account, r.Stack.Region.Partition())
	if d.Link.ChoosesPath() { // only the path of the role is the customer's choice
		expected.Path = role.Path
	}
	if role != expected {
		return d.fail(OutcomeWrongRole, message.wrongRole(role, expected))
	}
	if wrong := d.wrongAdditional(role); wrong != "" {
		return d.fail(OutcomeWrongRole, wrong)
	}
	return d.connect(role)
}

// connect proves the role, unless another live stack owns the registration with
// another role.
func (d decider) connect(role account.RoleARN) Decision {
	message := d.messages
	if d.closing() {
		return d.fail(OutcomeTooLate, message.tryAgain())
	}
	if d.reservedByOther() {
		return Decision{Kind: DecideLater, RetryAfter: d.retryPause(), Outcome: OutcomeReserved}
	}
	if other := d.rival(role); other != nil {
		proof, decision := d.prove(other.Role, other.ExternalID)
		switch {
		case decision != nil && proof.Outcome != Refused: // once the rival's role is refused, no retries are needed
			return *decision
		case proof.Outcome == Proven || proof.Outcome == Open:
			return d.fail(OutcomeRival, message.rival(other.Stack))
		case proof.Outcome == Inconclusive:
			return d.undecided(proof)
		case proof.Outcome == Refused:
		}
	}
	proof, decision := d.proveAll(role, d.Link.ExternalID)
	if decision != nil {
		return *decision
	}
	switch proof.Outcome {
	case Proven:
		return d.succeed(OutcomeRegistered, d.registers(role))
	case Refused:
		return d.fail(OutcomeRefused, message.cannotAssume(proof.role))
	case Open:
		return d.fail(OutcomeOpen, message.open(proof.role, proof.Weakness))
	case Inconclusive:
	}
	return d.undecided(proof.Proof)
}

// registers returns the change that registers a proven role for the link.
func (d decider) registers(role account.RoleARN) Change {
	change := d.change(ChangeRegister, d.Link.CustomerID)
	change.Role, change.ExternalID, change.AdditionalRoles = role, d.Link.ExternalID, d.additional(role)
	change.Status, change.ProvenAt = Active, d.now
	change.Binds = d.Link.binds()
	return change
}

// update decides an Update. The stack is identified by its own record, not by the
// properties it sends. It is answered FAILED only for changes that the customer would
// want undone, and never for a rollback, because a stack whose rollback fails is
// stuck.
func (d decider) update() Decision {
	r, message := d.Request, d.messages
	owned := d.owned()
	if owned == nil && d.overtakes() {
		return Decision{Kind: DecideLater, RetryAfter: d.overtakingPause(), Outcome: OutcomeOvertaking}
	}
	if owned == nil {
		return d.unknownStack() // recover.go
	}
	if d.older() {
		return d.succeed(OutcomeOlder, Change{})
	}
	if d.rollback() {
		return d.rolledBack(owned)
	}
	if d.blocked() && !d.closing() {
		return d.fail(OutcomeBlocked, message.blocked())
	}
	externalID, may := d.requestedExternalID(owned)
	if !may {
		return d.fail(OutcomeChangedExternalID, message.changedExternalID())
	}
	if previous := r.Properties.PreviousExternalID; previous != "" && !d.isCustomersExternalID(owned, previous) {
		return d.fail(OutcomeChangedExternalID, message.strangePrevious())
	}
	role, err := account.ParseRoleARN(r.Properties.RoleARN)
	if err != nil {
		return d.fail(OutcomeWrongRole, message.notARole())
	}
	if !d.inStacksAccount(role) {
		return d.fail(OutcomeWrongAccount, message.changedAccount(role, r.Stack.Account))
	}
	if wrong := d.wrongAdditional(role); wrong != "" {
		return d.fail(OutcomeWrongRole, wrong)
	}
	proof, decision := d.proveAll(role, externalID)
	if decision != nil {
		return *decision
	}
	change := d.change(ChangeUpdate, owned.CustomerID)
	switch proof.Outcome {
	case Proven:
		change.Role, change.ExternalID, change.AdditionalRoles = role, externalID, d.additional(role)
		change.Status, change.ProvenAt = Active, d.now
		return d.succeed(OutcomeUpdated, change)
	case Refused:
		return d.fail(OutcomeRefused, message.cannotAssume(proof.role))
	case Open:
		return d.fail(OutcomeOpen, message.open(proof.role, proof.Weakness))
	case Inconclusive:
	}
	change.Status, change.Reason = Degraded, d.whyUnproven(proof.role, proof.Proof)
	return d.succeed(OutcomeUpdatedUnproven, change)
}

// rolledBack decides an Update by which CloudFormation returns, or may return, to the
// previous properties.
func (d decider) rolledBack(owned *Registration) Decision {
	role, err := account.ParseRoleARN(d.Request.Properties.RoleARN)
	if err != nil || !d.inStacksAccount(role) {
		role = owned.Role
	}
	externalID := d.externalIDAfterRollback(owned)
	proof, decision := d.proveAll(role, externalID)
	if decision != nil {
		return *decision
	}
	change := d.change(ChangeUpdate, owned.CustomerID)
	change.Role, change.ExternalID, change.AdditionalRoles = role, externalID, d.additional(role)
	switch proof.Outcome {
	case Proven:
		change.Status, change.ProvenAt = Active, d.now
	case Refused, Open:
		if proof.role != role {
			proof.Additional = proof.role
		}
		change.Status, change.Reason, change.Open = Degraded, reasonOf(proof.Proof), proof.Outcome == Open
	case Inconclusive:
		if role != owned.Role || externalID != owned.ExternalID || !maps.Equal(change.AdditionalRoles, owned.AdditionalRoles) {
			change.Status, change.Reason = Degraded, d.whyUnproven(proof.role, proof.Proof)
		}
	}
	return d.succeed(OutcomeRolledBack, change)
}

// delete decides a Delete, always with SUCCESS: otherwise the customer could not
// delete the stack. The tombstone is stored even if nothing was registered, because
// the Create may still arrive later.
func (d decider) delete() Decision {
	customer := d.Stack.CustomerID
	if customer == "" && d.Link != nil && d.Link.Admits(d.Request.Stack.Account) {
		customer = d.Link.CustomerID
	}
	switch {
	case customer == "":
		return d.succeed(OutcomeStranger, Change{})
	case d.older():
		return d.succeed(OutcomeOlder, Change{})
	case !d.resource.Deletes(d.Request.PhysicalID):
		// A physical ID that was replaced is cleaned up (aws-facts 1.12).
		return d.succeed(OutcomeCleanup, Change{})
	case d.owned() == nil && (d.Registration == nil || !d.Registration.mayBelongTo(d.Request.Properties)):
		return d.succeed(OutcomeTombstone, d.change(ChangeDelete, customer))
	}
	return d.succeed(OutcomeDisconnected, d.change(ChangeDelete, customer))
}
