// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// switched is a stack that reports the permissions that its owner switched on,
// and is otherwise as it was.
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

func TestATurnedSwitchIsProvenAndRemembered(t *testing.T) {
	s := newStory(t)
	s.answered(s.does(phonehome.Create, first, s.switched("billing")), phonehome.Success, OutcomeRegistered)
	s.granted("billing")
	proven := s.reg.ProvenAt
	s.answered(s.does(phonehome.Update, first, s.switched("billing", "restart")), phonehome.Success, OutcomeUpdated)
	s.granted("billing", "restart")
	if !s.reg.ProvenAt.After(proven) {
		t.Error("the role was not proven again")
	}
	s.does(phonehome.Update, first, s.switched("billing")) // back, which a rollback would look like, too
	s.granted("billing")
	s.does(phonehome.Update, first, s.switched())
	s.granted()
	s.is(Active, first, "PhoneHome")
}

func TestASwitchThatLeavesTheRoleUnusableIsRefusedAndNotRemembered(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, s.switched("billing"))
	s.role = Refused
	a := s.does(phonehome.Update, first, s.switched("restart"))
	if a.Response.Status != phonehome.Failed {
		t.Errorf("answered %s", a.Response.Status)
	}
	s.granted("billing")
}

func TestPermissionsThatTheLinkDoesNotHaveAnyMoreAreStillReported(t *testing.T) {
	s := newStory(t)
	s.does(phonehome.Create, first, s.switched("billing"))
	s.link.TemplateVersion = "v2" // which has no such permission
	s.does(phonehome.Update, first, s.switched("billing", "restart"))
	s.granted("billing", "restart")
}
