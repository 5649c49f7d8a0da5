// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// switched changes the permissions that a stack reports as enabled, and nothing else.
func (s *story) switched(keys ...string) func(*phonehome.Request) {
	return func(r *phonehome.Request) {
		r.OldProperties = s.stacks[first].Resources["PhoneHome"].Properties
		r.Properties.TemplateVersion = "v1"
		r.Properties.GrantedPermissions = keys
	}
}

func (s *story) granted(keys ...string) {
	s.t.Helper()
	if !slices.Equal(s.reg.GrantedPermissions, keys) {
		s.t.Errorf("granted are %v, want %v", s.reg.GrantedPermissions, keys)
	}
}

func TestAChangedOptionalPermissionIsProvenAndRecorded(t *testing.T) {
	s := newStory(t)
	s.answered(s.does(phonehome.Create, first, s.switched("billing")), phonehome.Success, OutcomeRegistered)
	s.granted("billing")
	proven := s.reg.ProvenAt
	s.answered(s.does(phonehome.Update, first, s.switched("billing", "restart")), phonehome.Success, OutcomeUpdated)
	s.granted("billing", "restart")
	if !s.reg.ProvenAt.After(proven) {
		t.Error("the role was not proven again")
	}
	s.does(phonehome.Update, first, s.switched("billing")) // back to the first ones, as in a rollback
	s.granted("billing")
	s.does(phonehome.Update, first, s.switched())
	s.granted()
	s.is(Active, first, "PhoneHome")
}

func TestAnOptionalPermissionIsNotRecordedIfTheRoleIsRefused(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, s.switched("billing"))
	s.role = Refused
	a := s.does(phonehome.Update, first, s.switched("restart"))
	if a.Response.Status != phonehome.Failed {
		t.Errorf("answered %s", a.Response.Status)
	}
	s.granted("billing")
}

func TestPermissionsThatTheLinkNoLongerHasAreStillRecorded(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, s.switched("billing"))
	s.link.TemplateVersion = "v2" // without these permissions
	s.does(phonehome.Update, first, s.switched("billing", "restart"))
	s.granted("billing", "restart")
}
