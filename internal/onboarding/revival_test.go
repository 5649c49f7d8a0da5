// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// deleted returns the snapshot of a stack whose Delete was sent at noon. An accepted Delete ends
// its resource, so a Create that was sent before it and arrives later must not restore the stack.
func deleted() Snapshot {
	r := testRequest(phonehome.Delete, first)
	return after(registered(first), r)
}

func TestADeletedResourceIsRegisteredOnlyByACreateSentAMinuteLater(t *testing.T) {
	for _, test := range []struct {
		sent time.Duration // time after the Delete
		want string
	}{
		{-time.Second, "FAILED deleted_before"},
		{0, "FAILED deleted_before"},
		{time.Second, "FAILED deleted_before"},
		{time.Minute - time.Millisecond, "FAILED deleted_before"}, // SNS's clocks may differ
		{time.Minute, "SUCCESS registered"},
		{time.Hour, "SUCCESS registered"},
	} {
		c := Case{Snapshot: deleted(), Request: testRequest(phonehome.Create, first)}
		c.Request.SentAt = noon.Add(test.sent)
		if got := describe(proving(c, c.Request.SentAt.Add(time.Second), always(Proven))); got != test.want {
			t.Errorf("sent %s after the Delete: %s, want %s", test.sent, got, test.want)
		}
	}
}

// Another registrar commits the Delete between the decision and its commit.
func TestACreateDecidedBeforeItsDeleteRegistersNothingAfterIt(t *testing.T) {
	create := testRequest(phonehome.Create, first)
	create.SentAt = noon.Add(-time.Minute)
	fresh := Snapshot{Hub: testHub(), Stack: Stack{ID: first}, Link: testLink()}
	decided := proving(Case{Snapshot: fresh, Request: create}, noon, always(Proven)).Answer
	if decided.Outcome != OutcomeRegistered {
		t.Fatalf("decided: %s", decided.Outcome)
	}
	for name, s := range map[string]Snapshot{
		"after a registration":   deleted(),
		"without a registration": after(fresh, testRequest(phonehome.Delete, first)),
	} {
		if tr := Apply(s, decided, noon.Add(time.Minute)); !tr.Empty() {
			t.Errorf("a Delete %s: %+v", name, tr)
		}
	}
	// A Create within the minute after the Delete is refused here too.
	decided.Change.SentAt = noon.Add(time.Minute - time.Millisecond)
	if tr := Apply(deleted(), decided, noon.Add(time.Minute)); !tr.Empty() {
		t.Errorf("sent within the minute: %+v", tr)
	}
	decided.Change.SentAt = noon.Add(time.Minute)
	if tr := Apply(deleted(), decided, noon.Add(time.Minute)); tr.Registration == nil || tr.Registration.Status != Active {
		t.Errorf("sent a minute later: %+v", tr)
	}
}

// If the stack is known, the link is found by the stack and not by the request's external ID.
func TestTheExternalIDIsComparedEvenIfTheStackIsKnown(t *testing.T) {
	for name, externalID := range map[string]string{"another's": "external-of-c2", "none": "", "a longer one": "external-of-c1x"} {
		c := Case{Snapshot: registered(first), Request: testRequest(phonehome.Create, first)}
		c.Request.LogicalID = "Renamed"
		if got := describe(proving(c, noon.Add(time.Second), always(Proven))); got != "SUCCESS registered" {
			t.Fatalf("with the right external ID: %s", got)
		}
		c.Request.Properties.ExternalID = externalID
		if got := describe(proving(c, noon.Add(time.Second), always(Proven))); got != "FAILED unknown_external_id" {
			t.Errorf("with %s: %s", name, got)
		}
	}
}
