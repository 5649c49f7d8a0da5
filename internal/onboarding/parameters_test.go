// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// typed is a stack whose owner has typed that in, and which is otherwise as it was.
func (s *story) typed(values map[string]string) func(*phonehome.Request) {
	return func(r *phonehome.Request) {
		r.OldProperties = s.stacks[first].Resources["PhoneHome"].Properties
		r.Properties.TemplateVersion = "v1"
		r.Properties.Parameters = values
	}
}

func TestWhatTheCustomerTypedInIsKeptAndFollowsTheirUpdates(t *testing.T) {
	s := newStory(t)
	is := func(want map[string]string) {
		t.Helper()
		if diff := cmp.Diff(want, s.reg.Parameters); diff != "" {
			t.Error(diff)
		}
	}
	s.answered(s.does(phonehome.Create, first, s.typed(map[string]string{"bucket": "a"})), phonehome.Success, OutcomeRegistered)
	is(map[string]string{"bucket": "a"})
	proven := s.reg.ProvenAt
	s.answered(s.does(phonehome.Update, first, s.typed(map[string]string{"bucket": "b", "size": "s"})), phonehome.Success, OutcomeUpdated)
	is(map[string]string{"bucket": "b", "size": "s"})
	if !s.reg.ProvenAt.After(proven) {
		t.Error("the role, whose policies may be about another bucket, was not proven again")
	}
	s.does(phonehome.Update, first, s.typed(map[string]string{"bucket": "a"})) // back, as a rollback would
	is(map[string]string{"bucket": "a"})
	s.role = Refused
	if a := s.does(phonehome.Update, first, s.typed(map[string]string{"bucket": "c"})); a.Response.Status != phonehome.Failed {
		t.Errorf("answered %s", a.Response.Status)
	}
	is(map[string]string{"bucket": "a"})
}
