// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// parameters returns the parameters that a link fills in. The customer may change all
// of them, so none defines who is trusted or where the stack reports to; a wrong value
// only makes the stack fail with a message. None has NoEcho, because a link can't fill
// in such a parameter (aws-facts 3.2).
func parameters(s Specification, h *placeholders) parameterMap {
	keep := " It comes with the link: please leave it as it is."
	all := parameterMap{
		ParameterExternalID: {
			Type:                  "String",
			Description:           h.text("Proves to your role that " + s.vendorName() + " acts for you and not for somebody else." + keep),
			AllowedPattern:        new(`^[\w+=,.@:/-]+$`),
			MinLength:             new(2),
			MaxLength:             new(1224),
			ConstraintDescription: h.text("The external ID comes with the link from " + s.vendorName() + ". Open the link again and leave it as it is."),
		},
		ParameterCustomerName: {
			Type:                  "String",
			Description:           h.text("What " + s.vendorName() + " calls this connection. It is only for show."),
			AllowedPattern:        new(`^[A-Za-z0-9][A-Za-z0-9._-]*$`),
			MinLength:             new(1),
			MaxLength:             new(64),
			ConstraintDescription: new("1 to 64 letters, digits, dots, underscores and hyphens."),
		},
		ParameterRoleName: {
			Type:                  "String",
			Description:           h.text("The name of the role that is created." + keep),
			AllowedPattern:        new(`^[\w+=,.@-]+$`),
			MinLength:             new(1),
			MaxLength:             new(roleNameLength(s)),
			ConstraintDescription: new(fmt.Sprintf("The name of an IAM role: 1 to %d letters, digits and _+=,.@-", roleNameLength(s))),
		},
		ParameterShard: {
			Type:                  "String",
			Description:           h.text("Which of its inboxes " + s.vendorName() + " listens to for this stack." + keep),
			Default:               "0",
			AllowedPattern:        new(`^(0|[1-9][0-9]{0,3})$`),
			ConstraintDescription: new("A number from 0 to 9999. Open the link again and leave it as it is."),
		},
	}
	all[ParameterExpectedAccountID] = expectedAccountParameter(s, h)
	all[ParameterPreviousExternalID] = previousExternalIDParameter(s, h)
	addSwitches(all, s, h)
	addInputs(all, s, h)
	addChosen(all, s, h)
	return all
}

// consoleInterface returns the metadata that defines the order and the labels of the
// parameters in the console.
func consoleInterface(s Specification, h *placeholders) map[string]any {
	group := func(label string, names ...string) map[string]any {
		return map[string]any{"Label": map[string]any{"default": h.put(label)}, "Parameters": names}
	}
	label := func(text string) map[string]any { return map[string]any{"default": h.put(text)} }
	groups := []any{group("Your connection with "+s.vendorName(), ParameterCustomerName, ParameterRoleName)}
	labels := map[string]any{
		ParameterCustomerName: label("Connection"),
		ParameterRoleName:     label("Role name"),
		ParameterExternalID:   label("External ID"),
		ParameterShard:        label("Inbox number"),

		ParameterExpectedAccountID:  label("Expected account"),
		ParameterPreviousExternalID: label("External ID before"),
	}
	var inputs, switches, theirs []string
	for _, what := range sortedKeys(chosen(s)) {
		theirs = append(theirs, chosen(s)[what])
		labels[chosen(s)[what]] = label(inputLabel(what))
	}
	for _, key := range sortedKeys(s.CustomerParameters) {
		inputs = append(inputs, permissionset.InputParameter(key))
		labels[permissionset.InputParameter(key)] = label(inputLabel(key))
	}
	if len(inputs) > 0 {
		groups = append(groups, group("What "+s.vendorName()+" has to know about your account", inputs...))
	}
	for _, key := range sortedKeys(s.OptionalPermissions) {
		if s.OptionalPermissions[key].WhenParameter != "" {
			continue
		}
		switches = append(switches, permissionset.SwitchParameter(key))
		labels[permissionset.SwitchParameter(key)] = label(s.OptionalPermissions[key].Description)
	}
	if len(switches) > 0 {
		groups = append(groups, group("What "+s.vendorName()+" may do as well, if you like", switches...))
	}
	if len(theirs) > 0 {
		groups = append(groups, group("Your own rules for the role, if you have any", theirs...))
	}
	groups = append(groups, group("Filled in by the link: please leave as it is", ParameterExternalID, ParameterExpectedAccountID, ParameterShard, ParameterPreviousExternalID))
	return map[string]any{"ParameterGroups": groups, "ParameterLabels": labels}
}
