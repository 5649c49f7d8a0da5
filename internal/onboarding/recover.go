// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// A registry that was restored from a point in time has forgotten who connected
// since. The roles are still there, and prove themselves under a link that it
// knows: then they are registered again. An Update does that for its stack, and a
// round of proofs after a restore for the role that a link expects.
//
// Whatever the registry remembers to have ended stays ended: a disconnected
// registration, a deleted stack, a closed or expired link, a blocked customer.

// forgotten reports whether an Update of an unknown stack may be of one that the
// registry has forgotten: everything is so that a Create would be proven.
func (d decider) forgotten(role account.RoleARN) bool {
	r, l := d.Request, d.Link
	return l != nil && r.Properties.ExternalID == l.ExternalID.String() &&
		(r.Properties.Hub == "" || r.Properties.Hub == d.Hub.Name) &&
		l.recovers(d.now) && l.Admits(r.Stack.Account) && r.Stack.Account != d.Hub.Account &&
		role == l.RoleIn(r.Stack.Account, r.Stack.Region.Partition()) &&
		d.resource.DeletedAt.IsZero() && !d.older() &&
		(d.Registration == nil || d.Registration.Live()) && d.rival(role) == nil
}

// recovers reports whether roles under the link may be registered again.
func (l Link) recovers(now time.Time) bool { return !l.Blocked && l.Status(now) == LinkOpen }

// stranger answers an Update of a stack that is unknown. It registers the role if
// the registry has forgotten it and the proof succeeds; otherwise it changes
// nothing. It never returns FAILED: the Update may be a rollback.
func (d decider) stranger() Decision {
	unknown := d.succeed(OutcomeStranger, Change{})
	role, err := account.ParseRoleARN(d.Request.Properties.RoleARN)
	if err != nil || !d.forgotten(role) {
		return unknown
	}
	if d.reservedByOther() && !d.closing() {
		return Decision{Kind: DecideLater, RetryAfter: d.patience(), Outcome: OutcomeReserved}
	}
	if proof, tried := d.Proofs[role]; tried && (proof.Outcome == Refused || proof.Outcome == Open) || d.wrongAdditional(role) != "" {
		return unknown // at once: IAM has long settled, and forgeries must cost little
	}
	proof, decision := d.proveAll(role, d.Link.ExternalID)
	switch {
	case decision != nil:
		return *decision
	case proof.Outcome != Proven || d.reservedByOther():
		return unknown
	}
	return d.succeed(OutcomeRecovered, d.registers(role))
}

// recovered reports whether the answer registers what was forgotten.
func (a Answer) recovered() bool { return a.Outcome == OutcomeRecovered }

// registration returns what a Create's answer does, or an Update's of a forgotten stack.
func (a Answer) registration() Outcome {
	if a.recovered() {
		return OutcomeRecovered
	}
	return OutcomeRegistered
}

// recoveredResource returns the resource of a forgotten stack after its Update. A
// rollback of it returns to the old properties; and CloudFormation has used the
// physical ID.
func recoveredResource(r Resource, change Change) Resource {
	if change.Request == phonehome.Update {
		r.Previous, r.Confirmed = change.OldProperties, true
	}
	return r
}

// Forgotten returns what a round of proofs may register after a restore: the role
// that a link for one account expects there, if the registry knows of none. ok is
// false if there is nothing to look for.
func (c Customer) Forgotten(partition account.Partition, now time.Time) (role Registration, ok bool) {
	l := c.Link
	known := slices.ContainsFunc(c.Registrations, func(r Registration) bool { return r.Account == l.Account })
	if known || l.Account.IsZero() || l.Scope == ScopeOrganization || l.Scope == ScopeAnyone || !l.recovers(now) {
		return Registration{}, false
	}
	return Registration{
		Hub: l.Hub, CustomerID: l.CustomerID, Account: l.Account,
		Role: l.RoleIn(l.Account, partition), ExternalID: l.ExternalID, Status: Pending,
	}, true
}

// Recover registers a role that Forgotten has named and the full proof has found.
// The entry is nil if the proof did not succeed.
func Recover(reg Registration, proof Proof, now time.Time) (Registration, *HistoryEntry) {
	if proof.Outcome != Proven {
		return reg, nil
	}
	reg.Recovered, reg.Status = true, Active
	reg.RegisteredAt, reg.ProvenAt, reg.ChangedAt = now, now, now
	entry := adoption(reg, OutcomeRecovered, Pending)
	entry.Detail = reasonFound
	return reg, entry
}

// mayBeOf reports whether a role whose stack is not known is that of a stack with
// such properties: two stacks can't both have made it.
func (r Registration) mayBeOf(p phonehome.Properties) bool {
	return r.Recovered && r.Live() && p.RoleARN == r.Role.String() && p.ExternalID == r.ExternalID.String()
}
