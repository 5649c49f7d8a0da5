// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// typed changes the customer's parameters of a stack, and nothing else.
func (s *story) typed(values map[string]string) func(*phonehome.Request) {
	return func(r *phonehome.Request) {
		r.OldProperties = s.stacks[first].Resources["PhoneHome"].Properties
		r.Properties.TemplateVersion = "v1"
		r.Properties.Parameters = values
	}
}

func TestCustomerParametersAreRecordedAndFollowUpdates(t *testing.T) {
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
		t.Error("the role was not proven again, although its policies may have changed")
	}
	s.does(phonehome.Update, first, s.typed(map[string]string{"bucket": "a"})) // back to the first value, as in a rollback
	is(map[string]string{"bucket": "a"})
	s.role = Refused
	if a := s.does(phonehome.Update, first, s.typed(map[string]string{"bucket": "c"})); a.Response.Status != phonehome.Failed {
		t.Errorf("answered %s", a.Response.Status)
	}
	is(map[string]string{"bucket": "a"})
}

// The values that a stack reports of its resources are handled in the same way.
func TestReportedValuesAreRecordedAndFollowUpdates(t *testing.T) {
	s := newStory(t)
	reporting := func(values map[string]string) func(*phonehome.Request) {
		return func(r *phonehome.Request) {
			r.OldProperties = s.stacks[first].Resources["PhoneHome"].Properties
			r.Properties.Reported = values
		}
	}
	is := func(want map[string]string) {
		t.Helper()
		if diff := cmp.Diff(want, s.reg.Reported); diff != "" {
			t.Error(diff)
		}
	}
	s.answered(s.does(phonehome.Create, first, reporting(map[string]string{"bucket": "a"})), phonehome.Success, OutcomeRegistered)
	is(map[string]string{"bucket": "a"})
	s.answered(s.does(phonehome.Update, first, reporting(map[string]string{"bucket": "b"})), phonehome.Success, OutcomeUpdated)
	is(map[string]string{"bucket": "b"})
	s.does(phonehome.Update, first, reporting(map[string]string{"bucket": "a"})) // back to the first value, as in a rollback
	is(map[string]string{"bucket": "a"})
}

func TestARolesPathMayDifferOnlyIfTheTemplateHasAParameterForIt(t *testing.T) {
	elsewhere := func(r *phonehome.Request) {
		r.Properties.RoleARN = strings.Replace(r.Properties.RoleARN, ":role/", ":role/third-parties/", 1)
	}
	renamed := func(r *phonehome.Request) { r.Properties.RoleARN += "x" }
	for name, c := range map[string]struct {
		parameters []string
		change     func(*phonehome.Request)
		want       Outcome
	}{
		"another path, fixed":  {nil, elsewhere, OutcomeWrongRole},
		"another path, chosen": {[]string{"ExpectedAccountId", "RolePath"}, elsewhere, OutcomeRegistered},
		"another name":         {[]string{"ExpectedAccountId", "RolePath"}, renamed, OutcomeWrongRole},
	} {
		s := newStory(t)
		s.link.TemplateParameters = c.parameters
		status := phonehome.Failed
		if c.want == OutcomeRegistered {
			status = phonehome.Success
		}
		t.Log(name)
		s.answered(s.does(phonehome.Create, first, c.change), status, c.want)
	}
}
