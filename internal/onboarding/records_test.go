// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// same compares whole records, because no other test fails if a field is never written.

func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(
		account.ID{}, account.Region{}, account.RoleARN{}, account.StackARN{}, account.ExternalID{},
	)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestARegistrationIsRecordedCompletely(t *testing.T) {
	s := newStory(t)
	a := s.does(phonehome.Create, first, func(r *phonehome.Request) {
		r.Properties.GrantedPermissions, r.Properties.Parameters = []string{"billing"}, map[string]string{"bucket": "b"}
	})
	at := s.now.Add(2 * time.Second)
	same(t, "the registration", Registration{
		Hub: "acme", CustomerID: "c1", Account: id(customers), Role: roleIn(customers, "acme-c1"), ExternalID: s.link.ExternalID,
		Stack: first, LogicalID: "PhoneHome", PhysicalID: a.Response.PhysicalResourceID, RequestedAt: s.now, Status: Active,
		TemplateVersion: "v1", GrantedPermissions: []string{"billing"}, Parameters: map[string]string{"bucket": "b"},
		RegisteredAt: at, ProvenAt: s.now.Add(time.Second), ChangedAt: at, Revision: 1,
	}, *s.reg)
	stack := s.stacks[first]
	if stack.ID != first || stack.CustomerID != "c1" {
		t.Errorf("the stack's record is of %s, customer %q", stack.ID, stack.CustomerID)
	}
}

func TestACommitsHistoryAndEventAreComplete(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	_, a := s.send(phonehome.Delete, first, nil)
	transition := s.commit(a)
	at := s.now.Add(2 * time.Second)
	entry := HistoryEntry{
		At: at, CustomerID: "c1", Account: id(customers), Stack: first, LogicalID: "PhoneHome", RequestID: a.RequestID,
		Request: phonehome.Delete, Outcome: OutcomeDisconnected, Before: Active, Status: Disconnected, Detail: reasonDeleted(first),
	}
	same(t, "the history's line", entry, *transition.History)
	e := transition.Event
	if e == nil || !e.At.Equal(at) || e.RequestID != a.RequestID || e.Before != Active || e.After.Status != Disconnected || !e.After.ChangedAt.Equal(at) {
		t.Errorf("the event is %+v", e)
	}
}

func TestTheResultOfARoundIsRecordedCompletely(t *testing.T) {
	reg, now := *registered(first).Registration, noon.Add(time.Hour)
	next, entry := Health(reg, Proof{Outcome: Refused}, now)
	want := reg
	want.Status, want.Reason, want.ChangedAt = Degraded, reasonOf(Proof{Outcome: Refused}), now
	same(t, "the registration", want, next)
	same(t, "the history's line", HistoryEntry{
		At: now, CustomerID: "c1", Account: id(customers), Stack: first, LogicalID: "PhoneHome",
		Outcome: OutcomeDegraded, Before: Active, Status: Degraded, Detail: want.Reason,
	}, *entry)
	// Each of these is a change by itself.
	for name, proof := range map[string]Proof{
		"another reason": {Outcome: Open, Weakness: "without an external ID"},
		"it works again": {Outcome: Proven},
	} {
		if _, entry := Health(next, proof, now); entry == nil {
			t.Errorf("%s: no change", name)
		}
	}
	if again, entry := Health(next, Proof{Outcome: Refused}, now.Add(time.Hour)); entry != nil || !again.ChangedAt.Equal(now) {
		t.Errorf("the same finding again is a change: %+v", entry)
	}
}

func TestAnAdoptionAndItsReleaseAreRecordedCompletely(t *testing.T) {
	role, link := roleIn(customers, "old"), testLink()
	reg, entry, err := Adopt(*link, nil, role, Proof{Outcome: Proven}, noon)
	if err != nil {
		t.Fatal(err)
	}
	adopted := Registration{
		Hub: "acme", CustomerID: "c1", Account: id(customers), Role: role, ExternalID: link.ExternalID, Status: Active,
		RegisteredAt: noon, ProvenAt: noon, ChangedAt: noon,
	}
	same(t, "the registration", adopted, reg)
	line := HistoryEntry{At: noon, CustomerID: "c1", Account: id(customers), Outcome: OutcomeAdopted, Before: Pending, Status: Active}
	same(t, "the history's line", line, *entry)

	before := *after(registered(first), deletion(first)).Registration
	before.GrantedPermissions, before.Parameters = []string{"billing"}, map[string]string{"bucket": "b"}
	reg, entry, err = Adopt(*link, &before, role, Proof{Outcome: Proven}, noon)
	if err != nil {
		t.Fatal(err)
	}
	adopted.Revision, line.Before = before.Revision, Disconnected
	same(t, "the registration over a former one", adopted, reg)
	same(t, "its line", line, *entry)

	later := noon.Add(time.Hour)
	released, entry := Release(reg, later)
	adopted.Status, adopted.Reason, adopted.ChangedAt = Disconnected, reasonReleased, later
	same(t, "the released registration", adopted, released)
	line.At, line.Outcome, line.Before, line.Status, line.Detail = later, OutcomeReleased, Active, Disconnected, reasonReleased
	same(t, "its line", line, *entry)
}
