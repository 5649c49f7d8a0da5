// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// FieldWarnings are the findings of a review about one policy of a role.
type FieldWarnings struct {
	Field, Key string // as in a FieldError
	About      string // what customers may ask about, for a sentence
	Findings   []iampolicy.Finding
}

// String returns one line for each finding, with its field.
func (w FieldWarnings) String() string {
	lines := make([]string, len(w.Findings))
	for i, f := range w.Findings {
		lines[i] = FieldError{w.Field, w.Key, f.String()}.Error()
	}
	return strings.Join(lines, "\n")
}

// Review returns the warnings about a valid set, policy by policy: the permissions
// that customers would ask about. It reviews all policies together, with all optional
// permissions switched on, so a finding about one policy may name another.
func (s Set) Review() []FieldWarnings {
	r, optional := s.Role, s.OptionalPermissions
	v := review{values: s.samples(account.Partition{})}
	v.add("role", r.Grants())
	for _, key := range slices.Sorted(maps.Keys(optional)) {
		v.add(optionalField+"."+key, optional[key].Grants())
	}
	warnings := slices.Concat(s.Trust.review(), v.managed, s.quota())
	for i, findings := range byPolicy(iampolicy.Review(v.policies), len(v.policies)) {
		if len(findings) > 0 {
			warnings = append(warnings, FieldWarnings{v.fields[i], v.policies[i].Name, "the policy " + v.policies[i].Name, findings})
		}
	}
	return slices.Concat(warnings, s.reviewAdditional(), s.reviewResources())
}

// quota warns of more managed policies than an account's default quota allows
// (aws-facts 7.2): the stack would fail in such an account.
func (s Set) quota() []FieldWarnings {
	all, field := []Grants{s.Role.Grants()}, "role.managed_policy_arns"
	for _, key := range slices.Sorted(maps.Keys(s.OptionalPermissions)) {
		all = append(all, s.OptionalPermissions[key].Grants())
	}
	n, counted := s.attached(all...)
	if n <= defaultPolicyQuota {
		return nil
	}
	if counted != "" {
		field = "role.managed_policies"
	}
	return []FieldWarnings{{Field: field, About: "the number of managed policies", Findings: []iampolicy.Finding{{
		Severity: iampolicy.SeverityWarning, Code: "managed-policy-quota",
		Message: fmt.Sprintf("with everything switched on the role has %d managed policies%s; an account allows %d unless its quota was raised, so the customer has to do that first", n, counted, defaultPolicyQuota),
	}}}}
}

// review collects everything that a role may be granted.
type review struct {
	managed  []FieldWarnings
	policies []iampolicy.Policy
	fields   []string // of the policies, in the same order
	values   values   // the values that references represent
}

func (v *review) add(owner string, g Grants) {
	for _, arn := range sortedSet(g.ManagedPolicyARNs) {
		if findings := iampolicy.ReviewManaged(arn); len(findings) > 0 {
			v.managed = append(v.managed, FieldWarnings{owner + ".managed_policy_arns", arn, "the policy " + arn, findings})
		}
	}
	v.documents(owner+".inline_policies", g.InlinePolicies)
	v.documents(owner+".managed_policies", g.ManagedPolicies)
}

func (v *review) documents(field string, policies Policies) {
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		v.policies = append(v.policies, iampolicy.Policy{Name: name, Document: v.values.inPolicy(policies[name])})
		v.fields = append(v.fields, field)
	}
}

func byPolicy(findings []iampolicy.Finding, policies int) [][]iampolicy.Finding {
	lists := make([][]iampolicy.Finding, policies)
	for _, f := range findings {
		lists[f.Policy] = append(lists[f.Policy], f)
	}
	return lists
}
