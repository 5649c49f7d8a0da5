// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Scope defines whose stacks a link expects.
type Scope string

// The scopes of a link.
const (
	// ScopeAccount: stacks of the one account that the vendor named.
	ScopeAccount Scope = ""
	// ScopeOrganization: stacks of any account of an AWS organization, as a StackSet
	// creates them; each account becomes a registration of its own.
	//
	// The topic's policy has checked that a stack's account is in the organization. It
	// is not checked again, because SNS does not report the publisher (aws-facts
	// 1.21): an account that may publish for another reason, and knows the external
	// ID, could register itself. OnlyAccounts prevents that.
	ScopeOrganization Scope = "organization"
	// ScopeAnyone: stacks of the first account that registers, and afterwards of no
	// other.
	ScopeAnyone Scope = "anyone"
)

// Admits reports whether the stacks of an account may use the link. For a link with
// ScopeAnyone that means: unless another account registers first.
func (l Link) Admits(in account.ID) bool {
	switch l.Scope {
	case ScopeAccount:
		return !l.Account.IsZero() && in == l.Account
	case ScopeOrganization:
		return len(l.OnlyAccounts) == 0 || slices.Contains(l.OnlyAccounts, in) || in == l.Account
	case ScopeAnyone:
		return l.Bound.IsZero() || in == l.Bound
	}
	return false
}

// SoleAccount returns the one account that the link is for; zero if it is not known
// yet, or if there may be many.
func (l Link) SoleAccount() account.ID {
	switch l.Scope {
	case ScopeAccount:
		return l.Account
	case ScopeAnyone:
		return l.Bound
	case ScopeOrganization:
	}
	return account.ID{}
}

// RoleIn returns the ARN of the role that a stack in the account must create.
func (l Link) RoleIn(in account.ID, partition account.Partition) account.RoleARN {
	return account.RoleARN{Partition: partition, Account: in, Path: l.RolePath, Name: l.RoleName}
}

// Role returns the ARN of the role that a stack in the sole account must create.
func (l Link) Role(partition account.Partition) account.RoleARN {
	return l.RoleIn(l.SoleAccount(), partition)
}

// Live returns the registrations whose role exists: see [Registration.Live].
func (c Customer) Live() []Registration {
	var live []Registration
	for _, r := range c.Registrations {
		if r.Live() {
			live = append(live, r)
		}
	}
	return live
}

// Current returns the registrations that are current for the customer, by account: at
// most one, unless the link is for an organization. A registration that was
// disconnected before the link was issued again is not current.
func (c Customer) Current() []Registration {
	var current []Registration
	for _, r := range c.Registrations {
		mine := c.Link.Scope == ScopeOrganization || !c.Link.SoleAccount().IsZero() && r.Account == c.Link.SoleAccount()
		if mine && (r.Live() || c.Link.hasExternalID(r.ExternalID)) {
			current = append(current, r)
		}
	}
	return current
}

// SoleRegistration returns the customer's current registration; false if there is
// none, or if the link is for an organization, which may have many.
func (c Customer) SoleRegistration() (Registration, bool) {
	all := c.Current()
	if len(all) == 0 || c.Link.Scope == ScopeOrganization {
		return Registration{}, false
	}
	return all[0], true
}
