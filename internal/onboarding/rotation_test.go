// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// rotatedStory returns the story of a connected customer whose link was rotated twice, through
// the external IDs old, middle and new.
func rotatedStory(t *testing.T) *story {
	s := newStory(t)
	s.link.ExternalID = external("old")
	s.does(phonehome.Create, first, speaking("old", ""))
	for i, next := range []string{"middle", "new"} {
		link := *s.link
		link.ExternalID, link.ExternalIDVersion = external(next), i+2
		link = link.Succeed(*s.link, s.now)
		s.link = &link
	}
	return s
}

// speaking sets a request's external IDs, and for an Update those of its old properties.
func speaking(id, previous string, before ...string) func(*phonehome.Request) {
	return func(r *phonehome.Request) {
		r.Properties.ExternalID, r.Properties.PreviousExternalID, r.Properties.TemplateVersion = id, previous, "v1"
		if r.Type == phonehome.Update {
			r.OldProperties = r.Properties
			r.OldProperties.ExternalID, r.OldProperties.PreviousExternalID = before[0], before[1]
		}
	}
}

func (s *story) registers(id, previous string) {
	s.t.Helper()
	if s.reg.ExternalID.String() != id || s.reg.PreviousExternalID.String() != previous {
		s.t.Errorf("registered are %q and, as the previous one, %q; want %q and %q", s.reg.ExternalID, s.reg.PreviousExternalID, id, previous)
	}
}

func TestAConnectedStackMayChangeOnlyToTheLinksExternalID(t *testing.T) {
	for name, c := range map[string]struct {
		id, previous string
		want         Outcome
		says         string
	}{
		"the link's":                              {"new", "old", OutcomeUpdated, ""},
		"without the one before":                  {"new", "", OutcomeUpdated, ""},
		"the link's, and a past one of its own":   {"new", "middle", OutcomeUpdated, ""},
		"the registered one":                      {"old", "", OutcomeUpdated, ""},
		"one that was never the stack's":          {"middle", "old", OutcomeChangedExternalID, "cannot change to this one"},
		"another's":                               {"anothers", "old", OutcomeChangedExternalID, "cannot change to this one"},
		"the link's, and another's as the second": {"new", "anothers", OutcomeChangedExternalID, "PreviousExternalId of this stack is no external ID"},
	} {
		t.Run(name, func(t *testing.T) {
			s := rotatedStory(t)
			a := s.does(phonehome.Update, first, func(r *phonehome.Request) {
				speaking(c.id, c.previous, "old", "")(r)
				r.Properties.TemplateVersion = "v2"
			})
			if a.Outcome != c.want || !strings.Contains(a.Response.Reason, c.says) {
				t.Errorf("%s: %s", a.Outcome, a.Response.Reason)
			}
			if c.want == OutcomeUpdated {
				s.registers(c.id, c.previous)
				return
			}
			s.registers("old", "")
			if strings.Contains(a.Response.Reason, "anothers") || strings.Contains(a.Response.Reason, "middle") {
				t.Errorf("the reason contains an external ID: %s", a.Response.Reason)
			}
		})
	}
}

func TestAnUnprovenRotationKeepsTheRegisteredExternalID(t *testing.T) {
	for _, outcome := range []ProofOutcome{Refused, Open} {
		s := rotatedStory(t)
		s.role = outcome
		s.does(phonehome.Update, first, speaking("new", "old", "old", ""))
		if s.reg.ExternalID != external("old") {
			t.Errorf("role %s: registered is %s", outcome, s.reg.ExternalID)
		}
	}
}

func TestARollbackRegistersTheFormerExternalIDAgain(t *testing.T) {
	s := rotatedStory(t)
	s.does(phonehome.Update, first, speaking("new", "old", "old", ""))
	s.registers("new", "old")
	a := s.does(phonehome.Update, first, speaking("old", "", "new", "old"))
	s.answered(a, phonehome.Success, OutcomeRolledBack)
	s.registers("old", "")
	if r := *s.reg; !r.Rotating(*s.link) || r.Status != Active {
		t.Errorf("after the rollback the registration is %+v", r)
	}
}

// A rollback to an external ID that was never the customer's does not register it.
func TestARollbackNeverRegistersAnotherExternalID(t *testing.T) {
	s := rotatedStory(t)
	snapshot := s.snapshot(first)
	snapshot.Promised = true
	r := testRequest(phonehome.Update, first)
	speaking("anothers", "", "old", "")(&r)
	r.SentAt = s.now.Add(time.Minute)
	asked := proving(Case{Snapshot: snapshot, Request: r}, r.SentAt, func(p Probe) Proof {
		if p.ExternalID != external("old") {
			t.Errorf("the role is proven with %s", p.ExternalID)
		}
		return Proof{Outcome: Proven}
	})
	if id := asked.Answer.Change.ExternalID; id != external("old") {
		t.Errorf("the rollback registers %s", id)
	}
}

func TestANewStackMustHaveOnlyTheLinksExternalID(t *testing.T) {
	second := stackIn(customers, "second")
	for _, c := range []struct {
		id, previous string
		want         Outcome
	}{
		{"new", "", OutcomeRegistered},
		{"new", "old", OutcomeRetired},
		{"middle", "", OutcomeRetired},
		{"old", "", OutcomeRetired},
	} {
		s := rotatedStory(t)
		if a := s.does(phonehome.Create, second, speaking(c.id, c.previous)); a.Outcome != c.want {
			t.Errorf("%s with the previous %q: %s, want %s", c.id, c.previous, a.Outcome, c.want)
		}
	}
}

func TestANewGenerationForgetsPastExternalIDs(t *testing.T) {
	before := Link{ExternalID: external("old"), PastExternalIDs: []PastExternalID{{ID: external("older")}}}
	after := Link{Generation: 1, ExternalID: external("new")}.Succeed(before, noon)
	if after.PastExternalIDs != nil {
		t.Errorf("the new generation has %v", after.PastExternalIDs)
	}
	again := Link{ExternalID: external("old")}.Succeed(before, noon)
	if len(again.PastExternalIDs) != 1 || !again.hadExternalID("older") {
		t.Errorf("a write that changes nothing leaves %v", again.PastExternalIDs)
	}
}

func TestARotationIsOverdueAfterThirtyDays(t *testing.T) {
	link := Link{ExternalID: external("new"), PastExternalIDs: []PastExternalID{{external("old"), noon}}}
	for name, c := range map[string]struct {
		reg  Registration
		days int
		want bool
	}{
		"not updated, 30 days": {Registration{Status: Active, ExternalID: external("old")}, 30, true},
		"not updated, 29 days": {Registration{Status: Active, ExternalID: external("old")}, 29, false},
		"both, 31 days":        {Registration{Status: Degraded, ExternalID: external("new"), PreviousExternalID: external("old")}, 31, true},
		"ended":                {Registration{Status: Active, ExternalID: external("new")}, 31, false},
		"gone":                 {Registration{Status: Disconnected, ExternalID: external("old")}, 31, false},
	} {
		since, overdue := c.reg.RotationOverdue(link, noon.Add(time.Duration(c.days)*24*time.Hour))
		if overdue != c.want || overdue && !since.Equal(noon) {
			t.Errorf("%s: %t since %s", name, overdue, since)
		}
	}
}

func TestPropertiesDifferByTheirPreviousExternalID(t *testing.T) {
	p := phonehome.Properties{ExternalID: "new"}
	q := p
	if !p.Equal(q) {
		t.Error("equal properties differ")
	}
	if q.PreviousExternalID = "old"; p.Equal(q) {
		t.Error("properties with and without a previous external ID are equal")
	}
}
