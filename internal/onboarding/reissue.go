// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Reissue returns a link as it is issued once more to a customer of whom there is
// a record, open or closed: for the same account or organization, under the
// external ID that it had; for another, under that of the next generation, which
// the caller has to set, because what was known of the customer then must open
// nothing now.
//
// Terraform plans a replacement while the link is open and applies it when the
// link is closed, so the result does not depend on which it is. Only a link
// for anyone has no account to go by: it stays the same customer's if continued
// says that it is not closed, or was closed for this very issue.
func (c Customer) Reissue(next Link, continued bool) Link {
	if c.sameTarget(next, continued) || c.livesIn(next) {
		next.Generation, next.ExternalID = c.Link.Generation, c.Link.ExternalID
		return next
	}
	next.Generation, next.ExternalID = c.Link.Generation+1, account.ExternalID{}
	next.Bound, next.Reservation = account.ID{}, nil
	return next
}

// sameTarget reports whether a link is for whom the customer's record is.
func (c Customer) sameTarget(next Link, continued bool) bool {
	switch next.Scope {
	case ScopeAccount:
		return next.Account == c.Link.Sole()
	case ScopeOrganization:
		return next.Organization == c.Link.Organization
	case ScopeAnyone:
		return continued && c.Link.Scope == ScopeAnyone
	}
	return false
}

// livesIn reports whether a stack lives that the link would be for.
func (c Customer) livesIn(next Link) bool {
	return slices.ContainsFunc(c.Live(), func(r Registration) bool { return next.Admits(r.Account) })
}
