// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// told sends and commits a request, and describes its event.
func (s *story) told(kind phonehome.RequestType, stack string, change func(*phonehome.Request)) string {
	s.t.Helper()
	_, a := s.send(kind, stackIn(customers, stack), change)
	return tell(s.commit(a).Event)
}

func tell(e *Event) string {
	if e == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s: %s -> %s (%s) %d", e.Kind, e.Before, e.After.Status, e.Outcome, e.Sequence)
}

// proof applies the result of a round's proof, and describes its event.
func (s *story) proof(outcome ProofOutcome) string {
	reg, entry := Health(*s.reg, Proof{Outcome: outcome, Weakness: "without an external ID"}, s.now)
	if entry == nil {
		return "nothing"
	}
	e := EventOf(reg, *entry)
	reg.Revision++
	s.reg = &reg
	return tell(e)
}

func TestEventsReportTheStatusOfARoleInOrder(t *testing.T) {
	back := func(r *phonehome.Request) { r.Properties, r.OldProperties = r.OldProperties, r.Properties }
	s := newStory(t)
	var got []string
	play := func(told string) { got = append(got, told) }

	play(s.told(phonehome.Create, "first", nil))
	play(s.proof(Proven))
	play(s.proof(Refused))
	play(s.proof(Open))
	play(s.proof(Inconclusive))
	play(s.proof(Proven))
	play(s.told(phonehome.Update, "first", nil))
	s.role = Refused
	play(s.told(phonehome.Update, "first", back))
	s.role = Proven
	play(s.told(phonehome.Update, "first", nil))
	play(s.told(phonehome.Create, "second", nil))
	play(s.told(phonehome.Delete, "first", nil))
	play(s.told(phonehome.Delete, "second", nil))
	play(s.told(phonehome.Create, "third", nil))

	if diff := cmp.Diff([]string{
		"registered: pending -> active (registered) 1",
		"nothing",
		"degraded: active -> degraded (degraded) 2",
		"open: degraded -> degraded (found_open) 3", // the reason changed
		"nothing",
		"updated: degraded -> active (restored) 4",
		"updated: active -> active (updated) 5",
		"degraded: active -> degraded (rolled_back) 6",
		"updated: degraded -> active (rolled_back) 7",
		"registered: active -> active (registered) 8",
		"nothing", // the superseded stack
		"disconnected: active -> disconnected (disconnected) 10",
		"registered: disconnected -> active (registered) 11",
	}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestARepeatedCommitHasTheSameEventID(t *testing.T) {
	s := newStory(t)
	_, a := s.send(phonehome.Create, first, nil)
	now := s.now
	event := func() Event { return *Apply(s.snapshot(first), a, now).Event }
	if diff := cmp.Diff(event().ID, event().ID); diff != "" || len(event().ID) != 32 {
		t.Errorf("the ID of one event differs: %s", diff)
	}
	seen := map[string]bool{event().ID: true}
	s.commit(a)
	for range 3 {
		_, next := s.send(phonehome.Update, first, nil)
		e := s.commit(next).Event
		if seen[e.ID] {
			t.Errorf("two events have the ID %s", e.ID)
		}
		seen[e.ID] = true
	}
}

func TestARequestThatChangesNothingHasNoEvent(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	_, older := s.send(phonehome.Update, first, nil)
	s.does(phonehome.Update, first, nil)
	if e := s.commit(older).Event; e != nil {
		t.Errorf("a late Update has the event %s", tell(e))
	}
	s.role = Open
	if e := s.told(phonehome.Create, "second", nil); e != "nothing" {
		t.Errorf("a refused Create has the event %s", e)
	}
}
