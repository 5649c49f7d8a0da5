// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// The outcomes of the vendor's changes of a link, for the history.
const (
	OutcomeIssued   Outcome = "link_created"
	OutcomeChanged  Outcome = "link_changed"
	OutcomeEnded    Outcome = "link_ended"
	OutcomeReopened Outcome = "link_reopened"
	OutcomeBlock    Outcome = "blocked"
	OutcomeUnblock  Outcome = "unblocked"
)

// Succeed returns the link as it is written over an earlier revision. PastAccounts
// includes the accounts that the vendor named before. If the vendor has ended the
// binding of a link with ScopeAnyone, BindingEpoch is the next one, so that earlier
// writes of the registrar are ignored.
func (l Link) Succeed(before Link, now time.Time) Link {
	l.ManyAccounts = before.ManyAccounts || before.Scope == ScopeOrganization && l.Scope != ScopeOrganization
	l.PastAccounts = before.PastAccounts
	for _, id := range []account.ID{before.Account, before.Bound} {
		if !id.IsZero() && id != l.Account && id != l.Bound {
			l.PastAccounts = withPastAccount(l.PastAccounts, PastAccount{id, now})
		}
	}
	l.PastExternalIDs = l.pastExternalIDs(before, now)
	l.BindingEpoch = before.BindingEpoch
	if bound := !before.Bound.IsZero() || before.Reservation != nil; bound && l.Bound.IsZero() && l.Reservation == nil {
		l.BindingEpoch++
	}
	return l
}

// withPastAccount returns the list with one more account. It does not change the
// given list.
func withPastAccount(list []PastAccount, past PastAccount) []PastAccount {
	others := slices.DeleteFunc(slices.Clone(list), func(p PastAccount) bool { return p.Account == past.Account })
	return append(others, past)
}

// Accounts returns every account in which the customer may have a registration, each
// once. ok is false if the scope of the link is or ever was an organization, because
// then the link does not name them.
func (l Link) Accounts() (ids []account.ID, ok bool) {
	if l.Scope == ScopeOrganization || l.ManyAccounts {
		return nil, false
	}
	ids = []account.ID{l.Account, l.Bound}
	for _, past := range l.PastAccounts {
		ids = append(ids, past.Account)
	}
	ids = sortedByText(ids)
	return slices.DeleteFunc(ids, account.ID.IsZero), true
}

// Revised returns the history entry of a change of a link by the vendor, with the
// principal and the time; before is nil for a new link. It returns nil if nothing
// changed that concerns the customer.
func Revised(before *Link, link Link, by string, now time.Time) *HistoryEntry {
	entry := HistoryEntry{At: now, CustomerID: link.CustomerID, Account: link.Account, Outcome: OutcomeIssued, By: by}
	if before == nil {
		return &entry
	}
	changes := differences(*before, link)
	switch {
	case before.Blocked != link.Blocked && link.Blocked:
		entry.Outcome = OutcomeBlock
	case before.Blocked != link.Blocked:
		entry.Outcome = OutcomeUnblock
	case before.Closed != link.Closed && link.Closed:
		entry.Outcome = OutcomeEnded
	case before.Closed != link.Closed:
		entry.Outcome = OutcomeReopened
	case len(changes) == 0:
		return nil
	default:
		entry.Outcome = OutcomeChanged
	}
	entry.Detail = strings.Join(changes, "; ")
	return &entry
}

// differences returns the changes from one link to another, as text.
func differences(a, b Link) []string {
	var changes []string
	note := func(what string, was, is any) {
		if was, is := fmt.Sprint(was), fmt.Sprint(is); was != is {
			changes = append(changes, fmt.Sprintf("%s: %s, was %s", what, orNone(is), orNone(was)))
		}
	}
	note("scope", a.Scope, b.Scope)
	note("account", a.Account, b.Account)
	note("organization", a.Organization, b.Organization)
	note("accounts of the organization", a.OnlyAccounts, b.OnlyAccounts)
	note("external ID", a.ExternalID, b.ExternalID)
	note("permission set", a.PermissionSet, b.PermissionSet)
	note("fleet", a.Fleet, b.Fleet)
	note("role", a.RolePath+a.RoleName, b.RolePath+b.RoleName)
	note("trusted principals", a.TrustedPrincipals, b.TrustedPrincipals)
	note("template version", a.TemplateVersion, b.TemplateVersion)
	note("owner", a.Owner, b.Owner)
	note("expires", timeText(a.ExpiresAt), timeText(b.ExpiresAt))
	note("reason of the block", a.BlockedReason, b.BlockedReason)
	if bound := a.Bound; !bound.IsZero() && a.BindingEpoch != b.BindingEpoch {
		changes = append(changes, fmt.Sprintf("no longer account %s's", bound))
	}
	return changes
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func orNone(s string) string {
	if s == "" || s == "[]" {
		return "none"
	}
	return s
}
