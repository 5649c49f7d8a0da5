// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Template resources are the vendor's own. They are in the template as the vendor
// wrote them, with functions in place of references. They don't pass through
// goformation, whose types have fewer properties than CloudFormation's and would drop
// the others.

// addResources adds the template resources to those of a rendered template.
func addResources(to map[string]any, s Specification) error {
	resources, err := s.Resources()
	if err != nil {
		return fmt.Errorf("template resources: %w", err)
	}
	for _, r := range resources {
		if _, taken := to[r.LogicalID]; taken {
			return fmt.Errorf("template resource %s: the template already has a resource of this name", r.LogicalID)
		}
		to[r.LogicalID] = r.Fill(filled)
	}
	return nil
}

// notReported returns the template resources that the phone-home has to name in its
// DependsOn, because no value that it reports refers to them. So the phone-home
// depends on all of them: CloudFormation creates it last and deletes it first.
func notReported(s Specification, values map[string]any) []string {
	referred := map[string]bool{}
	references(values, referred)
	return slices.DeleteFunc(resourceNames(s), func(name string) bool { return referred[name] })
}

// references adds the names to which the functions in v refer.
func references(v any, into map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			references(element, into)
		}
	case map[string]any:
		for key, inner := range v {
			switch of := inner.(type) {
			case string: // Ref, and the short form of Fn::GetAtt
				id, _, _ := strings.Cut(of, ".")
				into[id] = into[id] || key == "Ref" || key == "Fn::GetAtt"
			case []any:
				if key == "Fn::GetAtt" && len(of) > 0 {
					id, _ := of[0].(string)
					into[id] = true
				}
				references(of, into)
			default:
				references(inner, into)
			}
		}
	}
}

func resourceNames(s Specification) []string {
	resources, _ := s.Resources() // the specification is valid
	var names []string
	for _, r := range resources {
		names = append(names, r.LogicalID)
	}
	return names
}

// outputValues returns the values that the stack reports of the template resources.
func outputValues(s Specification) (map[string]any, error) {
	outputs, err := s.Outputs()
	if err != nil {
		return nil, fmt.Errorf("template outputs: %w", err)
	}
	values := map[string]any{}
	for name, value := range outputs {
		values[name] = permissionset.FillOutput(value, filled)
	}
	return values, nil
}

// resourcesText returns the part of the template's description about what the stack
// creates besides the roles.
func resourcesText(s Specification) string {
	lines := s.Creates()
	if len(lines) == 0 {
		return ""
	}
	text := " It also creates " + strings.Join(lines, "; ") + "."
	if outputs, _ := s.Outputs(); len(outputs) > 0 {
		text += fmt.Sprintf(" It tells %s: %s.", s.vendorName(), strings.Join(sortedKeys(outputs), ", "))
	}
	return text
}
