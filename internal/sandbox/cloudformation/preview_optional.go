// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"maps"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
)

// OptionalPreview has the policies that a role has only if a condition is true.
// The customer decides about them, so they are shown in both cases.
type OptionalPreview struct {
	Switch  string // the label of the parameter that decides; else the condition's name
	Value   string // of that parameter, which makes the condition true; empty: no single value does
	On      bool   // the condition is true with the preview's values
	Managed []string
	Inline  []PolicyPreview
}

// splitOptional returns a role's properties without the conditional policies,
// and those policies by condition.
func splitOptional(properties map[string]any) (always map[string]any, optional map[string]map[string]any) {
	always, optional = maps.Clone(properties), map[string]map[string]any{}
	for _, name := range []string{"ManagedPolicyArns", "Policies"} {
		list, ok := properties[name].([]any)
		if !ok {
			continue
		}
		kept := []any{}
		for _, element := range list {
			condition, value, ok := template.OnlyIf(element)
			if !ok {
				kept = append(kept, element)
				continue
			}
			if optional[condition] == nil {
				optional[condition] = map[string]any{}
			}
			others, _ := optional[condition][name].([]any)
			optional[condition][name] = append(others, value)
		}
		always[name] = kept
	}
	return always, optional
}

// previewOptional returns the previews of the conditional policies, sorted by
// the conditions' names.
func previewOptional(t *template.Template, scope *template.Scope, form []template.Group, optional map[string]map[string]any) ([]OptionalPreview, error) {
	var previews []OptionalPreview
	for _, condition := range slices.Sorted(maps.Keys(optional)) {
		preview := OptionalPreview{Switch: condition, On: scope.Wanted(condition)}
		if s, ok := t.SwitchOf(condition); ok {
			preview.Switch, preview.Value = labelOf(form, s.Parameter), s.Value
		}
		resolved, err := scope.Resolve(optional[condition])
		if err != nil {
			return nil, err
		}
		properties, _ := resolved.(map[string]any)
		if preview.Managed, err = texts(properties["ManagedPolicyArns"], "ManagedPolicyArns"); err != nil {
			return nil, err
		}
		r := role{inline: map[string]string{}}
		if err := r.readPolicies(properties["Policies"]); err != nil {
			return nil, err
		}
		preview.Inline = previewRole("", r).Inline
		previews = append(previews, preview)
	}
	return previews, nil
}

func labelOf(form []template.Group, parameter string) string {
	for _, group := range form {
		for _, field := range group.Parameters {
			if field.Name == parameter {
				return field.Label
			}
		}
	}
	return parameter
}
