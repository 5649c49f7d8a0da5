// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"testing"
	"time"
)

// A role without a stack is searched for after a minute, and then with pauses that double up to
// a day. Whenever passes run, each search is due in exactly one of them.
func TestSearchesUnderALinkAreDueWithGrowingPauses(t *testing.T) {
	t.Parallel()
	created := time.Date(2027, 3, 1, 12, 0, 30, 0, time.UTC)
	link := Link{CreatedAt: created}
	at := func(minutes int) time.Time { return created.Add(time.Duration(minutes) * time.Minute) }
	const days = 30
	want := []int{1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2047}
	for next := 2047 + 24*60; next <= days*24*60; next += 24 * 60 {
		want = append(want, next)
	}
	for _, every := range []int{1, 7, 60, 24*60 + 11} { // minutes between passes
		var due, expected []int
		for pass := 0; pass < days*24*60; pass += every {
			if link.DueBetween(at(pass), at(pass+every)) {
				due = append(due, pass)
			}
			if slices.ContainsFunc(want, func(look int) bool { return look > pass && look <= pass+every }) {
				expected = append(expected, pass)
			}
		}
		if !slices.Equal(due, expected) {
			t.Errorf("with passes every %d minutes, searches are due in those that begin at %v, want %v", every, due, expected)
		}
	}
	if !link.DueBetween(time.Unix(0, 0), at(1)) || link.DueBetween(time.Unix(0, 0), at(1).Add(-time.Second)) {
		t.Error("the first pass does not include a link that is a minute old, or includes a younger one")
	}
}

// If a link allows a role without a stack but none is ever searched for, there is a reason.
func TestNeverAwaitedReturnsItsReason(t *testing.T) {
	t.Parallel()
	vendor, customer := id("111111111111"), id("222222222222")
	all := map[string]func(*Link){
		"": func(*Link) {},
		"the link is not for one account that it names":                             func(l *Link) { l.Scope = ScopeOrganization },
		"the link is for the hub's own account":                                     func(l *Link) { l.Account = vendor },
		"the external ID is not one that the hub has issued, so others may know it": func(l *Link) { l.Issued = false },
	}
	for want, change := range all {
		link := Link{RegisterWithoutStack: true, Issued: true, Scope: ScopeAccount, Account: customer}
		change(&link)
		if got := link.NeverAwaited(vendor); got != want {
			t.Errorf("the reason is %q, want %q", got, want)
		}
		if link.RegisterWithoutStack = false; link.NeverAwaited(vendor) != "" {
			t.Errorf("a link that needs a stack has the reason %q", link.NeverAwaited(vendor))
		}
	}
}

// The pauses start again when the link is taken over or gets a new external ID.
func TestSearchesStartAgainAfterATakeoverOrRotation(t *testing.T) {
	t.Parallel()
	created, later := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC), time.Date(2027, 5, 1, 12, 0, 0, 0, time.UTC)
	for what, link := range map[string]Link{
		"taken over": {CreatedAt: created, Incarnation: Incarnation{Since: later}},
		"rotated":    {CreatedAt: created, PastExternalIDs: []PastExternalID{{Until: created}, {Until: later}}},
	} {
		if !link.DueBetween(later, later.Add(time.Minute)) {
			t.Errorf("%s: no search is due a minute later", what)
		}
	}
	if (Link{CreatedAt: created}).DueBetween(later, later.Add(time.Minute)) {
		t.Error("a link that is two months old is due every minute")
	}
}
