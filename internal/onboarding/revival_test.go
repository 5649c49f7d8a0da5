// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// A Delete that was accepted is the end of its resource: a Create that was sent
// before it, and comes after it, is not to bring the stack back.

// deleted is the snapshot of a stack whose Delete was sent at noon.
func deleted() Snapshot {
	r := testRequest(phonehome.Delete, first)
	return after(registered(first), r)
}

func TestADeletedResourceComesBackOnlyWithACreateThatWasSentAMinuteLater(t *testing.T) {
	for _, test := range []struct {
		sent time.Duration // after the Delete
		want string
	}{
		{-time.Second, "FAILED deleted_before"},
		{0, "FAILED deleted_before"},
		{time.Second, "FAILED deleted_before"},
		{time.Minute - time.Millisecond, "FAILED deleted_before"}, // clocks of SNS disagree
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

// TestACreateThatWasDecidedBeforeItsDeleteRegistersNothingAfterIt: another
// registrar has committed the Delete between decision and commit.
func TestACreateThatWasDecidedBeforeItsDeleteRegistersNothingAfterIt(t *testing.T) {
	create := testRequest(phonehome.Create, first)
	create.SentAt = noon.Add(-time.Minute)
	fresh := Snapshot{Hub: testHub(), Stack: Stack{ID: first}, Link: testLink()}
	decided := proving(Case{Snapshot: fresh, Request: create}, noon, always(Proven)).Answer
	if decided.Outcome != OutcomeRegistered {
		t.Fatalf("decided: %s", decided.Outcome)
	}
	for name, s := range map[string]Snapshot{
		"of what was registered": deleted(),
		"of what was not":        after(fresh, testRequest(phonehome.Delete, first)),
	} {
		if tr := Apply(s, decided, noon.Add(time.Minute)); !tr.Empty() {
			t.Errorf("a Delete %s: %+v", name, tr)
		}
	}
	// One that CloudFormation sent within the minute is refused here as well.
	decided.Change.SentAt = noon.Add(time.Minute - time.Millisecond)
	if tr := Apply(deleted(), decided, noon.Add(time.Minute)); !tr.Empty() {
		t.Errorf("sent within the minute: %+v", tr)
	}
	decided.Change.SentAt = noon.Add(time.Minute)
	if tr := Apply(deleted(), decided, noon.Add(time.Minute)); tr.Registration == nil || tr.Registration.Status != Active {
		t.Errorf("sent a minute later: %+v", tr)
	}
}

// TestTheExternalIDIsComparedAlsoWhereTheStackIsKnown: the link is found by the
// stack then, and not by what the request says.
func TestTheExternalIDIsComparedAlsoWhereTheStackIsKnown(t *testing.T) {
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
