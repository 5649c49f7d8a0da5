// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// A registry that was restored from a point in time lacks the customers that
// connected later. Their roles still exist, and can be proven under a link that the
// registry has; then they are registered again. An Update recovers the role of its
// stack, and a health round after a restore the role that a link expects.
//
// Everything that the registry knows to be ended stays ended: a disconnected
// registration, a deleted stack, a closed or expired link, a blocked customer.

// mayRecover reports whether an Update of an unknown stack may come from one that the
// restored registry lacks: all conditions hold under which a Create would be proven.
func (d decider) mayRecover(role account.RoleARN) bool {
	r, l := d.Request, d.Link
	return l != nil && r.Properties.ExternalID == l.ExternalID.String() &&
		(r.Properties.Hub == "" || r.Properties.Hub == d.Hub.Name) &&
		l.canRecover(d.now) && l.Admits(r.Stack.Account) && r.Stack.Account != d.Hub.Account &&
		role == l.RoleIn(r.Stack.Account, r.Stack.Region.Partition()) &&
		d.resource.DeletedAt.IsZero() && !d.older() &&
		(d.Registration == nil || d.Registration.Live()) && d.rival(role) == nil
}

// canRecover reports whether roles under the link may be registered again.
func (l Link) canRecover(now time.Time) bool { return !l.Blocked && l.Status(now) == LinkOpen }

// unknownStack decides an Update of an unknown stack. It registers the role if the
// registry lacks it after a restore and the proof succeeds; otherwise it changes
// nothing. It never returns FAILED: the Update may be a rollback.
func (d decider) unknownStack() Decision {
	unknown := d.succeed(OutcomeStranger, Change{})
	role, err := account.ParseRoleARN(d.Request.Properties.RoleARN)
	if err != nil || !d.mayRecover(role) {
		return unknown
	}
	if d.reservedByOther() && !d.closing() {
		return Decision{Kind: DecideLater, RetryAfter: d.retryPause(), Outcome: OutcomeReserved}
	}
	if proof, tried := d.Proofs[role]; tried && (proof.Outcome == Refused || proof.Outcome == Open) || d.wrongAdditional(role) != "" {
		return unknown // without retries: IAM's propagation was complete long ago, and forgeries must cost little
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

// recovered reports whether the answer registers a role that the registry lacks after
// a restore.
func (a Answer) recovered() bool { return a.Outcome == OutcomeRecovered }

// registration returns the outcome for a registration by a Create, or by the Update
// of a stack that the registry lacks.
func (a Answer) registration() Outcome {
	if a.recovered() {
		return OutcomeRecovered
	}
	return OutcomeRegistered
}

// recoveredResource returns the resource of a stack that the registry lacked, after
// its Update. A rollback of that Update returns to the old properties, and
// CloudFormation has used the physical ID.
func recoveredResource(r Resource, change Change) Resource {
	if change.Request == phonehome.Update {
		r.Previous, r.Confirmed = change.OldProperties, true
	}
	return r
}

// Recoverable returns the registration that a health round may recover after a restore:
// that of the role that the link expects in its account. ok is false if there is nothing
// to look for, for example because the registry has a registration in that account.
func (c Customer) Recoverable(partition account.Partition, now time.Time) (role Registration, ok bool) {
	l := c.Link
	known := slices.ContainsFunc(c.Registrations, func(r Registration) bool { return r.Account == l.Account })
	if known || l.Account.IsZero() || l.Scope == ScopeOrganization || l.Scope == ScopeAnyone || !l.canRecover(now) {
		return Registration{}, false
	}
	return Registration{
		Hub: l.Hub, CustomerID: l.CustomerID, Account: l.Account,
		Role: l.RoleIn(l.Account, partition), ExternalID: l.ExternalID, Status: Pending,
	}, true
}

// Recover returns the registration of a role that Recoverable has returned, after the
// full proof. The entry is nil if the proof did not succeed.
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

// mayBelongTo reports whether the role of a registration without a known stack may belong
// to a stack with these properties: two stacks cannot both have created it.
func (r Registration) mayBelongTo(p phonehome.Properties) bool {
	return r.Recovered && r.Live() && p.RoleARN == r.Role.String() && p.ExternalID == r.ExternalID.String()
}
