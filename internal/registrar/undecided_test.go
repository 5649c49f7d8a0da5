// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

const lacks = "arn:aws:iam::111111111111:user/ci may not do sts:AssumeRole on arn:aws:iam::111111111111:role/worker"

// proofsSeen counts proofs by their result.
type proofsSeen struct {
	noObserver

	lacking, undecided, refusedInARow int
}

func (p *proofsSeen) Proved(proof onboarding.Proof) {
	if proof.MissingPermission != "" {
		p.lacking++
	} else if proof.Outcome == onboarding.Inconclusive {
		p.undecided++
	}
}

func (p *proofsSeen) RolesRefusedInARow(customers int) { p.refusedInARow = customers }

func TestAMissingPermissionOfTheVendorIsLoggedCountedAndRecorded(t *testing.T) {
	f, seen := newFake(t), &proofsSeen{}
	var log strings.Builder
	f.role = func(onboarding.Probe) onboarding.Proof {
		return onboarding.Proof{Outcome: onboarding.Inconclusive, MissingPermission: lacks, Err: errors.New("AccessDenied")}
	}
	r := f.registrar(func(c *Config) { c.Logger, c.Observer = testLogger(&log), seen })
	body, receives := f.request("Create", "s1", "r1", "c1", nil), 0
	for ; len(f.accepted["r1"]) == 0 && receives < 100; receives++ {
		f.now = f.now.Add(r.Handle(t.Context(), body).After)
	}
	if seen.lacking < 10 || seen.undecided != 0 || strings.Count(log.String(), "level=WARN msg=\"the role cannot be proven: the vendor lacks a permission\"") != seen.lacking {
		t.Errorf("%d proofs, logged: %s", seen.lacking, log.String())
	}
	if !strings.Contains(log.String(), `missing="`+lacks) {
		t.Errorf("the log does not name the missing permission: %s", log.String())
	}
	if answer := f.accepted["r1"][0]; answer.Status != phonehome.Failed || !strings.Contains(answer.Reason, "lacks a permission") {
		t.Errorf("the answer is %+v", answer)
	}
	if len(f.notes) < 1 || len(f.notes) > 2 {
		t.Fatalf("%d lines for one stack in 15 minutes, and %d receives", len(f.notes), receives)
	}
	if note := f.notes[0]; !note.Waiting || note.CustomerID != "c1" || note.Outcome != onboarding.OutcomeNotPermitted || note.Cause != lacks || !note.At.Equal(noon) {
		t.Errorf("recorded %+v", note)
	}
	if last := f.history[len(f.history)-1]; !last.Refused || last.Cause != lacks {
		t.Errorf("the history ends with %+v", last)
	}
}

func TestAWaitingStackIsRecordedOnceAndLastingThrottlingWithItsCause(t *testing.T) {
	f, seen := newFake(t), &proofsSeen{}
	f.role = func(onboarding.Probe) onboarding.Proof {
		return onboarding.Proof{Outcome: onboarding.Inconclusive, Err: errors.New("Throttling:\n\tRate exceeded")}
	}
	r, body := f.registrar(func(c *Config) { c.Observer = seen }), f.request("Create", "s1", "r1", "c1", nil)
	for range 2 {
		r.Handle(t.Context(), body)
		if len(f.notes) != 1 || !f.notes[0].Waiting || f.notes[0].Cause != "" || f.notes[0].CustomerID != "c1" {
			t.Errorf("recorded at once: %+v", f.notes)
		}
	}
	f.now = noon.Add(time.Minute)
	r.Handle(t.Context(), body)
	if len(f.notes) != 2 || f.notes[1].Cause != "AWS does not say whether the role can be assumed: Throttling: Rate exceeded" || f.notes[1].Outcome != onboarding.OutcomeUnsettled {
		t.Errorf("recorded after a minute: %+v", f.notes)
	}
	if seen.undecided != 3 {
		t.Errorf("%d proofs are counted", seen.undecided)
	}
}

func TestAFailedNoteDelaysNothing(t *testing.T) {
	f := newFake(t)
	var log strings.Builder
	f.role = func(onboarding.Probe) onboarding.Proof {
		return onboarding.Proof{Outcome: onboarding.Inconclusive, MissingPermission: lacks}
	}
	r := f.registrar(func(c *Config) { c.Logger, c.Registry = testLogger(&log), noNotes{f} })
	if d := r.Handle(t.Context(), f.request("Create", "s1", "r1", "c1", nil)); d.Action != Retry || !strings.Contains(log.String(), "could not be written to the customer's history") {
		t.Errorf("%+v: %s", d, log.String())
	}
}

type noNotes struct{ *fake }

func (noNotes) AddHistory(context.Context, onboarding.HistoryEntry) error { return errors.New("no") }

func TestALineIsWrittenOnceInAnInterval(t *testing.T) {
	n := notes{}
	entry := onboarding.HistoryEntry{At: noon, CustomerID: "c1", Outcome: onboarding.OutcomeNotPermitted, Cause: "a"}
	later, other := entry, entry
	later.At, other.Cause = noon.Add(noteInterval), "b"
	for i, want := range []bool{n.due(entry), !n.due(entry), n.due(other), n.due(later)} {
		if !want {
			t.Errorf("entry %d: due is wrong", i)
		}
	}
	for i := range 2 * maxRemembered {
		entry.CustomerID = fmt.Sprint(i)
		n.due(entry)
	}
	if len(n.at) > maxRemembered {
		t.Errorf("%d entries are remembered", len(n.at))
	}
}

func TestAnAnswerThatWasGivenUpIsRecorded(t *testing.T) {
	f := newFake(t)
	f.bucket = func(phonehome.Response) error { return refusalOf(403, s3Says("AccessDenied", "Access Denied")) }
	r, body := f.registrar(), f.request("Create", "s1", "r1", "c1", nil)
	for range 100 {
		d := r.Handle(t.Context(), body)
		if d.Action == Done {
			break
		}
		f.now = f.now.Add(d.After)
	}
	if len(f.notes) != 1 || f.notes[0].Outcome != onboarding.OutcomeUnclear || !strings.Contains(f.notes[0].Cause, "403 AccessDenied") || f.notes[0].Waiting {
		t.Errorf("recorded: %+v", f.notes)
	}
	// A forgery adds no line, because a publisher could write any number of them.
	f.bucket = nil
	r.Handle(t.Context(), forgery("Delete", "s1", "f1", "c1", nil))
	if len(f.notes) != 1 {
		t.Errorf("a forgery was recorded: %+v", f.notes)
	}
}

func TestRolesOfSeveralCustomersRefusedInARowAreAnAlarm(t *testing.T) {
	f, seen := newFake(t), &proofsSeen{}
	var log strings.Builder
	f.links["c3"] = testLink("c3")
	f.role = func(onboarding.Probe) onboarding.Proof {
		return onboarding.Proof{Outcome: onboarding.Refused, Err: errors.New("AccessDenied")}
	}
	r := f.registrar(func(c *Config) { c.Logger, c.Observer = testLogger(&log), seen })
	f.now = noon.Add(3 * time.Minute)
	for i, id := range []string{"c1", "c1", "c2", "c3"} {
		if strings.Contains(log.String(), "no role can be assumed") {
			t.Fatalf("an alarm before %d", i)
		}
		r.Handle(t.Context(), f.request("Create", fmt.Sprint("s", i), fmt.Sprint("r", i), id, nil))
	}
	if strings.Count(log.String(), "level=ERROR msg=\"no role can be assumed") != 1 || seen.refusedInARow != 3 || !strings.Contains(log.String(), "customers=3 error=AccessDenied") {
		t.Errorf("%d in a row, logged: %s", seen.refusedInARow, log.String())
	}
	f.role = func(onboarding.Probe) onboarding.Proof { return onboarding.Proof{Outcome: onboarding.Proven} }
	r.Handle(t.Context(), f.request("Create", "s9", "r9", "c1", nil))
	if seen.refusedInARow != 0 {
		t.Errorf("%d in a row after one that could be assumed", seen.refusedInARow)
	}
}
