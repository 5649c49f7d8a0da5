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

// ValidateUpdate returns why stacks that were created from this set could not be
// updated to the next one, although the next one itself is valid. In an update,
// CloudFormation adds new policies before it removes old ones, and IAM counts both
// (aws-facts 12.9). It is not known whether that applies to the inline policies of one
// role; the check assumes the worse case, that it does. All optional permissions count
// as on.
func (s Set) ValidateUpdate(next Set) []FieldError {
	var p Problems
	p.managedTogether(s, next)
	p.inlineTogether(s, next)
	p.newParameters(s, next)
	p.updateAdditional(s, next)
	p.updateResources(s, next)
	return p
}

// managedTogether checks the number of managed policies that a role would have during
// the update.
func (p *Problems) managedTogether(was, next Set) {
	before, after := was.attachments(), next.attachments()
	together := maps.Clone(after)
	maps.Copy(together, before)
	if len(together) <= maxManagedPolicies {
		return
	}
	field := "role.managed_policy_arns"
	if len(next.Role.ManagedPolicies) > 0 {
		field = "role.managed_policies"
	}
	p.Add(field, "", "%s", inTwoSteps(fmt.Sprintf("has %d managed policies, and IAM allows %d", len(together), maxManagedPolicies), before, after))
}

// inlineTogether checks the total size of a role's inline policies during the update.
// Of a policy that exists before and after, it counts the larger version.
func (p *Problems) inlineTogether(was, next Set) {
	before, after := was.inlineSizes(), next.inlineSizes()
	sum := 0
	for name, size := range after {
		sum += max(size, before[name])
	}
	for name, size := range before {
		if _, stays := after[name]; !stays {
			sum += size
		}
	}
	if sum <= iampolicy.MaxInlineSize {
		return
	}
	changing := maps.Clone(before)
	for name, size := range after {
		if before[name] == size {
			delete(changing, name)
		}
	}
	p.Add("role.inline_policies", "", "%s", inTwoSteps(fmt.Sprintf("has inline policies of %d characters together, and IAM allows %d", sum, iampolicy.MaxInlineSize),
		changing, without(after, before)))
}

// inTwoSteps returns the advice to make the update in two steps.
func inTwoSteps[V comparable](what string, before, after map[string]V) string {
	going, coming := slices.Sorted(maps.Keys(without(before, after))), slices.Sorted(maps.Keys(without(after, before)))
	return fmt.Sprintf("while a live stack is updated it has the policies of before and of after, because CloudFormation adds before it removes: for that time the role %s. "+
		"Do it in two steps: first apply the role without what goes (%s) and without what comes (%s), and let the customers update their stacks; then add what comes, and let them update again",
		what, list(going), list(coming))
}

// without returns the elements of m that other doesn't have, or has with another
// value.
func without[V comparable](m, other map[string]V) map[string]V {
	rest := map[string]V{}
	for key, value := range m {
		if same, there := other[key]; !there || same != value {
			rest[key] = value
		}
	}
	return rest
}

// list returns a list for a sentence, shortened.
func list(names []string) string {
	const most = 5
	switch {
	case len(names) == 0:
		return "nothing"
	case len(names) > most+1:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// granted returns the grants of the role and of its optional permissions.
func (s Set) granted() []Grants {
	all := []Grants{s.Role.Grants()}
	for _, key := range slices.Sorted(maps.Keys(s.OptionalPermissions)) {
		all = append(all, s.OptionalPermissions[key].Grants())
	}
	return all
}

// attachments returns the managed policies of the role with all optional permissions
// on: the ARNs, and the names of those that the stack creates. A policy that exists
// before and after is the same one, even if its document changes.
func (s Set) attachments() map[string]bool {
	all := map[string]bool{}
	for _, g := range s.granted() {
		for _, arn := range g.ManagedPolicyARNs {
			all[arn] = true
		}
		created, _ := s.Created(g) // an error means that the set is invalid
		for _, p := range created {
			all[p.LogicalID] = true
		}
	}
	return all
}

// inlineSizes returns the sizes of the inline policies by name, with all optional
// permissions on.
func (s Set) inlineSizes() map[string]int {
	sizes := map[string]int{}
	for _, g := range s.granted() {
		for name, text := range s.longest().inPolicies(g.InlinePolicies) {
			sizes[name], _ = iampolicy.Size(text) // an error means that the set is invalid
		}
	}
	return sizes
}

// newParameters refuses a new parameter without a default: live stacks have no value
// for it, so their update would fail.
func (p *Problems) newParameters(was, next Set) {
	for _, key := range slices.Sorted(maps.Keys(next.CustomerParameters)) {
		if _, there := was.CustomerParameters[key]; !there && next.CustomerParameters[key].Default == nil {
			p.Add(parametersField+"."+key+".default", "", "live stacks have no value for %q, so they could not be updated: give it a default, or let the customers delete their stacks and launch the link again", key)
		}
	}
}
