// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// A registrar may die after CloudFormation accepted the answer to a Create and before it is
// committed. The customer sees a complete stack, and may update it at once.

func TestAnUpdateWaitsForItsUncommittedCreate(t *testing.T) {
	s := newStory(t)
	_, created := s.send(phonehome.Create, first, nil)
	s.now = s.now.Add(time.Minute)
	update := testRequest(phonehome.Update, first)
	update.SentAt, update.RequestID = s.now, "the update"
	decide := func(after time.Duration) Decision {
		return proving(Case{Snapshot: promised(s.snapshot(first)), Request: update}, s.now.Add(after), always(Proven))
	}
	for _, after := range []time.Duration{0, time.Minute, createCommitWait - time.Second} {
		if got := decide(after); got.Kind != DecideLater || got.Outcome != OutcomeOvertaking {
			t.Errorf("after %s: %s", after, describe(got))
		}
	}
	s.commit(created)
	s.answered(decide(time.Minute).Answer, phonehome.Success, OutcomeUpdated)
	s.commit(decide(time.Minute).Answer)
	if s.reg.TemplateVersion != "v2" {
		t.Errorf("the stack has version v2, but %s is registered", s.reg.TemplateVersion)
	}
}

func TestAChangedExternalIDIsRefusedEvenBeforeTheCreateIsCommitted(t *testing.T) {
	s := newStory(t)
	_, created := s.send(phonehome.Create, first, nil)
	update := testRequest(phonehome.Update, first)
	update.SentAt = s.now.Add(time.Minute)
	update.Properties.ExternalID = "an edited one"
	unknown := promised(s.snapshot(first))
	unknown.Link = nil // no customer has that external ID
	if got := Decide(Case{Snapshot: unknown, Request: update}, update.SentAt); got.Kind != DecideLater {
		t.Errorf("before the commit: %s", describe(got))
	}
	s.commit(created)
	got := Decide(Case{Snapshot: s.snapshot(first), Request: update}, update.SentAt)
	s.answered(got.Answer, phonehome.Failed, OutcomeChangedExternalID)
}

// promised returns a snapshot in which the Create was answered SUCCESS with the old properties
// of the Update.
func promised(s Snapshot) Snapshot {
	s.PromisedBefore = true
	return s
}

func TestAnUpdateWaitsForItsCreateForALimitedTime(t *testing.T) {
	s := newStory(t)
	update := testRequest(phonehome.Update, first)
	for _, timeout := range []time.Duration{15 * time.Minute, 3 * time.Minute} {
		update.Timeout = timeout
		at := min(createCommitWait, timeout-lastMinute)
		c := Case{Snapshot: promised(s.snapshot(first)), Request: update}
		s.answered(proving(c, update.SentAt.Add(at), always(Refused)).Answer, phonehome.Success, OutcomeStranger)
		if got := Decide(c, update.SentAt.Add(at-time.Second)); got.Kind != DecideLater {
			t.Errorf("a second before: %s", describe(got))
		}
	}
}

func TestAWaitingUpdateIsReceivedAtMostTenTimes(t *testing.T) {
	s := newStory(t)
	update := testRequest(phonehome.Update, first)
	received := 0
	for now := update.SentAt; ; received++ {
		d := Decide(Case{Snapshot: promised(s.snapshot(first)), Request: update}, now)
		if d.Kind != DecideLater {
			break
		}
		now = now.Add(d.RetryAfter)
	}
	if received > 10 {
		t.Errorf("it is received %d times", received)
	}
}

func TestAForgedUpdateDoesNotWait(t *testing.T) {
	s := newStory(t)
	s.send(phonehome.Create, first, nil) // only decided, so nothing is promised
	update := testRequest(phonehome.Update, first)
	c := Case{Snapshot: s.snapshot(first), Request: update}
	s.answered(proving(c, update.SentAt, always(Refused)).Answer, phonehome.Success, OutcomeStranger)
	// If the role exists, it costs a proof, but S3 does not accept the answer.
	answer := proving(c, update.SentAt, always(Proven)).Answer
	s.answered(answer, phonehome.Success, OutcomeRecovered)
	if c.Answer = &answer; Settle(c, Forged, update.SentAt).Kind != DecideDrop {
		t.Error("the answer to a forgery is committed")
	}
}
