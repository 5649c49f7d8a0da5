// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// with returns the full set with its additional role "scanner" changed.
func with(change func(*AdditionalRole)) Set {
	s := full()
	role := s.AdditionalRoles["scanner"]
	change(&role)
	s.AdditionalRoles["scanner"] = role
	return s
}

func TestEachAttributeOfAnAdditionalRoleIsInTheVersionAndInTheChanges(t *testing.T) {
	n := full().AdditionalRoles["scanner"]
	for i, a := range Attributes(reflect.ValueOf(&n)) {
		s := with(func(r *AdditionalRole) { Attributes(reflect.ValueOf(r))[i].Value.SetZero() })
		if a.Name == "permissions_boundary_arn" { // in the full set the customers choose it
			s = with(func(r *AdditionalRole) { r.PermissionsBoundaryARN = "arn:aws:iam::aws:policy/ReadOnlyAccess" })
		}
		if version(s) == version(full()) {
			t.Errorf("%s makes no difference to the version", a.Name)
		}
		if len(full().Changes(s)) == 0 {
			t.Errorf("Changes does not name %s", a.Name)
		}
	}
	explicit := full()
	billing := explicit.AdditionalRoles["billing"]
	billing.MaxSessionDuration = 3600
	explicit.AdditionalRoles["billing"] = billing
	if version(explicit) != version(full()) || Differs(explicit, full()) != "" {
		t.Error("an explicit default makes a difference")
	}
}

func TestEveryMistakeInAnAdditionalRoleNamesItsField(t *testing.T) {
	for name, c := range map[string]struct {
		set  Set
		want string
	}{
		"a policy that IAM refuses": {
			with(func(r *AdditionalRole) { r.InlinePolicies = Policies{"x": `{"Statement":[{"Effect":"Perhaps"}]}`} }), `additional_roles.scanner.inline_policies["x"]: `,
		},
		"the hub's own account": {
			with(func(r *AdditionalRole) { r.TrustedAccountIDs = []string{"111111111111"} }), `additional_roles.scanner.trusted_account_ids["111111111111"]: it is the hub's own account`,
		},
		"a principal of another account": {
			with(func(r *AdditionalRole) { r.TrustedAccountIDs = nil }), `additional_roles.scanner.trusted_principal_arns["arn:aws:iam::444444444444:role/Scanner"]: the role is in account 444444444444`,
		},
		"a boundary beside the customer's": {
			with(func(r *AdditionalRole) { r.PermissionsBoundaryARN = "arn:aws:iam::aws:policy/ReadOnlyAccess" }), `additional_roles.scanner.permissions_boundary_arn: customers choose`,
		},
		"a session that is too short": {with(func(r *AdditionalRole) { r.MaxSessionDuration = 60 }), `additional_roles.scanner.max_session_duration: 60 seconds`},
		"a parameter that may be empty": {
			with(func(r *AdditionalRole) { r.InlinePolicies = Policies{"x": onBucket("report_bucket")} }), `additional_roles.scanner.inline_policies["x"]: the customer may leave "report_bucket" empty`,
		},
		"nothing": {with(func(r *AdditionalRole) { r.InlinePolicies, r.ManagedPolicies, r.ManagedPolicyARNs = nil, nil, nil }), `additional_roles["scanner"]: it grants nothing`},
		"a name of more than 64 characters": {
			func() Set { s := full(); s.Role.Name = strings.Repeat("r", 57); return s }(), `additional_roles["billing"]: the role would be called rrrr`,
		},
		"an invalid key": {
			func() Set { s := full(); s.AdditionalRoles["Scan ner"] = s.AdditionalRoles["scanner"]; return s }(), `additional_roles["Scan ner"]: a key has`,
		},
		"two keys for one resource": {
			func() Set { s := full(); s.AdditionalRoles["scanner_"] = s.AdditionalRoles["scanner"]; return s }(), `additional_roles["scanner_"]: its resource would be called AdditionalRoleScanner, as that of "scanner"`,
		},
		"a role named like another's policy": {
			func() Set {
				s := full()
				s.AdditionalRoles["scanner_policy_core"] = s.AdditionalRoles["billing"]
				return s
			}(), `additional_roles.scanner.managed_policies["core"]: its resource would be called AdditionalRoleScannerPolicyCore`,
		},
		"too many": {
			func() Set {
				s := full()
				for _, key := range strings.Split("abcde", "") {
					s.AdditionalRoles[key] = s.AdditionalRoles["billing"]
				}
				return s
			}(), "additional_roles: there are 7, but a stack can have at most 5",
		},
	} {
		problems := c.set.Validate(vendor, commercial)
		if !slices.ContainsFunc(problems, func(e FieldError) bool { return strings.HasPrefix(e.Error(), c.want) }) {
			t.Errorf("%s: got %v", name, problems)
		}
	}
}

func TestAnUpdateOfAnAdditionalRoleThatExceedsALimitIsRefused(t *testing.T) {
	attach := func(from, to int) Set {
		return with(func(r *AdditionalRole) { r.ManagedPolicyARNs = attaching(from, to).Role.ManagedPolicyARNs })
	}
	got := attach(0, 11).ValidateUpdate(attach(11, 22))
	if len(got) != 1 || got[0].Field != "additional_roles.scanner.managed_policies" || !strings.Contains(got[0].Problem, "has 23 managed policies, and IAM allows 20") {
		t.Errorf("got %v", got)
	}
}

func TestAReviewCoversAdditionalRoles(t *testing.T) {
	var fields []string
	for _, w := range with(func(r *AdditionalRole) {
		r.InlinePolicies["x"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}]}`
	}).Review() {
		fields = append(fields, w.Field)
	}
	for _, want := range []string{"additional_roles.scanner.inline_policies", "additional_roles.scanner.trusted_account_ids"} {
		if !slices.Contains(fields, want) {
			t.Errorf("no warning on %s: %v", want, fields)
		}
	}
}
