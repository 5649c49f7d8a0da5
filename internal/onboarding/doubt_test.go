// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// doubted returns the story of a stack whose Delete was never accepted, and whose role was
// refused at the deadline.
func doubted(t *testing.T) *story {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	_, a := s.send(phonehome.Delete, first, nil)
	a.Change.Kind, a.Outcome = ChangeDoubt, OutcomeDeleteUnconfirmed
	s.commit(a)
	return s
}

func TestADoubtDegradesAndLeavesNoTombstone(t *testing.T) {
	s := doubted(t)
	s.is(Degraded, first, "PhoneHome")
	if s.reg.DeleteDoubtedAt.IsZero() || !strings.Contains(s.reg.Reason, "may have deleted the stack acme-access") {
		t.Errorf("registered: %+v", *s.reg)
	}
	if r := s.stacks[first].Resources["PhoneHome"]; !r.DeletedAt.IsZero() {
		t.Errorf("the resource is %+v", r)
	}
}

func TestALaterRequestOfTheStackEndsTheDoubt(t *testing.T) {
	s := doubted(t)
	s.answered(s.does(phonehome.Update, first, nil), phonehome.Success, OutcomeUpdated)
	s.is(Active, first, "PhoneHome")
	if !s.reg.DeleteDoubtedAt.IsZero() {
		t.Error("the Delete is still in doubt")
	}
	again := doubted(t)
	again.answered(again.does(phonehome.Delete, first, nil), phonehome.Success, OutcomeDisconnected)
	again.is(Disconnected, first, "PhoneHome")
}

func TestADoubtOfAnotherResourceOrBeforeAnUpdateChangesNothing(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	_, a := s.send(phonehome.Delete, first, func(r *phonehome.Request) { r.LogicalID = "Another" })
	a.Change.Kind = ChangeDoubt
	if tr := Apply(s.snapshot(first), a, s.now); !tr.Empty() {
		t.Errorf("another resource: %+v", tr)
	}
	_, a = s.send(phonehome.Delete, first, nil)
	a.Change.Kind = ChangeDoubt
	s.now = s.now.Add(time.Minute)
	s.does(phonehome.Update, first, nil) // sent later than the Delete
	if tr := Apply(s.snapshot(first), a, s.now); !tr.Empty() {
		t.Errorf("overtaken: %+v", tr)
	}
}

func TestOnlyAWitnessedRefusalConfirmsADoubt(t *testing.T) {
	reg := *doubted(t).reg
	for _, test := range []struct {
		proof Proof
		want  RegistrationStatus
	}{
		{Proof{Outcome: Refused}, Degraded},
		{Proof{Outcome: Refused, Witnessed: true}, Disconnected},
		{Proof{Outcome: Open, Weakness: "without an external ID"}, Degraded},
		{Proof{Outcome: Inconclusive, Witnessed: true}, Degraded},
		{Proof{Outcome: Proven}, Active},
	} {
		got, _ := Health(reg, test.proof, noon.Add(time.Hour))
		if got.Status != test.want {
			t.Errorf("%+v: %s, want %s", test.proof, got.Status, test.want)
		}
		roleExists := test.proof.Outcome == Open || test.proof.Outcome == Proven
		if got.DeleteDoubtedAt.IsZero() != roleExists {
			t.Errorf("%+v: the doubt is from %s", test.proof, got.DeleteDoubtedAt)
		}
	}
	live := reg
	live.DeleteDoubtedAt = time.Time{}
	if got, _ := Health(live, Proof{Outcome: Refused, Witnessed: true}, noon.Add(time.Hour)); got.Status != Degraded {
		t.Errorf("a refusal without a doubt makes it %s", got.Status)
	}
}
