// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package declaration

import (
	"maps"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// DiffersFrom names the first attribute in which two declarations do not mean
// the same; empty: they do.
func (d Declaration) DiffersFrom(o Declaration) string {
	a, b := d.Role, o.Role
	for _, c := range []struct {
		name string
		same bool
	}{
		{"role.name", a.Name == b.Name},
		{"role.path", a.Path == b.Path},
		{"role.description", a.Description == b.Description},
		{"role.managed_policy_arns", sameElements(a.ManagedPolicyARNs, b.ManagedPolicyARNs)},
		{"role.inline_policies", samePolicies(a.InlinePolicies, b.InlinePolicies)},
		{"role.permissions_boundary_arn", a.PermissionsBoundaryARN == b.PermissionsBoundaryARN},
		{"role.max_session_duration", a.MaxSessionDuration == b.MaxSessionDuration},
		{"role.tags", maps.Equal(a.Tags, b.Tags)},
		{"optional_permissions", maps.EqualFunc(d.OptionalPermissions, o.OptionalPermissions, sameOptional)},
		{"trusted_principal_arns", sameElements(d.TrustedPrincipals, o.TrustedPrincipals)},
		{"stack_name", d.StackName == o.StackName},
		{"region", d.Region == o.Region},
		{"expires_at", d.Expires().Equal(o.Expires())},
	} {
		if !c.same {
			return c.name
		}
	}
	return ""
}

// SameWording reports whether customers read the same of what they may switch
// on, and find the switches in the same position. It is no part of the
// template's version, because no granted permission depends on it.
func (d Declaration) SameWording(o Declaration) bool {
	return maps.EqualFunc(d.OptionalPermissions, o.OptionalPermissions, sameSwitch)
}

func sameSwitch(a, b OptionalPermission) bool {
	return a.Description == b.Description && a.DefaultEnabled == b.DefaultEnabled
}

func sameOptional(a, b OptionalPermission) bool {
	return sameSwitch(a, b) && sameElements(a.ManagedPolicyARNs, b.ManagedPolicyARNs) && samePolicies(a.InlinePolicies, b.InlinePolicies)
}

func sameElements(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func samePolicies(a, b map[string]string) bool {
	return maps.EqualFunc(a, b, func(x, y string) bool {
		same, err := iampolicy.Equivalent(x, y)
		return err == nil && same
	})
}
