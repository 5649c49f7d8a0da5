// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// version returns properties that differ only in their template version.
func version(v string) phonehome.Properties {
	p := testRequest(phonehome.Create, first).Properties
	p.TemplateVersion = v
	return p
}

// A stack whose rollback is answered FAILED is stuck. A rollback returns to the properties that
// CloudFormation has in force, which the registry may not know.
func TestAnUpdateFailsOnlyIfItsOldPropertiesAreKnownToBeInForce(t *testing.T) {
	for name, c := range map[string]struct {
		accepted, previous string // versions in the registry
		old, says          string // versions in the request
		promised           bool
		want               phonehome.Status
	}{
		"an update":                              {accepted: "v1", old: "v1", says: "v2", want: phonehome.Failed},
		"a second one":                           {accepted: "v2", previous: "v1", old: "v2", says: "v3", want: phonehome.Failed},
		"the rollback of one that was refused":   {accepted: "v1", old: "v2", says: "v1", want: phonehome.Success},
		"the same, by its old properties":        {accepted: "v1", old: "v1", says: "v1", want: phonehome.Success},
		"the rollback of an accepted one":        {accepted: "v2", previous: "v1", old: "v2", says: "v1", want: phonehome.Success},
		"to properties not committed yet":        {accepted: "v1", old: "v3", says: "v2", want: phonehome.Success},
		"the same, from the accepted ones":       {accepted: "v1", old: "v1", says: "v2", promised: true, want: phonehome.Success},
		"to properties never committed":          {accepted: "v1", previous: "v0", old: "v2", says: "v2", want: phonehome.Success},
		"an update after one that came too late": {accepted: "v2", previous: "v1", old: "v1", says: "v3", want: phonehome.Success},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.does(phonehome.Create, first, nil)
			stack := s.stacks[first]
			resource := stack.Resources["PhoneHome"]
			resource.Properties = version(c.accepted)
			if c.previous != "" {
				resource.Previous = version(c.previous)
			}
			stack.Resources["PhoneHome"] = resource
			snapshot := s.snapshot(first)
			snapshot.Promised = c.promised

			r := testRequest(phonehome.Update, first)
			r.SentAt = s.now.Add(time.Minute)
			r.Properties, r.OldProperties = version(c.says), version(c.old)
			for _, proof := range []ProofOutcome{Refused, Open} {
				d := proving(Case{Snapshot: snapshot, Request: r}, r.SentAt.Add(refusalPropagation), always(proof))
				if d.Answer.Response.Status != c.want {
					t.Errorf("role %s: %s, want %s", proof, describe(d), c.want)
				}
			}
			snapshot.Link.Blocked = true
			if d := proving(Case{Snapshot: snapshot, Request: r}, r.SentAt, nil); d.Answer.Response.Status != c.want {
				t.Errorf("blocked: %s, want %s", describe(d), c.want)
			}
		})
	}
}

func TestARollbackReturnsToThePropertiesInForceDespiteLateAnswers(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	for _, tooLate := range []string{"v2", "v3"} { // S3 accepts both answers, but CloudFormation stays at v1
		s.does(phonehome.Update, first, func(r *phonehome.Request) {
			r.OldProperties, r.Properties = version("v1"), version(tooLate)
		})
	}
	s.role = Refused
	s.answered(s.does(phonehome.Update, first, func(r *phonehome.Request) {
		r.OldProperties, r.Properties = version("v3"), version("v1")
	}), phonehome.Success, OutcomeRolledBack)
}

func TestAStoredUpdateWithoutOldPropertiesReturnsToTheAcceptedOnes(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, nil)
	_, stored := s.send(phonehome.Update, first, nil)
	stored.Change.OldProperties = phonehome.Properties{}
	s.commit(stored)
	if got := s.stacks[first].Resources["PhoneHome"].Previous; !got.Equal(version("v1")) {
		t.Errorf("a rollback would return to %+v", got)
	}
}

func TestOnlyASuccessOfARegistrationOrUpdateIsAPromise(t *testing.T) {
	for _, c := range []struct {
		status phonehome.Status
		kind   ChangeKind
		want   bool
	}{
		{phonehome.Success, ChangeRegister, true},
		{phonehome.Success, ChangeUpdate, true},
		{phonehome.Success, ChangeDelete, false},
		{phonehome.Success, ChangeNothing, false},
		{phonehome.Failed, ChangeNothing, false},
	} {
		a := Answer{Response: phonehome.Response{Status: c.status}, Change: Change{Kind: c.kind}}
		if a.Promises() != c.want {
			t.Errorf("%s, %q: a promise: %t", c.status, c.kind, a.Promises())
		}
	}
}
