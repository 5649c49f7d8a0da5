// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Grace is how long an account may publish after the last reason for its permission
// has ended, whatever the reason was: the customer may be about to create the stack,
// or the stack may be rolling back, while the vendor changes or destroys the link.
const Grace = 7 * 24 * time.Hour

// AllowedAccounts returns the accounts that have a reason to publish at the time
// since, or had one later, sorted and each once: those that an open link names, and
// those with a stack whose Delete is still to come. A stack that may not publish its
// Delete cannot be deleted (aws-facts 1.14), so an account with a live stack always
// keeps its permission.
//
// The caller passes the customers of one shard to get the accounts of that shard.
func AllowedAccounts(customers []Customer, since time.Time) []account.ID {
	var ids []account.ID
	for _, customer := range customers {
		if customer.Link.needed(since) {
			for _, id := range []account.ID{customer.Link.Account, customer.Link.Bound} {
				if !id.IsZero() {
					ids = append(ids, id)
				}
			}
		}
		for _, reg := range customer.Registrations {
			if reg.needed(since) {
				ids = append(ids, reg.Account)
			}
		}
	}
	return sortedByText(ids)
}

// AllowedOrganizations returns the organizations all of whose accounts may publish,
// by the same rule: an open link names the organization, or a stack from such a link
// is live.
func AllowedOrganizations(customers []Customer, since time.Time) []account.OrganizationID {
	var ids []account.OrganizationID
	for _, customer := range customers {
		link := customer.Link
		needed := func(r Registration) bool { return r.needed(since) }
		if !link.Organization.IsZero() && (link.needed(since) || slices.ContainsFunc(customer.Registrations, needed)) {
			ids = append(ids, link.Organization)
		}
	}
	return sortedByText(ids)
}

// needed reports whether the link was open at the time since, or later.
func (l Link) needed(since time.Time) bool {
	return (!l.Closed || since.Before(l.ClosedAt)) && (l.ExpiresAt.IsZero() || since.Before(l.ExpiresAt))
}

// needed reports whether a stack of the registration was live at the time since, or
// later.
func (r Registration) needed(since time.Time) bool {
	return r.Live() || len(r.Superseded) > 0 || since.Before(r.ChangedAt)
}

func sortedByText[T interface {
	comparable
	String() string
}](ids []T) []T {
	slices.SortFunc(ids, func(a, b T) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(ids)
}
