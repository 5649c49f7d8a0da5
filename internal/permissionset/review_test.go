// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAReviewCoversEveryPolicyOfTheRole(t *testing.T) {
	warnings := Set{Role: Role{
		ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/PowerUserAccess"},
		InlinePolicies: Policies{
			"read": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`,
			"run":  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:RunInstances","iam:PassRole"],"Resource":"*"}]}`,
			"all":  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
			"not":  `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"ec2:*","Resource":"*"}]}`,
		},
	}, Choices: Choices{OptionalPermissions: map[string]OptionalPermission{
		"repair": {
			ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
			InlinePolicies:    Policies{"anything": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
		},
	}}}.Review()
	got := map[string][]string{}
	for _, w := range warnings {
		for _, f := range w.Findings {
			got[fmt.Sprintf("%s[%s]", w.Field, w.Key)] = append(got[fmt.Sprintf("%s[%s]", w.Field, w.Key)], f.Code)
		}
	}
	want := map[string][]string{
		"role.managed_policy_arns[arn:aws:iam::aws:policy/PowerUserAccess]":                            {"powerful-managed-policy"},
		"role.inline_policies[all]":                                                                    {"administrator"},
		"optional_permissions.repair.managed_policy_arns[arn:aws:iam::aws:policy/AdministratorAccess]": {"powerful-managed-policy"},
		"optional_permissions.repair.inline_policies[anything]":                                        {"administrator"},
		"role.inline_policies[run]":                                                                    {"pass-role-any"}, // without instances to pass a role to
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	const line = `role.managed_policy_arns["arn:aws:iam::aws:policy/PowerUserAccess"]: warning: the managed policy PowerUserAccess allows nearly every action`
	if got := warnings[0].String(); !strings.HasPrefix(got, line) {
		t.Errorf("got  %s\nwant %s", got, line)
	}
}

func TestAReviewWarnsOfMorePoliciesThanTheDefaultQuota(t *testing.T) {
	s := minimal()
	s.Role.ManagedPolicyARNs = nil
	for _, arn := range manyPolicies(9) { // the customer's policies, because AWS has none of these names
		s.Role.ManagedPolicyARNs = append(s.Role.ManagedPolicyARNs, strings.Replace(arn, "iam::aws:", "iam::123456789012:", 1))
	}
	s.OptionalPermissions = map[string]OptionalPermission{"more": {Description: "More", ManagedPolicies: Policies{"core": readBuckets}}}
	if warnings := s.Review(); len(warnings) > 0 {
		t.Errorf("warnings about ten managed policies: %v", warnings)
	}
	s.OptionalPermissions["more"].ManagedPolicies["all"] = describing(150)
	want := `role.managed_policies: warning: with everything switched on the role has 12 managed policies: 9 of managed_policy_arns, 2 by all, 1 by core; an account allows 10 unless its quota was raised`
	if warnings := s.Review(); len(warnings) != 1 || !strings.HasPrefix(warnings[0].String(), want) {
		t.Errorf("got  %v\nwant %s", warnings, want)
	}
}

func TestAReviewCoversCreatedPolicies(t *testing.T) {
	s := Set{Role: Role{ManagedPolicies: Policies{"all": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}}}
	if warnings := s.Review(); len(warnings) != 1 || warnings[0].Field != "role.managed_policies" || warnings[0].Key != "all" {
		t.Errorf("%v", warnings)
	}
}

func TestAReviewWarnsThatTrustedAccountsMustExist(t *testing.T) {
	s := minimal()
	s.TrustedAccountIDs = []string{"222222222222"}
	warnings := s.Review()
	if len(warnings) != 1 || warnings[0].Field != "trusted_account_ids" || warnings[0].About != "the trusted account 222222222222" {
		t.Errorf("%v", warnings)
	}
}
