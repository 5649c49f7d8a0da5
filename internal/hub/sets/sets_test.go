// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sets

import (
	"errors"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func aHub() registry.HubRecord {
	record := registry.HubRecord{Bucket: "xacct-acme-0123456789abcdef"}
	record.Name, record.Account, record.Region = "acme", must(account.ParseID("111111111111")), must(account.ParseRegion("us-east-1"))
	record.Regions, record.ResponseTimeout = []account.Region{record.Region}, 15*time.Minute
	return record
}

func wanted(change func(*Desired)) Desired {
	d := Desired{Record: aHub(), Name: "readonly", Creating: true, Owner: onboarding.OwnerCommand, Declared: permissionset.Set{
		Role: permissionset.Role{Path: "/", MaxSessionDuration: 3600, ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit"}},
	}}
	if change != nil {
		change(&d)
	}
	return d
}

func more(d *Desired) {
	d.Declared.Role.ManagedPolicyARNs = append(d.Declared.Role.ManagedPolicyARNs, "arn:aws:iam::aws:policy/ReadOnlyAccess")
}

func TestIssuingAPermissionSet(t *testing.T) {
	t.Parallel()
	first := must(wanted(nil).Issue(nil)).Set
	there := func(change func(*onboarding.PermissionSet)) *onboarding.PermissionSet {
		set := first
		change(&set)
		return &set
	}
	same := there(func(*onboarding.PermissionSet) {})
	retired := there(func(s *onboarding.PermissionSet) { s.RetiredAt = time.Unix(1, 0) })
	terraforms := there(func(s *onboarding.PermissionSet) { s.Owner = onboarding.OwnerTerraform })
	retiredTerraforms := there(func(s *onboarding.PermissionSet) { s.Owner, s.RetiredAt = onboarding.OwnerTerraform, time.Unix(1, 0) })
	for name, c := range map[string]struct {
		wanted             Desired
		existing           *onboarding.PermissionSet
		takeover, template bool
		owned, differs     bool
	}{
		"new":                              {wanted(nil), nil, false, true, false, false},
		"the same declaration":             {wanted(nil), same, true, true, false, false},
		"another declaration":              {wanted(more), same, false, false, false, true},
		"retired":                          {wanted(more), retired, false, true, false, false},
		"being replaced":                   {wanted(func(d *Desired) { more(d); d.Replacing = true }), same, false, true, false, false},
		"a change that changes nothing":    {wanted(func(d *Desired) { d.Creating = false }), same, false, false, false, false},
		"a change":                         {wanted(func(d *Desired) { more(d); d.Creating = false }), same, false, true, false, false},
		"another owner's":                  {wanted(nil), terraforms, false, false, true, false},
		"a change of another owner's":      {wanted(func(d *Desired) { more(d); d.Creating = false }), terraforms, false, false, true, false},
		"another owner's, adopted":         {wanted(func(d *Desired) { d.Creating, d.Adopting = false, true }), terraforms, false, false, false, false},
		"another owner's that was retired": {wanted(nil), retiredTerraforms, false, true, false, false},
	} {
		w, err := c.wanted.Issue(c.existing)
		var owned *OwnedError
		var differs *DiffersError
		switch {
		case errors.As(err, &owned) != c.owned, errors.As(err, &differs) != c.differs:
			t.Errorf("%s: got %v", name, err)
		case c.owned, c.differs:
		case err != nil || w.Takeover != c.takeover || (w.body != nil) != c.template:
			t.Errorf("%s: takes over %v, renders %v (%v)", name, w.Takeover, w.body != nil, err)
		case w.Set.Retired() || w.Set.Owner != onboarding.OwnerCommand:
			t.Errorf("%s: the set is %+v", name, w.Set)
		}
	}
}

func TestAllMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := wanted(func(d *Desired) {
		d.Declared.Role.ManagedPolicyARNs = []string{"nonsense"}
		d.Declared.Role.MaxSessionDuration = 1
	}).Issue(nil)
	var mistakes MistakesError
	if !errors.As(err, &mistakes) || len(mistakes) < 2 {
		t.Errorf("got %v", err)
	}
}

func TestALiveStacksRoleKeepsItsNameAndPath(t *testing.T) {
	t.Parallel()
	before := must(wanted(nil).Issue(nil)).Set
	next := before
	next.RoleName, next.RolePath = "AcmeAccess", "/vendors/"
	customer := onboarding.Customer{Link: onboarding.Link{CustomerID: "globex", PermissionSet: "readonly"}}
	if errs := RefuseMove(before, next, []onboarding.Customer{customer}); len(errs) > 0 {
		t.Errorf("without a stack: %v", errs)
	}
	customer.Registrations = []onboarding.Registration{{
		Status: onboarding.Active, Stack: must(account.ParseStackARN("arn:aws:cloudformation:us-east-1:222222222222:stack/acme-access/0001")),
	}}
	errs := RefuseMove(before, next, []onboarding.Customer{customer})
	if len(errs) != 2 || errs[0].Attribute != "role_name" || errs[0].Was != "acme-<customer_id>" || errs[1].Attribute != "role_path" {
		t.Errorf("got %v", errs)
	}
}
