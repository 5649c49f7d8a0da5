// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

func version(s Set) string { return s.Version(vendor, commercial) }

// The stacks of customers report their version. If the version of the same role changed, every customer
// would become outdated.
func TestVersionsAreTheSameInAllReleases(t *testing.T) {
	always := everything()
	always.Choices = Choices{}
	for want, s := range map[string]Set{
		"c107334b4e086062": always,
		"850cc509f4e217eb": everything(),
		"01fcacd6ec6ef7a8": minimal(),
		"cae80a623943a396": {},
	} {
		if got := version(s); got != want {
			t.Errorf("the version is %s, but was %s in all releases so far", got, want)
		}
	}
}

func TestTheVersionChangesWithEachOfItsAttributesAndNoOther(t *testing.T) {
	base := version(full())
	checked := 0
	each := func(what string, get func(*Set) any, same func(Attribute) bool) {
		n := full()
		for i, a := range Attributes(reflect.ValueOf(get(&n))) {
			s := full()
			Attributes(reflect.ValueOf(get(&s)))[i].Value.SetZero()
			if got := version(s) == base; got != same(a) {
				t.Errorf("without %s%s the version is the same: %t", what, a.Name, got)
			}
			checked++
		}
	}
	versioned := func(a Attribute) bool { return a.Version == "" }
	each("role.", func(s *Set) any { return &s.Role }, versioned)
	each("", func(s *Set) any { return &s.Trust }, versioned)
	each("", func(s *Set) any { return &s.Choices }, versioned)
	each("", func(s *Set) any { return &s.Additions }, versioned)
	for _, key := range slices.Sorted(maps.Keys(full().OptionalPermissions)) {
		n := full().OptionalPermissions[key]
		for i, a := range Attributes(reflect.ValueOf(&n)) {
			if a.Value.IsZero() {
				continue
			}
			s := full()
			p := s.OptionalPermissions[key]
			Attributes(reflect.ValueOf(&p))[i].Value.SetZero()
			s.OptionalPermissions[key] = p
			if got := version(s) == base; got != versioned(a) {
				t.Errorf("without %s of optional permission %s the version is the same: %t", a.Name, key, got)
			}
			checked++
		}
	}
	if checked < 20 {
		t.Errorf("only %d attributes were checked", checked)
	}
}

func TestEquivalentSetsHaveTheSameVersion(t *testing.T) {
	for name, change := range map[string]func(*Set){
		"the layout of a policy": func(s *Set) {
			s.Role.InlinePolicies["read"] = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":["*"]}}`
		},
		"the order of the principals": func(s *Set) { slices.Reverse(s.TrustedPrincipals) },
		"the order of the ARNs":       func(s *Set) { slices.Reverse(s.Role.ManagedPolicyARNs) },
		"an ARN twice":                func(s *Set) { s.Role.ManagedPolicyARNs = slices.Repeat(s.Role.ManagedPolicyARNs, 2) },
		"the layout of an optional policy": func(s *Set) {
			policies := s.OptionalPermissions["s3_2nd_look"].InlinePolicies
			policies["tables"] = strings.ReplaceAll(policies["tables"], "\n", "")
		},
		"the order of optional ARNs": func(s *Set) { slices.Reverse(s.OptionalPermissions["s3_2nd_look"].ManagedPolicyARNs) },
	} {
		s := everything()
		change(&s)
		if version(s) != version(everything()) {
			t.Errorf("%s changes the version", name)
		}
	}
	explicit := minimal()
	explicit.Role.Path, explicit.Role.MaxSessionDuration = "/", 3600
	explicit.OptionalPermissions = map[string]OptionalPermission{}
	if version(explicit) != version(minimal()) {
		t.Error("explicit defaults change the version")
	}
}

func TestTheVersionChangesWithTheContentsOfTheAttributes(t *testing.T) {
	for name, change := range map[string]func(*Set){
		"a managed policy":           func(s *Set) { s.Role.ManagedPolicyARNs = s.Role.ManagedPolicyARNs[:1] },
		"an inline policy":           func(s *Set) { delete(s.Role.InlinePolicies, "read") },
		"a tag":                      func(s *Set) { s.Role.Tags["vendor"] = "other" },
		"a trusted principal":        func(s *Set) { s.TrustedPrincipals = s.TrustedPrincipals[:1] },
		"an optional policy":         func(s *Set) { delete(s.OptionalPermissions["s3_2nd_look"].InlinePolicies, "tables") },
		"an optional policy's words": func(s *Set) { s.OptionalPermissions["s3_2nd_look"].InlinePolicies["tables"] = restartHosts },
		"a key, which stacks report": func(s *Set) {
			s.OptionalPermissions["restart"] = s.OptionalPermissions["restart_hosts"]
			delete(s.OptionalPermissions, "restart_hosts")
		},
	} {
		s := everything()
		change(&s)
		if version(s) == version(everything()) {
			t.Errorf("%s does not change the version", name)
		}
	}
	s := everything()
	if s.Version(must(account.ParseID("111111111112")), commercial) == version(s) {
		t.Error("the vendor's account does not change the version")
	}
	if s.Version(vendor, must(account.ParsePartition("aws-cn"))) == version(s) {
		t.Error("the partition does not change the version")
	}
}
