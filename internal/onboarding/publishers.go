// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Grace is how long an account may publish after the last reason for it has
// gone: its owner may be pressing Create stack while the vendor runs destroy.
const Grace = 7 * 24 * time.Hour

// AllowedAccounts returns the accounts whose stacks may publish, sorted and each
// once: those that an open link names, those with a stack whose Delete is
// still to come, and those for which the last of these ended within the grace
// period. A stack that may not publish its Delete cannot be deleted
// (aws-facts 1.14), so a live one always keeps its permission.
//
// Customers of one shard give that shard's publishers.
func AllowedAccounts(customers []Customer, now time.Time) []account.ID {
	var ids []account.ID
	for _, customer := range customers {
		if customer.Link.needed(now) {
			for _, id := range []account.ID{customer.Link.Account, customer.Link.Bound} {
				if !id.IsZero() {
					ids = append(ids, id)
				}
			}
		}
		for _, reg := range customer.Registrations {
			if reg.needed(now) {
				ids = append(ids, reg.Account)
			}
		}
	}
	return sortedByText(ids)
}

// AllowedOrganizations returns those all of whose accounts may publish, by the same rule:
// while an open link names it, or a stack that came of that link lives, or the
// last of these ended within the grace period.
func AllowedOrganizations(customers []Customer, now time.Time) []account.OrganizationID {
	var ids []account.OrganizationID
	for _, customer := range customers {
		link := customer.Link
		needed := func(r Registration) bool { return r.needed(now) }
		if !link.Organization.IsZero() && (link.needed(now) || slices.ContainsFunc(customer.Registrations, needed)) {
			ids = append(ids, link.Organization)
		}
	}
	return sortedByText(ids)
}

func (l Link) needed(now time.Time) bool { return now.Before(l.endsAt(now).Add(Grace)) }

func (r Registration) needed(now time.Time) bool {
	return r.Live() || len(r.Superseded) > 0 || now.Before(r.ChangedAt.Add(Grace))
}

func sortedByText[T interface {
	comparable
	String() string
}](ids []T) []T {
	slices.SortFunc(ids, func(a, b T) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(ids)
}

// endsAt is when the link stopped being open; now, where it has not.
func (l Link) endsAt(now time.Time) time.Time {
	end := now
	if l.Closed && l.ClosedAt.Before(end) {
		end = l.ClosedAt
	}
	if !l.ExpiresAt.IsZero() && l.ExpiresAt.Before(end) {
		end = l.ExpiresAt
	}
	return end
}
