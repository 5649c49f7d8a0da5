// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
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

// Review gives the warnings on a role that is valid, policy by policy: the
// permissions that customers would ask about. All policies are judged together,
// so a remark on one may name another.
func Review(r Role) []FieldWarnings {
	var warnings []FieldWarnings
	for _, arn := range sortedSet(r.ManagedPolicyARNs) {
		if findings := iampolicy.ReviewManaged(arn); len(findings) > 0 {
			warnings = append(warnings, FieldWarnings{"role.managed_policy_arns", arn, findings})
		}
	}
	names := sortedKeys(r.InlinePolicies)
	policies := make([]iampolicy.Policy, len(names))
	for i, name := range names {
		policies[i] = iampolicy.Policy{Name: name, Document: r.InlinePolicies[name]}
	}
	for i, findings := range byPolicy(iampolicy.Review(policies), len(policies)) {
		if len(findings) > 0 {
			warnings = append(warnings, FieldWarnings{"role.inline_policies", names[i], findings})
		}
	}
	return warnings
}

func byPolicy(findings []iampolicy.Finding, policies int) [][]iampolicy.Finding {
	lists := make([][]iampolicy.Finding, policies)
	for _, f := range findings {
		lists[f.Policy] = append(lists[f.Policy], f)
	}
	return lists
}
