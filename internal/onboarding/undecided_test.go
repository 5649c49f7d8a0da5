// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

const lacks = "arn:aws:iam::111111111111:user/ci may not do sts:AssumeRole on arn:aws:iam::111111111111:role/worker"

func notPermitted(Probe) Proof { return Proof{Outcome: Inconclusive, MissingPermission: lacks} }

func TestAProofThatTheVendorMayNotMakeIsRetriedUntilTheDeadline(t *testing.T) {
	c := Case{Snapshot: Snapshot{Hub: testHub(), Link: testLink(), Stack: Stack{ID: first}}, Request: testRequest(phonehome.Create, first)}
	for _, after := range []time.Duration{0, time.Minute, 13*time.Minute + 34*time.Second} {
		d := proving(c, noon.Add(after), notPermitted)
		if d.Kind != DecideLater || d.Outcome != OutcomeNotPermitted || d.Probe.Role != c.Link.RoleIn(first.Account, first.Region.Partition()) {
			t.Errorf("after %s: %s of %+v", after, describe(d), d.Probe)
		}
	}
	d := proving(c, noon.Add(13*time.Minute+35*time.Second), notPermitted)
	reason := d.Answer.Response.Reason
	if d.Kind != DecideAnswer || d.Outcome != OutcomeNotPermitted || !strings.Contains(reason, "the AWS account of Acme lacks a permission") || !strings.Contains(reason, "Your stack is not at fault") {
		t.Fatalf("in the last try: %s %q", describe(d), reason)
	}
	if strings.Contains(reason, "worker") || strings.Contains(reason, "user/ci") {
		t.Errorf("the reason names the vendor's principals: %s", reason)
	}
	entry := Apply(c.Snapshot, d.Answer, noon.Add(14*time.Minute)).History
	if entry == nil || !entry.Refused || entry.Cause != lacks || strings.Contains(entry.Detail, "Help:") {
		t.Errorf("the history has %+v", entry)
	}
	// Throttling is not an error that the vendor can correct.
	throttled := func(Probe) Proof { return Proof{Outcome: Inconclusive} }
	if d := proving(c, noon.Add(13*time.Minute+59*time.Second), throttled); d.Kind != DecideLater || d.Outcome != OutcomeUnsettled {
		t.Errorf("throttled: %s", describe(d))
	}
}

func TestARivalThatTheVendorMayNotProveHasTheOutcomeNotPermitted(t *testing.T) {
	c := Case{Snapshot: Snapshot{Hub: testHub(), Link: testLink(), Stack: Stack{ID: first}}, Request: testRequest(phonehome.Create, first)}
	rival(&c, "acme-old")
	d := proving(c, noon.Add(13*time.Minute+40*time.Second), notPermitted)
	if d.Outcome != OutcomeNotPermitted || d.Answer.Change.Reason != lacks {
		t.Errorf("%s: %+v", describe(d), d.Answer.Change)
	}
}

func TestAnUpdateThatTheVendorMayNotProveIsDegradedWithItsCause(t *testing.T) {
	for name, request := range map[string]phonehome.Request{
		"an update":  testRequest(phonehome.Update, first),
		"a rollback": rollbackTo(first, roleIn(customers, "acme-c1-old").String()),
	} {
		c := Case{Snapshot: registered(first), Request: request}
		d := proving(c, noon.Add(13*time.Minute+40*time.Second), notPermitted)
		change := d.Answer.Change
		if d.Answer.Response.Status != phonehome.Success || change.Status != Degraded || !strings.HasSuffix(change.Reason, "could not be proven in time: "+lacks) {
			t.Errorf("%s: %s, %s because %q", name, describe(d), change.Status, change.Reason)
		}
	}
}

// rollbackTo returns an Update from properties that were never accepted to another role.
func rollbackTo(stack account.StackARN, role string) phonehome.Request {
	r := testRequest(phonehome.Update, stack)
	r.OldProperties.TemplateVersion = "v9"
	r.Properties.RoleARN = role
	return r
}

func TestADeliveryWaitsForAProofThatTheVendorMayNotMake(t *testing.T) {
	s := registered(first)
	gone := testRequest(phonehome.Delete, first)
	d := Decide(Case{Snapshot: s, Request: gone}, noon)
	s.Answer = &d.Answer
	c := Case{Snapshot: s, Request: gone, Proofs: map[account.RoleARN]Proof{s.Registration.Role: notPermitted(Probe{})}}
	got := Settle(c, Accepted, noon.Add(time.Hour))
	if got.Kind != DecideLater || got.Outcome != OutcomeNotPermitted || got.Probe.Role != s.Registration.Role {
		t.Errorf("%s of %+v", describe(got), got.Probe)
	}
}

func TestANoteRequiresACustomerAndChangesNoStatus(t *testing.T) {
	c := Case{Snapshot: registered(first), Request: testRequest(phonehome.Update, first)}
	entry := UnappliedEntry(c, OutcomeNotPermitted, lacks, noon)
	if entry.CustomerID != "c1" || entry.Account != first.Account || entry.Stack != first || entry.Request != phonehome.Update ||
		entry.Before != Active || entry.Status != Active || entry.Cause != lacks || !entry.At.Equal(noon) || entry.Refused || entry.Waiting {
		t.Errorf("got %+v", entry)
	}
	c.Snapshot = Snapshot{Hub: testHub(), Link: testLink(), Stack: Stack{ID: first}}
	if entry := UnappliedEntry(c, OutcomeNotPermitted, lacks, noon); entry.CustomerID != "c1" || entry.Status != Pending {
		t.Errorf("of a stack that was never accepted: %+v", entry)
	}
	c.Link = nil
	if entry := UnappliedEntry(c, OutcomeNotPermitted, lacks, noon); entry != nil {
		t.Errorf("an unknown external ID has a history: %+v", entry)
	}
}

func TestARetiredExternalIDIsRefusedAsSuch(t *testing.T) {
	c := Case{Snapshot: Snapshot{Hub: testHub(), Link: testLink(), Stack: Stack{ID: first}}, Request: testRequest(phonehome.Create, first)}
	c.Request.Properties.ExternalID = "the-one-before" // the link was found by its claim
	d := Decide(c, noon)
	if d.Outcome != OutcomeRetired || !strings.Contains(d.Answer.Response.Reason, "ask Acme for the new link") || d.Answer.Change.CustomerID != "c1" {
		t.Errorf("%s: %q of %q", describe(d), d.Answer.Response.Reason, d.Answer.Change.CustomerID)
	}
	entry := Apply(c.Snapshot, d.Answer, noon).History
	if entry == nil || entry.CustomerID != "c1" || entry.Outcome != OutcomeRetired || !entry.Refused {
		t.Errorf("the history has %+v", entry)
	}
	c.Link = nil
	if d := Decide(c, noon); d.Outcome != OutcomeUnknown || d.Answer.Change.CustomerID != "" {
		t.Errorf("an unknown external ID: %s of %q", describe(d), d.Answer.Change.CustomerID)
	}
}
