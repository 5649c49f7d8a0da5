// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// A customer who creates the role directly in IAM sends no phone-home. If the vendor
// allows it, health rounds look for the role under the open link, and register it
// after a full proof. Only a principal with IAM permissions in that account can have
// configured the external ID there, and a refused attempt reveals nothing to the
// account (aws-facts 12.14).
//
// Nothing about the role is guessed: the link names one account, the hub has issued
// the external ID, and the vendor defines the path and the name of the role.

// The limits of looking for roles.
const (
	// maxAwaited is the maximum number of open links for one account under which
	// roles are looked for, so that an account does not receive too many attempts.
	maxAwaited = 3
	// minPause and maxPause are the shortest and the longest time between two
	// attempts for a link.
	minPause = time.Minute
	maxPause = 24 * time.Hour
	// departureAfter is how long a role without a stack has to be refused until its
	// customer counts as having left.
	departureAfter = 7 * 24 * time.Hour
)

// Awaited returns the registration that a role created without a stack would have; ok
// is false if no such role is looked for. A role that was disconnected is looked for
// again only if it was registered without a stack.
func (c Customer) Awaited(hub Hub, now time.Time) (role Registration, ok bool) {
	l := c.Link
	if !l.RegisterWithoutStack || l.NeverAwaited(hub.Account) != "" || l.ChoosesPath() || !l.canRecover(now) {
		return Registration{}, false
	}
	role = Registration{Hub: l.Hub, CustomerID: l.CustomerID, Account: l.Account}
	for _, r := range c.Registrations {
		if r.Account != l.Account {
			continue
		}
		if r.Live() || !r.WithoutStack {
			return Registration{}, false
		}
		role = r
	}
	role.Role, role.ExternalID = l.RoleIn(l.Account, hub.Region.Partition()), l.ExternalID
	return role, true
}

// NeverAwaited returns why no role is looked for under a link although the vendor
// allows roles without a stack; empty if one is looked for, or the vendor does not
// allow it.
func (l Link) NeverAwaited(vendor account.ID) string {
	switch {
	case !l.RegisterWithoutStack:
		return ""
	case l.Scope != ScopeAccount || l.Account.IsZero():
		return "the link is not for one account that it names"
	case l.Account == vendor:
		return "the link is for the hub's own account"
	case !l.Issued:
		return "the external ID is not one that the hub has issued, so others may know it"
	}
	return ""
}

// Awaiting returns the customers whose roles are looked for at the time now: for each
// account those of its first links only, with the youngest links first.
func Awaiting(customers []Customer, hub Hub, now time.Time) []Customer {
	var all []Customer
	for _, c := range customers {
		if _, ok := c.Awaited(hub, now); ok {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b Customer) int {
		if order := a.Link.awaitedSince().Compare(b.Link.awaitedSince()); order != 0 {
			return order
		}
		return strings.Compare(a.Link.CustomerID, b.Link.CustomerID)
	})
	of := map[account.ID]int{}
	all = slices.DeleteFunc(all, func(c Customer) bool {
		of[c.Link.Account]++
		return of[c.Link.Account] > maxAwaited
	})
	slices.Reverse(all)
	return all
}

// awaitedSince returns the time from which on the role may exist.
func (l Link) awaitedSince() time.Time {
	since := l.CreatedAt
	if l.Incarnation.Since.After(since) {
		since = l.Incarnation.Since
	}
	if n := len(l.PastExternalIDs); n > 0 && l.PastExternalIDs[n-1].Until.After(since) {
		since = l.PastExternalIDs[n-1].Until
	}
	return since
}

// DueBetween reports whether an attempt for the link is due later than after and not
// later than until. The pauses between attempts grow from a minute to a day.
func (l Link) DueBetween(after, until time.Time) bool {
	at, pause := l.awaitedSince(), minPause
	if settled := l.settledPause(); after.After(settled) { // from then on, every pause is a day
		at, pause = settled.Add(after.Sub(settled).Truncate(maxPause)), maxPause
	}
	for at = at.Add(pause); !at.After(until); at = at.Add(pause) {
		if at.After(after) {
			return true
		}
		pause = min(2*pause, maxPause)
	}
	return false
}

// settledPause returns the time of the first attempt after which every pause is a
// day.
func (l Link) settledPause() time.Time {
	at := l.awaitedSince()
	for pause := minPause; pause < maxPause; pause *= 2 {
		at = at.Add(pause)
	}
	return at
}

// RegisterFound returns the registration of a role that Awaited has returned, after
// the full proof. The entry is nil if the proof did not succeed.
func RegisterFound(reg Registration, proof Proof, now time.Time) (Registration, *HistoryEntry) {
	if proof.Outcome != Proven {
		return reg, nil
	}
	was := reg.Status
	if was == "" {
		was = Pending
	}
	reg.WithoutStack, reg.Status, reg.Reason, reg.Open = true, Active, "", false
	reg.PreviousExternalID = account.ExternalID{}
	reg.RegisteredAt, reg.ProvenAt, reg.ChangedAt = now, now, now
	entry := adoption(reg, OutcomeRegistered, was)
	entry.Detail = reasonWithoutStack
	return reg, entry
}

// Rotate returns the registration of a role without a stack after a full proof with
// the link's external ID, which is not the registered one: no phone-home reports that
// change. The role may still accept the previous external ID.
func (r Registration) Rotate(link Link, now time.Time) (Registration, *HistoryEntry) {
	was := r.Status
	r.PreviousExternalID, r.ExternalID = r.ExternalID, link.ExternalID
	r.Status, r.Reason, r.Open = Active, "", false
	r.ProvenAt, r.ChangedAt = now, now
	entry := adoption(r, OutcomeUpdated, was)
	entry.Detail = reasonRotated
	return r, entry
}

// FinishRotation returns the registration of a role without a stack after the previous
// external ID was refused.
func (r Registration) FinishRotation(now time.Time) (Registration, *HistoryEntry) {
	was := r.Status
	r.PreviousExternalID, r.ChangedAt = account.ExternalID{}, now
	entry := adoption(r, OutcomeUpdated, was)
	entry.Detail = reasonRotationEnded
	return r, entry
}

// MissingAdditionalRoles returns the probes of the additional roles that the vendor
// declares and that are not in the registration of a role without a stack: no
// phone-home reports that the customer has created them.
func (r Registration) MissingAdditionalRoles(link Link) []Probe {
	if !r.WithoutStack {
		return nil
	}
	var probes []Probe
	for _, a := range link.AdditionalRoles {
		if role := a.In(r.Role); r.AdditionalRoles[a.Key] != role {
			probes = append(probes, link.AdditionalProbe(a.Key, role, r.ExternalID))
		}
	}
	return probes
}

// WithAdditionalRoles returns the registration of a role without a stack with the
// additional roles that passed the full proof, and without those that the vendor no
// longer declares, because the customer may have removed them. The entry is nil if
// nothing changes.
func (r Registration) WithAdditionalRoles(link Link, found []account.RoleARN, now time.Time) (Registration, *HistoryEntry) {
	if !r.WithoutStack {
		return r, nil
	}
	var roles map[string]account.RoleARN
	for _, a := range link.AdditionalRoles {
		if role := a.In(r.Role); r.AdditionalRoles[a.Key] == role || slices.Contains(found, role) {
			if roles == nil {
				roles = map[string]account.RoleARN{}
			}
			roles[a.Key] = role
		}
	}
	if maps.Equal(roles, r.AdditionalRoles) {
		return r, nil
	}
	was := r.Status
	r.AdditionalRoles, r.ChangedAt = roles, now
	entry := adoption(r, OutcomeUpdated, was)
	entry.Detail = reasonAdditionalRoles
	return r, entry
}
