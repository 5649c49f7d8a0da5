// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// An optional permission consists of one parameter, Yes or No, one condition, and
// policies of the role that exist only while the condition is true. These policies are
// properties of the role itself rather than separate resources, so that CloudFormation
// attaches and detaches them before the phone-home reports the change, in updates and
// rollbacks too. A separate resource that an update drops would be deleted only after
// that.

// An optional permission that depends on a value that the customer may leave empty has
// no switch: its condition is that the value is not empty.

// conditionNames returns the names of the conditions by the keys of the optional
// permissions. It keeps the names of parameters, conditions and resources distinct.
// Otherwise, for example, the parameter of a permission could have the same name as
// the condition of another, if their keys are enabled and enable.
func conditionNames(s Specification) map[string]string {
	taken := map[string]bool{}
	for key := range s.OptionalPermissions {
		taken[permissionset.SwitchParameter(key)] = true
	}
	for key := range s.CustomerParameters {
		taken[permissionset.InputParameter(key)] = true
	}
	for _, g := range s.allGrants() {
		policies, _ := s.Created(g) // the specification is valid
		for _, p := range policies {
			taken[p.LogicalID] = true
		}
	}
	for _, key := range s.AdditionalKeys() {
		taken[permissionset.AdditionalResource(key)] = true
	}
	for _, name := range resourceNames(s) {
		taken[name] = true
	}
	names := map[string]string{}
	for _, key := range sortedKeys(s.OptionalPermissions) {
		name := permissionset.LogicalName(key) + "Enabled"
		for taken[name] {
			name += "Condition"
		}
		names[key], taken[name] = name, true
	}
	return names
}

// allGrants returns the grants of the role and of its optional permissions.
func (s Specification) allGrants() []permissionset.Grants {
	all := []permissionset.Grants{s.Role.Grants()}
	for _, key := range sortedKeys(s.OptionalPermissions) {
		all = append(all, s.OptionalPermissions[key].Grants())
	}
	return all
}

// addSwitches adds one parameter for each optional permission that has a switch.
func addSwitches(to parameterMap, s Specification, h *placeholders) {
	for _, key := range sortedKeys(s.OptionalPermissions) {
		permission := s.OptionalPermissions[key]
		if permission.WhenParameter != "" {
			continue
		}
		position := permissionset.SwitchedOff
		if permission.DefaultEnabled {
			position = permissionset.SwitchedOn
		}
		to[permissionset.SwitchParameter(key)] = parameter{
			Type:          "String",
			Description:   h.text(switchAdvice(s.vendorName(), permission)),
			AllowedValues: []any{permissionset.SwitchedOn, permissionset.SwitchedOff},
			Default:       position,
		}
	}
}

// maxParameterText is CloudFormation's limit for a parameter's description.
const maxParameterText = 4000

func switchAdvice(vendor string, permission permissionset.OptionalPermission) string {
	granted := permission.Grants().Names()
	const end = ". You can change this later by updating the stack."
	text := fmt.Sprintf("%s gives %s's role ", permissionset.SwitchedOn, vendor)
	return text + clipBytes(granted, maxParameterText-len(text)-len(end)) + end
}

// switchConditions returns the Conditions section.
func switchConditions(s Specification) map[string]any {
	conditions := map[string]any{rotationCondition: not(equals(ref(ParameterPreviousExternalID), ""))}
	for key, name := range conditionNames(s) {
		conditions[name] = equals(ref(permissionset.SwitchParameter(key)), permissionset.SwitchedOn)
		if parameter := s.OptionalPermissions[key].WhenParameter; parameter != "" {
			conditions[name] = not(equals(ref(permissionset.InputParameter(parameter)), ""))
		}
	}
	if s.Chooses(permissionset.ChoosesBoundary) {
		conditions[boundaryCondition] = not(equals(ref(ParameterPermissionsBoundary), ""))
	}
	return conditions
}

// optionalInline returns the conditional inline policies of optional permissions.
func optionalInline(s Specification) ([]any, error) {
	var list []any
	conditions := conditionNames(s)
	for _, key := range sortedKeys(s.OptionalPermissions) {
		policies := s.OptionalPermissions[key].InlinePolicies
		for _, name := range sortedKeys(policies) {
			policy, err := document(policies[name])
			if err != nil {
				return nil, fmt.Errorf("inline policy %q of the optional permission %s: %w", name, key, err)
			}
			list = append(list, when(conditions[key], map[string]any{"PolicyName": name, "PolicyDocument": policy}))
		}
	}
	return list, nil
}

// grantedPermissions returns the keys of the permissions that are switched on, for the
// phone-home. A change of a switch changes this property, so CloudFormation sends a
// request although the template's version is the same (aws-facts 1.11).
func grantedPermissions(s Specification) []any {
	var list []any
	conditions := conditionNames(s)
	for _, key := range sortedKeys(s.OptionalPermissions) {
		list = append(list, when(conditions[key], key))
	}
	return list
}

// optionalText returns the part of the template's description about what the customer
// decides.
func optionalText(s Specification) string {
	var switched, given []string
	for _, key := range sortedKeys(s.OptionalPermissions) {
		o := s.OptionalPermissions[key]
		text := strings.TrimRight(o.Description, ". ")
		if o.WhenParameter != "" {
			given = append(given, text)
			continue
		}
		switched = append(switched, text)
	}
	text := ""
	if len(switched) > 0 {
		text += " Optional, for you to switch on or off: " + strings.Join(switched, "; ") + "."
	}
	if len(given) > 0 {
		text += " Only if you fill in a field for it: " + strings.Join(given, "; ") + "."
	}
	return text
}
