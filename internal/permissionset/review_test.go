// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAReviewIsPolicyByPolicyOverTheWholeRole(t *testing.T) {
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
		"role.inline_policies[run]":                                                                    {"pass-role-any"}, // and no server to pass a role to
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	const line = `role.managed_policy_arns["arn:aws:iam::aws:policy/PowerUserAccess"]: warning: the managed policy PowerUserAccess allows nearly every action`
	if got := warnings[0].String(); !strings.HasPrefix(got, line) {
		t.Errorf("got  %s\nwant %s", got, line)
	}
}
