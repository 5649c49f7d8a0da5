// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"strings"

	"github.com/awslabs/goformation/v7/cloudformation"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// An optional permission is one parameter, Yes or No, one condition, and policies
// of the role that are there only while the condition holds. They are members of
// the role itself rather than resources beside it: so CloudFormation gives and
// takes them before the phone-home reports them, in updates and rollbacks as
// well, and a resource that an update drops would be removed only after that.

// switchCondition has another name than the parameter: names of parameters,
// conditions and resources are better not the same.
func switchCondition(key string) string { return permissionset.LogicalName(key) + "Enabled" }

// addSwitches adds one parameter for each optional permission.
func addSwitches(to cloudformation.Parameters, s Specification, h *holes) {
	for _, key := range sortedKeys(s.OptionalPermissions) {
		permission := s.OptionalPermissions[key]
		position := permissionset.SwitchedOff
		if permission.DefaultEnabled {
			position = permissionset.SwitchedOn
		}
		to[permissionset.SwitchParameter(key)] = cloudformation.Parameter{
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

// switchConditions is the Conditions section.
func switchConditions(s Specification) map[string]any {
	conditions := map[string]any{}
	for key := range s.OptionalPermissions {
		conditions[switchCondition(key)] = equals(ref(permissionset.SwitchParameter(key)), permissionset.SwitchedOn)
	}
	return conditions
}

// optionalInline are the inline policies that a role has only while they are
// switched on.
func optionalInline(s Specification) ([]any, error) {
	var list []any
	for _, key := range sortedKeys(s.OptionalPermissions) {
		policies := s.OptionalPermissions[key].InlinePolicies
		for _, name := range sortedKeys(policies) {
			document, err := permissionset.Decode([]byte(policies[name]))
			if err != nil {
				return nil, fmt.Errorf("inline policy %q of the optional permission %s: %w", name, key, err)
			}
			list = append(list, when(switchCondition(key), map[string]any{"PolicyName": name, "PolicyDocument": document}))
		}
	}
	return list, nil
}

// grantedPermissions are the keys that are switched on, for the phone-home: a
// switch that is turned is a property that changes, so CloudFormation tells of
// it though the template's version is the same (aws-facts 1.11).
func grantedPermissions(s Specification) []any {
	var list []any
	for _, key := range sortedKeys(s.OptionalPermissions) {
		list = append(list, when(switchCondition(key), key))
	}
	return list
}

// optionalText is the part of the template's description that tells what the
// customer decides.
func optionalText(s Specification) string {
	if len(s.OptionalPermissions) == 0 {
		return ""
	}
	var texts []string
	for _, key := range sortedKeys(s.OptionalPermissions) {
		texts = append(texts, strings.TrimRight(s.OptionalPermissions[key].Description, ". "))
	}
	return " Optional, for you to switch on or off: " + strings.Join(texts, "; ") + "."
}
