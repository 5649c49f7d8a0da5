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

// maxManagedPolicies is how many managed policies IAM lets one role have
// (aws-facts 7.2). Without a raised quota an account allows usualPolicies.
const (
	maxManagedPolicies = 20
	usualPolicies      = 10
)

// grants refuses policies that IAM or CloudFormation would not take, and more
// than a role may have. The field is what has them: "role".
func (p *Problems) grants(field string, g Grants, partition account.Partition) {
	for _, text := range sortedSet(g.ManagedPolicyARNs) {
		p.managedPolicy(field+".managed_policy_arns", text, text, partition)
	}
	p.inlinePolicies(field+".inline_policies", g.InlinePolicies, partition)
	if p.policies(field+".managed_policies", g.ManagedPolicies, iampolicy.Managed, partition) {
		p.created(field+".managed_policies", g.ManagedPolicies)
	}
	if n, counted := attached(g); n > maxManagedPolicies {
		last := field + ".managed_policy_arns"
		if len(g.ManagedPolicies) > 0 {
			last = field + ".managed_policies"
		}
		p.Add(last, "", "a role can have %d managed policies at most, not %d%s", maxManagedPolicies, n, counted)
	}
}

// created refuses documents that no managed policies can be made of.
func (p *Problems) created(field string, policies Policies) {
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		if _, err := divide(policies[name]); err != nil {
			p.Add(field, name, "%s", err)
		}
	}
}

// attached counts the managed policies that a role would have, and says which
// documents make how many of them.
func attached(all ...Grants) (n int, counted string) {
	var arns, made []string
	for _, g := range all {
		arns = append(arns, g.ManagedPolicyARNs...)
		for _, name := range slices.Sorted(maps.Keys(g.ManagedPolicies)) {
			parts, _ := divide(g.ManagedPolicies[name]) // none: it is a problem of its own
			made = append(made, fmt.Sprintf("%d by %s", len(parts), name))
			n += len(parts)
		}
	}
	own := len(sortedSet(arns))
	if len(made) > 0 {
		counted = fmt.Sprintf(": %d of managed_policy_arns, %s", own, strings.Join(made, ", "))
	}
	return n + own, counted
}

func (p *Problems) managedPolicy(field, key, text string, partition account.Partition) {
	arn, err := account.ParsePolicyARN(text)
	if err != nil {
		p.Add(field, key, "%s", err)
		return
	}
	p.partition(field, key, arn.Partition, partition)
	p.Inert(field, key, text)
}

// policies refuses documents that IAM or CloudFormation would not take, and
// reports whether all of them could be read.
func (p *Problems) policies(field string, policies Policies, kind iampolicy.Kind, partition account.Partition) bool {
	sound := true
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		if err := account.CheckPolicyName(name); err != nil {
			p.Add(field, name, "%s", err)
		}
		findings, err := iampolicy.Lint(policies[name], kind, partition)
		if err != nil {
			p.Add(field, name, "%s", err)
			sound = false
			continue
		}
		if p.inertPolicy(field, name, policies[name]) {
			p.refused(field, name, findings)
		}
	}
	return sound
}

func (p *Problems) inlinePolicies(field string, policies Policies, partition account.Partition) {
	if !p.policies(field, policies, iampolicy.Inline, partition) {
		return
	}
	if sum, err := iampolicy.InlineSize(policies); err == nil && sum > iampolicy.MaxInlineSize {
		p.Add(field, "", "the inline policies have %d characters together, without whitespace, and IAM allows %d: move permissions to managed policies", sum, iampolicy.MaxInlineSize)
	}
}

// inertPolicy refuses a policy document that CloudFormation would not take word
// by word, and reports whether it does.
func (p *Problems) inertPolicy(field, name, text string) bool {
	before := len(*p)
	if tree, err := Decode([]byte(text)); err == nil {
		p.inertTree(field, name, tree)
	}
	return len(*p) == before
}

// refused are the linter's errors; its warnings are Review's.
func (p *Problems) refused(field, name string, findings []iampolicy.Finding) {
	for _, f := range findings {
		if f.Severity == iampolicy.SeverityError && f.Code != iampolicy.TooLong { // it is divided
			p.Add(field, name, "%s", f.Message)
		}
	}
}

// inertTree looks at a part of a policy: an object with one of these keys is a
// function to CloudFormation.
func (p *Problems) inertTree(field, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key == "Ref" || strings.HasPrefix(key, "Fn::") {
				p.Add(field, name, "the key %q would be read as a CloudFormation function", key)
			}
			p.Inert(field, name, key)
			p.inertTree(field, name, v[key])
		}
	case []any:
		for _, inner := range v {
			p.inertTree(field, name, inner)
		}
	case string:
		p.Inert(field, name, v)
	}
}
