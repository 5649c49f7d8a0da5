// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"maps"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// Descriptions of template resources for plans and customers.

// Creates returns the resources that the stack creates besides the roles, for
// customers: one line for each, which also says if the resource is kept when the stack
// is deleted.
func (a Additions) Creates() []string {
	resources, _ := a.Resources() // an error means that the set is invalid
	var lines []string
	for _, r := range resources {
		kind := resourceTypes[r.Type]
		if kind.name == "" || kind.attached != "" { // a policy is part of the resource to which it applies
			continue
		}
		line := fmt.Sprintf("%s %s", kind.name, r.LogicalID)
		switch {
		case r.Kept:
			line += ", which stays when you delete the stack"
		case kind.stateful:
			line += ", which is deleted with the stack"
		}
		lines = append(lines, line)
	}
	return lines
}

// resources adds which template resources and outputs are new, removed or changed.
func (c *changes) resources(was, next Set) {
	before, after := definitions(was), definitions(next)
	c.sets("has in its stack ", "no longer has in its stack ", typed(before), typed(after))
	for _, id := range slices.Sorted(maps.Keys(after)) {
		if old, there := before[id]; there && old.Type == after[id].Type && string(encode(old.Definition)) != string(encode(after[id].Definition)) {
			*c = append(*c, fmt.Sprintf("has in its stack another %s %s", after[id].Type, id))
		}
	}
	reports, will := outputNames(was), outputNames(next)
	c.sets("reports ", "no longer reports ", reports, will)
	if slices.Equal(reports, will) && was.TemplateOutputs.canonical() != next.TemplateOutputs.canonical() {
		*c = append(*c, "reports other values")
	}
}

func definitions(s Set) map[string]Resource {
	resources, _ := s.Resources() // an error means that the set is invalid
	all := map[string]Resource{}
	for _, r := range resources {
		all[r.LogicalID] = r
	}
	return all
}

func typed(resources map[string]Resource) []string {
	var names []string
	for _, r := range resources {
		names = append(names, r.Type+" "+r.LogicalID)
	}
	slices.Sort(names)
	return names
}

func outputNames(s Set) []string {
	outputs, _ := s.Outputs() // an error means that the set is invalid
	return slices.Sorted(maps.Keys(outputs))
}

// updateResources refuses another type with the same logical ID: CloudFormation can't
// change the type of a resource.
func (p *Problems) updateResources(was, next Set) {
	before, after := definitions(was), definitions(next)
	for _, id := range slices.Sorted(maps.Keys(after)) {
		if old, there := before[id]; there && old.Type != after[id].Type {
			p.Add(resourcesField, id, "live stacks have it as %s, and CloudFormation cannot make it %s: give the new resource another name", old.Type, after[id].Type)
		}
	}
}

// reviewResources warns of policies that give access to every AWS account.
func (s Set) reviewResources() []FieldWarnings {
	resources, _ := s.Resources() // an error means that the set is invalid
	var warnings []FieldWarnings
	for _, r := range resources {
		properties, _ := r.Definition["Properties"].(map[string]any)
		policy, _ := properties["PolicyDocument"].(map[string]any)
		if resourceTypes[r.Type].attached == "" || !slices.ContainsFunc(listed(policy["Statement"]), open) {
			continue
		}
		warnings = append(warnings, FieldWarnings{resourcesField, r.LogicalID, "the policy " + r.LogicalID, []iampolicy.Finding{{
			Severity: iampolicy.SeverityWarning, Code: "open-to-everyone",
			Message: r.LogicalID + " allows something to every AWS account, without a condition",
		}}})
	}
	return warnings
}

// open reports whether a statement allows something to every principal.
func open(statement any) bool {
	s, _ := statement.(map[string]any)
	principal := s["Principal"]
	if byType, ok := principal.(map[string]any); ok {
		principal = byType["AWS"]
	}
	return s["Effect"] == "Allow" && s["Condition"] == nil && slices.Contains(listed(principal), any("*"))
}
