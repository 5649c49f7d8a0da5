// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

func (s *story) block(blocked bool) {
	link := *s.link
	link.Blocked, link.BlockedAt, link.BlockedReason = blocked, s.now, "floods us"
	s.link = &link
}

func TestABlockedCustomerIsRefusedWithoutTheReason(t *testing.T) {
	s := newStory(t)
	s.block(true)
	a := s.does(phonehome.Create, first, nil)
	s.answered(a, phonehome.Failed, OutcomeBlocked)
	if s.reg != nil || strings.Contains(a.Response.Reason, "floods us") {
		t.Errorf("registered is %v, and the customer reads %q", s.reg, a.Response.Reason)
	}
	s.block(false)
	s.answered(s.does(phonehome.Create, second, nil), phonehome.Success, OutcomeRegistered)
}

func TestBlockingNeverBreaksALiveStack(t *testing.T) {
	back := func(r *phonehome.Request) { r.Properties, r.OldProperties = r.OldProperties, r.Properties }
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	s.block(true)
	before := *s.reg
	s.answered(s.does(phonehome.Update, first, nil), phonehome.Failed, OutcomeBlocked)
	s.answered(s.does(phonehome.Update, first, back), phonehome.Success, OutcomeRolledBack)
	s.is(Active, first, "PhoneHome")
	if s.reg.Role != before.Role || s.reg.ProvenAt != before.ProvenAt {
		t.Errorf("the registration changed from %+v to %+v without a proof", before, *s.reg)
	}
	s.answered(s.does(phonehome.Delete, first, nil), phonehome.Success, OutcomeDisconnected)
	s.is(Disconnected, first, "PhoneHome")
}

func TestARollbackToAnotherRoleIsDegradedWhileTheCustomerIsBlocked(t *testing.T) {
	other := func(r *phonehome.Request) { r.Properties.RoleARN = roleIn(customers, "other").String() }
	back := func(r *phonehome.Request) { r.Properties, r.OldProperties = r.OldProperties, r.Properties }
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	s.does(phonehome.Update, first, other)
	s.block(true)
	s.answered(s.does(phonehome.Update, first, back), phonehome.Success, OutcomeRolledBack)
	s.is(Degraded, first, "PhoneHome")
	if !strings.Contains(s.reg.Reason, "while the customer was blocked") {
		t.Errorf("the reason is %q", s.reg.Reason)
	}
}

func TestAnAnswerFromBeforeTheBlockIsCommitted(t *testing.T) {
	s := newStory(t)
	r, stored := s.send(phonehome.Create, first, nil)
	s.block(true)
	snapshot := s.snapshot(first)
	snapshot.Answer = &stored
	s.answered(Decide(Case{Snapshot: snapshot, Request: r}, s.now).Answer, phonehome.Success, OutcomeRegistered)
	s.commit(stored)
	s.is(Active, first, "PhoneHome")
}

func TestARefusedRequestOnlyAddsALineToTheHistory(t *testing.T) {
	s := newStory(t)
	s.role = Refused
	_, a := s.send(phonehome.Create, first, nil)
	got := s.commit(a)
	want := Transition{History: &HistoryEntry{
		At: s.now.Add(2 * time.Second), CustomerID: "c1", Account: id(customers), Stack: first, LogicalID: "PhoneHome",
		RequestID: a.RequestID, Request: phonehome.Create, Refused: true, Outcome: OutcomeRefused, Before: Pending, Status: Pending,
		Detail: strings.TrimSuffix(a.Response.Reason, " Help: https://acme.example/help"),
	}}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("the transition is (-want +got):\n%s", cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })))
	}

	s.role = Proven
	s.does(phonehome.Create, first, nil)
	s.role = Open
	_, a = s.send(phonehome.Update, first, nil)
	if h := s.commit(a).History; h == nil || h.Request != phonehome.Update || h.Outcome != OutcomeOpen || h.Status != Active {
		t.Errorf("the history of a refused Update is %+v", h)
	}
}

func TestARefusalWithoutACustomerHasNoHistory(t *testing.T) {
	s := newStory(t)
	s.link = nil
	_, a := s.send(phonehome.Create, first, nil)
	s.answered(a, phonehome.Failed, OutcomeUnknown)
	if got := s.commit(a); !got.Empty() {
		t.Errorf("a Create with an unknown external ID leaves %+v", got)
	}
}
