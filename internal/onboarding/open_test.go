// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// An open role is degraded like one that can't be assumed, but it is worse: other accounts may
// be able to assume it.

func TestAnOpenRoleIsDegradedWithItsOwnReasonAndEvent(t *testing.T) {
	open := Proof{Outcome: Open, Weakness: "with a wrong external ID"}
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	found, entry := Health(*s.reg, open, noon.Add(time.Hour))
	if found.Status != Degraded || !found.Open || !strings.Contains(found.Reason, "with a wrong external ID, so others can get in") {
		t.Errorf("it is %s, open: %t: %s", found.Status, found.Open, found.Reason)
	}
	if entry.Outcome != OutcomeFoundOpen {
		t.Errorf("the history says %s", entry.Outcome)
	}
	if e := EventOf(found, *entry); e == nil || e.Kind != EventOpen {
		t.Errorf("the event is %+v", e)
	}
	if _, entry := Health(found, open, noon.Add(2*time.Hour)); entry != nil {
		t.Errorf("the same finding again has the entry %+v", entry)
	}
	if same, entry := Health(found, Proof{Outcome: Inconclusive}, noon.Add(2*time.Hour)); entry != nil || !same.Open {
		t.Errorf("an inconclusive proof has the entry %+v, open: %t", entry, same.Open)
	}
	for _, proof := range []Proof{{Outcome: Refused}, {Outcome: Proven}} {
		if closed, entry := Health(found, proof, noon.Add(2*time.Hour)); closed.Open || entry == nil {
			t.Errorf("%s: open %t, history %+v", proof.Outcome, closed.Open, entry)
		}
	}
}

func TestADegradedRoleThatIsFoundOpenHasAnotherEvent(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	refused, _ := Health(*s.reg, Proof{Outcome: Refused}, noon.Add(time.Hour))
	open, entry := Health(refused, Proof{Outcome: Open, Weakness: "without an external ID"}, noon.Add(2*time.Hour))
	if e := EventOf(open, *entry); e == nil || e.Kind != EventOpen {
		t.Errorf("the event is %+v", e)
	}
}

func TestARollbackToAnOpenRoleHasTheEventOpen(t *testing.T) {
	back := func(r *phonehome.Request) { r.Properties, r.OldProperties = r.OldProperties, r.Properties }
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	s.does(phonehome.Update, first, nil)
	s.role = Open
	_, a := s.send(phonehome.Update, first, back)
	s.answered(a, phonehome.Success, OutcomeRolledBack)
	tr := s.commit(a)
	if !s.reg.Open || s.reg.Status != Degraded || tr.Event == nil || tr.Event.Kind != EventOpen {
		t.Errorf("registered %+v, event %+v", *s.reg, tr.Event)
	}
	s.role = Proven
	s.does(phonehome.Update, first, nil)
	if s.reg.Open || s.reg.Status != Active {
		t.Errorf("closed again: %+v", *s.reg)
	}
}
