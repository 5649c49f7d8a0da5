// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

func adoptedRole(t *testing.T, name string) account.RoleARN {
	t.Helper()
	role, err := account.ParseRoleARN("arn:aws:iam::222222222222:role/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return role
}

func TestOnlyAProvenRoleOfAnOpenLinkIsAdopted(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	role := adoptedRole(t, "old")
	link := Link{Hub: "acme", CustomerID: "globex", Account: role.Account}
	stack := account.StackARN{Account: role.Account, Name: "s", GUID: "g"}
	for name, c := range map[string]struct {
		link   func(*Link)
		before *Registration
		proof  ProofOutcome
		want   string // part of the error; empty if the role is adopted
	}{
		"proven":              {proof: Proven},
		"over an adopted one": {proof: Proven, before: &Registration{Status: Degraded, Account: role.Account, CustomerID: "globex"}},
		"over a deleted stack": {proof: Proven, before: &Registration{Status: Disconnected, Stack: stack, Account: role.Account, CustomerID: "globex",
			Parameters: map[string]string{"a": "b"}, AdditionalRoles: map[string]account.RoleARN{"scanner": role}}},
		"over a live stack":      {proof: Proven, before: &Registration{Status: Active, Stack: stack}, want: "already connected"},
		"over a degraded stack":  {proof: Proven, before: &Registration{Status: Degraded, Stack: stack}, want: "already connected"},
		"refused":                {proof: Refused, want: "was not registered"},
		"open":                   {proof: Open, want: "was not registered"},
		"inconclusive":           {proof: Inconclusive, want: "could not be proven"},
		"a closed link":          {proof: Proven, link: func(l *Link) { l.Closed = true }, want: "is closed"},
		"an expired link":        {proof: Proven, link: func(l *Link) { l.ExpiresAt = now }, want: "is expired"},
		"a blocked customer":     {proof: Proven, link: func(l *Link) { l.Blocked = true }, want: "is blocked"},
		"another account's role": {proof: Proven, link: func(l *Link) { l.Account, _ = account.ParseID("333333333333") }, want: "declared with account"},
		"no account yet":         {proof: Proven, link: func(l *Link) { l.Scope, l.Account = ScopeAnyone, account.ID{} }, want: "set account_id first"},
		"an organization's link": {proof: Proven, link: func(l *Link) { l.Scope, l.Account = ScopeOrganization, account.ID{} }},
	} {
		t.Run(name, func(t *testing.T) {
			l := link
			if c.link != nil {
				c.link(&l)
			}
			reg, entry, err := Adopt(l, c.before, role, Proof{Outcome: c.proof}, now)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || entry != nil {
					t.Errorf("%v, %+v", err, entry)
				}
				return
			}
			if err != nil || reg.Status != Active || !reg.Adopted() || reg.Role != role || entry.Outcome != OutcomeAdopted {
				t.Errorf("%v, %+v, %+v", err, reg, entry)
			}
			if len(reg.Parameters)+len(reg.AdditionalRoles) > 0 {
				t.Errorf("an adopted role has values that a stack reported before: %+v", reg)
			}
			if event := EventOf(reg, *entry); event == nil || event.Kind != EventRegistered {
				t.Errorf("the event is %+v", event)
			}
		})
	}
}

func TestReleaseDisconnectsOnlyAnAdoptedRole(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	reg, entry := Release(Registration{Status: Degraded}, now)
	if entry == nil || reg.Status != Disconnected || entry.Before != Degraded {
		t.Errorf("%+v, %+v", reg, entry)
	}
	if event := EventOf(reg, *entry); event == nil || event.Kind != EventDisconnected {
		t.Errorf("the event is %+v", event)
	}
	for _, r := range []Registration{{Status: Disconnected}, {Status: Active, Stack: account.StackARN{Name: "s"}}} {
		if same, entry := Release(r, now); entry != nil || same.Status != r.Status {
			t.Errorf("%+v was released", r)
		}
	}
}

func TestAdoptedRolesAreNeverOutdated(t *testing.T) {
	link := Link{TemplateVersion: "new"}
	if (Registration{Status: Active}).Outdated(link) {
		t.Error("a registration without a stack is outdated")
	}
	if !(Registration{Status: Active, Stack: account.StackARN{Name: "s"}, TemplateVersion: "old"}).Outdated(link) {
		t.Error("an old stack is not outdated")
	}
}

func TestACustomersStackReplacesAnAdoption(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	role := adoptedRole(t, "acme-globex")
	stack := account.StackARN{Account: role.Account, Name: "s", GUID: "g"}
	adopted := Registration{Hub: "acme", CustomerID: "globex", Account: role.Account, Role: adoptedRole(t, "old"), Status: Active}
	d := newDecider(Case{Snapshot: Snapshot{Registration: &adopted}}, now)
	d.Request.Stack = stack
	if d.rival(role) != nil {
		t.Fatal("an adopted role is a rival of the customer's stack")
	}
	answer := Answer{Stack: stack, LogicalID: "PhoneHome", Change: Change{
		Kind: ChangeRegister, CustomerID: "globex", Role: role, Status: Active, SentAt: now, ProvenAt: now,
	}}
	got := Apply(Snapshot{Registration: &adopted}, answer, now).Registration
	if got == nil || got.Role != role || got.Stack != stack || got.Adopted() || len(got.Superseded) != 0 {
		t.Errorf("%+v", got)
	}
}
