// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// FieldWarnings are what a reviewer would frown at in one policy of a role.
type FieldWarnings struct {
	Field, Key string // as in a FieldError
	Findings   []iampolicy.Finding
}

// String has a line for each finding, with the field that it is about.
func (w FieldWarnings) String() string {
	lines := make([]string, len(w.Findings))
	for i, f := range w.Findings {
		lines[i] = fmt.Sprintf("%s[%q]: %s", w.Field, w.Key, f)
	}
	return strings.Join(lines, "\n")
}

// Review returns the warnings on a set that is valid, policy by policy: the
// permissions that customers would ask about. All policies are judged together,
// as if everything optional were switched on, so a remark on one may name
// another.
func (s Set) Review() []FieldWarnings {
	r, optional := s.Role, s.OptionalPermissions
	v := review{}
	v.add("role", r.ManagedPolicyARNs, r.InlinePolicies)
	for _, key := range slices.Sorted(maps.Keys(optional)) {
		v.add(optionalField+"."+key, optional[key].ManagedPolicyARNs, optional[key].InlinePolicies)
	}
	warnings := v.managed
	for i, findings := range byPolicy(iampolicy.Review(v.policies), len(v.policies)) {
		if len(findings) > 0 {
			warnings = append(warnings, FieldWarnings{v.fields[i], v.policies[i].Name, findings})
		}
	}
	return warnings
}

// review collects everything that a role may be granted.
type review struct {
	managed  []FieldWarnings
	policies []iampolicy.Policy
	fields   []string // of the policies, one each
}

func (v *review) add(owner string, managedARNs []string, inline Policies) {
	for _, arn := range sortedSet(managedARNs) {
		if findings := iampolicy.ReviewManaged(arn); len(findings) > 0 {
			v.managed = append(v.managed, FieldWarnings{owner + ".managed_policy_arns", arn, findings})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(inline)) {
		v.policies = append(v.policies, iampolicy.Policy{Name: name, Document: inline[name]})
		v.fields = append(v.fields, owner+".inline_policies")
	}
}

func byPolicy(findings []iampolicy.Finding, policies int) [][]iampolicy.Finding {
	lists := make([][]iampolicy.Finding, policies)
	for _, f := range findings {
		lists[f.Policy] = append(lists[f.Policy], f)
	}
	return lists
}
