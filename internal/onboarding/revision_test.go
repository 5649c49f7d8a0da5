// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// boundLink returns a link for anyone, bound to an account or, if it is empty, to none.
func boundLink(bound string) Link {
	link := *anyonesLink()
	if bound != "" {
		link.Bound = id(bound)
	}
	return link
}

func TestALinkKeepsItsPastAccounts(t *testing.T) {
	link := *testLink()
	moved := link
	moved.Account = id(strangers)
	moved = moved.Succeed(link, noon)
	back := moved
	back.Account = id(customers)
	back = back.Succeed(moved, noon.Add(time.Hour))
	want := []PastAccount{{id(customers), noon}, {id(strangers), noon.Add(time.Hour)}}
	if !slices.Equal(want, back.PastAccounts) {
		t.Errorf("past accounts: got %v, want %v", back.PastAccounts, want)
	}
	ids, ok := back.Accounts()
	if !ok || !slices.Equal([]account.ID{id(customers), id(strangers)}, ids) {
		t.Errorf("accounts: got %v, complete %t", ids, ok)
	}
	if same := link.Succeed(link, noon); len(same.PastAccounts) != 0 {
		t.Errorf("the current account is a past one: %v", same.PastAccounts)
	}
}

func TestALinksAccountsAreIncompleteForAnOrganization(t *testing.T) {
	link := *testLink()
	link.Scope = ScopeOrganization
	if _, ok := link.Accounts(); ok {
		t.Error("the accounts of an organization's link are complete")
	}
	alone := *testLink()
	alone = alone.Succeed(link, noon)
	if _, ok := alone.Accounts(); ok {
		t.Error("the accounts of a former organization are complete")
	}
}

func TestTheVendorsEndOfABindingStartsANewEpoch(t *testing.T) {
	bound := boundLink(customers)
	if same := bound.Succeed(bound, noon); same.BindingEpoch != 0 {
		t.Errorf("an unchanged binding has ended: epoch %d", same.BindingEpoch)
	}
	free := boundLink("").Succeed(bound, noon)
	if free.BindingEpoch != 1 {
		t.Errorf("epoch %d, want 1", free.BindingEpoch)
	}
	if again := boundLink("").Succeed(free, noon); again.BindingEpoch != 1 {
		t.Errorf("nothing was bound: epoch %d, want 1", again.BindingEpoch)
	}
	reserved := boundLink("")
	reserved.Reservation = &Reservation{Account: id(customers)}
	if ended := boundLink("").Succeed(reserved, noon); ended.BindingEpoch != 1 {
		t.Errorf("a reservation is not ended by the vendor's write: epoch %d, want 1", ended.BindingEpoch)
	}
}

func TestTheHistoryHasTheVendorsChangesOfALink(t *testing.T) {
	const by = "arn:aws:iam::111111111111:user/ci"
	link := *testLink()
	for name, c := range map[string]struct {
		before *Link
		change func(*Link)
		want   Outcome
		detail string
	}{
		"new":             {nil, func(*Link) {}, OutcomeIssued, ""},
		"another account": {&link, func(l *Link) { l.Account = id(strangers) }, OutcomeChanged, "account: 333333333333, was 222222222222"},
		"no account":      {&link, func(l *Link) { l.Account, l.Scope = account.ID{}, ScopeAnyone }, OutcomeChanged, "scope: anyone, was none; account: none, was 222222222222"},
		"expiry":          {&link, func(l *Link) { l.ExpiresAt = noon }, OutcomeChanged, "expires: 2026-03-02T12:00:00Z, was none"},
		"another role":    {&link, func(l *Link) { l.RoleName = "x" }, OutcomeChanged, "role: /x, was /acme-c1"},
		"template":        {&link, func(l *Link) { l.TemplateVersion = "v2" }, OutcomeChanged, "template version: v2, was v1"},
		"closed":          {&link, func(l *Link) { l.Closed = true }, OutcomeEnded, ""},
		"blocked":         {&link, func(l *Link) { l.Blocked, l.BlockedReason = true, "floods" }, OutcomeBlock, "reason of the block: floods, was none"},
		"reopened":        {&Link{CustomerID: "c1", Closed: true}, func(l *Link) { *l = Link{CustomerID: "c1"} }, OutcomeReopened, ""},
		"unblocked":       {&Link{CustomerID: "c1", Blocked: true}, func(l *Link) { *l = Link{CustomerID: "c1"} }, OutcomeUnblock, ""},
	} {
		after := link
		c.change(&after)
		entry := Revised(c.before, after, by, noon)
		if entry == nil {
			t.Errorf("%s: the history has no line", name)
			continue
		}
		if entry.Outcome != c.want || entry.Detail != c.detail || entry.By != by || !entry.At.Equal(noon) || entry.CustomerID != "c1" {
			t.Errorf("%s: got %+v", name, *entry)
		}
	}
	housekeeping := link
	housekeeping.FormerTemplates, housekeeping.Revision = []FormerTemplate{{Version: "v0"}}, 7
	if entry := Revised(&link, housekeeping, by, noon); entry != nil {
		t.Errorf("housekeeping has a line: %+v", *entry)
	}
	ended := boundLink("").Succeed(boundLink(customers), noon)
	if bound := boundLink(customers); !strings.Contains(Revised(&bound, ended, by, noon).Detail, customers) {
		t.Error("the end of a binding does not name the account")
	}
}
