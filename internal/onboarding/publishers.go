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

// Publishers are the accounts whose stacks may publish, in order and each
// once: those that an open link names, those with a stack whose Delete is
// still to come, and those for which the last of these ended within the grace
// period. A stack that may not publish its Delete cannot be deleted
// (aws-facts 1.14), so a live one always keeps its permission.
//
// Customers of one shard give that shard's publishers.
func Publishers(customers []Customer, now time.Time) []account.ID {
	var ids []account.ID
	for _, customer := range customers {
		if !customer.Link.Account.IsZero() && now.Before(customer.Link.endsAt(now).Add(Grace)) {
			ids = append(ids, customer.Link.Account)
		}
		for _, reg := range customer.Registrations {
			if reg.Live() || len(reg.Superseded) > 0 || now.Before(reg.ChangedAt.Add(Grace)) {
				ids = append(ids, reg.Account)
			}
		}
	}
	slices.SortFunc(ids, func(a, b account.ID) int { return strings.Compare(a.String(), b.String()) })
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
