// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

func TestAReissuedLinkKeepsItsExternalIDOnlyForTheSameAccount(t *testing.T) {
	bound := func(in string) *Link {
		link := anyonesLink()
		link.Bound = id(in)
		return link
	}
	other := must(account.ParseOrganizationID("o-zzzzzzzzzz"))
	elsewhere := organizationLink()
	elsewhere.Organization = other
	for name, c := range map[string]struct {
		record    *Link
		live      string // account of a live stack, if any
		next      func(*Link)
		continued bool
		same      bool
	}{
		"the same account":                       {record: testLink(), same: true},
		"another account":                        {record: testLink(), next: func(l *Link) { l.Account = id(members) }},
		"another account, in the same operation": {record: testLink(), next: func(l *Link) { l.Account = id(members) }, continued: true},
		"the same organization":                  {record: organizationLink(), same: true},
		"fewer accounts of it":                   {record: organizationLink(), next: func(l *Link) { l.OnlyAccounts = []account.ID{id(members)} }, same: true},
		"another organization":                   {record: elsewhere, next: func(l *Link) { l.Organization = organization() }},
		"anyone, in the same operation":          {record: bound(members), continued: true, same: true},
		"anyone, later":                          {record: bound(members)},
		"anyone, after an account":               {record: testLink(), next: func(l *Link) { *l = *anyonesLink() }, continued: true},
		"the account that was bound":             {record: bound(members), next: func(l *Link) { l.Scope, l.Account = ScopeAccount, id(members) }, same: true},
		"another than the bound account":         {record: bound(members), next: func(l *Link) { l.Scope, l.Account = ScopeAccount, id(another) }},
		"an account, after none":                 {record: anyonesLink(), next: func(l *Link) { l.Scope, l.Account = ScopeAccount, id(another) }},
		"an organization with the live stack":    {record: testLink(), live: customers, next: func(l *Link) { *l = *organizationLink() }, same: true},
		"an organization without the live stack": {record: testLink(), live: customers, next: func(l *Link) { *l = *organizationLink(id(members)) }},
		"an organization, and no live stack":     {record: testLink(), next: func(l *Link) { *l = *organizationLink() }},
	} {
		for _, isClosed := range []bool{false, true} {
			before := *c.record
			before.Generation, before.Closed = 3, isClosed
			next := before
			if c.next != nil {
				c.next(&next)
			}
			customer := Customer{Link: before}
			if c.live != "" {
				customer.Registrations = []Registration{{Account: id(c.live), Status: Active}}
			}
			got := customer.Reissue(next, c.continued)
			if same := got.ExternalID == before.ExternalID && got.Generation == 3 && got.Bound == next.Bound; same != c.same {
				t.Errorf("%s (closed: %t): generation %d, external ID %q, bound to %q", name, isClosed, got.Generation, got.ExternalID, got.Bound)
			}
			if !c.same && (got.Generation != 4 || !got.ExternalID.IsZero() || !got.Bound.IsZero()) {
				t.Errorf("%s (closed: %t): not reset: generation %d, external ID %q, bound to %q", name, isClosed, got.Generation, got.ExternalID, got.Bound)
			}
		}
	}
}
