// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Reissue returns a link as it is issued again to a customer that has a record, open
// or closed. For the same account or organization it has the same external ID; for
// another one it has the next generation, whose external ID the caller has to set,
// because an external ID of the earlier generation must not work any more.
//
// Terraform plans a replacement while the link is open and applies it when the link
// is closed, so the result does not depend on which it is. Only a link with
// ScopeAnyone has no account to compare: it stays the same customer's if continued is
// true, which means that it is not closed, or was closed in order to issue this link.
func (c Customer) Reissue(next Link, continued bool) Link {
	if c.sameTarget(next, continued) || c.hasLiveStackFor(next) {
		next.Generation, next.ExternalID = c.Link.Generation, c.Link.ExternalID
		return next
	}
	next.Generation, next.ExternalID = c.Link.Generation+1, account.ExternalID{}
	next.Bound, next.Reservation = account.ID{}, nil
	return next
}

// sameTarget reports whether a link is for the same account or organization as the
// customer's record.
func (c Customer) sameTarget(next Link, continued bool) bool {
	switch next.Scope {
	case ScopeAccount:
		return next.Account == c.Link.SoleAccount()
	case ScopeOrganization:
		return next.Organization == c.Link.Organization
	case ScopeAnyone:
		return continued && c.Link.Scope == ScopeAnyone
	}
	return false
}

// hasLiveStackFor reports whether the customer has a live stack in an account that the
// link is for.
func (c Customer) hasLiveStackFor(next Link) bool {
	return slices.ContainsFunc(c.Live(), func(r Registration) bool { return next.Admits(r.Account) })
}
