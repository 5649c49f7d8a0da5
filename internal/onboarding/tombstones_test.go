// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// renamed returns the snapshot after the phone-home's logical ID has changed: a new resource was
// created, and the old one deleted.
func renamed(s Snapshot, from, to string, at time.Time) Snapshot {
	created := testRequest(phonehome.Create, s.Stack.ID)
	created.LogicalID, created.SentAt, created.RequestID = to, at, "create "+to
	s = after(s, created)
	gone := testRequest(phonehome.Delete, s.Stack.ID)
	gone.LogicalID, gone.SentAt, gone.RequestID = from, at.Add(time.Second), "delete "+from
	gone.PhysicalID = s.Stack.Resources[from].PhysicalID
	return after(s, gone)
}

func TestTheNumberOfAStacksTombstonesIsLimited(t *testing.T) {
	s := registered(stackIn(customers, "s1"))
	last := "PhoneHome"
	for n := range 3 * maxTombstones {
		next := fmt.Sprintf("PhoneHome%d", n)
		s = renamed(s, last, next, noon.Add(time.Duration(n)*time.Minute))
		last = next
	}
	if n := len(s.Stack.Resources); n > maxTombstones+2 {
		t.Errorf("the stack has %d resources", n)
	}
	if _, there := s.Stack.Resources["PhoneHome"]; there {
		t.Error("the oldest tombstone is kept instead of newer ones")
	}
	if !s.Registration.Live() || s.Registration.LogicalID != last {
		t.Errorf("registered is %s, %s", s.Registration.LogicalID, s.Registration.Status)
	}
}

func TestATombstoneIsKeptForSixtyDays(t *testing.T) {
	s := registered(stackIn(customers, "s1"))
	s = renamed(s, "PhoneHome", "Second", noon)
	late := noon.Add(tombstonesKept - time.Minute)
	s = renamed(s, "Second", "Third", late)
	if s.Stack.Resources["PhoneHome"].DeletedAt.IsZero() {
		t.Fatal("the tombstone is gone within 60 days")
	}
	s = renamed(s, "Third", "Fourth", late.Add(2*time.Minute))
	if _, there := s.Stack.Resources["PhoneHome"]; there {
		t.Error("the tombstone is kept forever")
	}
	if s.Stack.Resources["Third"].DeletedAt.IsZero() || !s.Stack.Resources["Fourth"].live() {
		t.Errorf("younger resources were dropped too: %v", s.Stack.Resources)
	}
}
