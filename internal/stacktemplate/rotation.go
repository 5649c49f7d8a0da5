// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"slices"
)

// While a stack changes from one external ID to another, its role accepts both: the
// previous ID is a parameter that is empty at all other times. So the ID that the
// vendor has registered works until the new one is registered.

// rotationCondition is true while the role accepts a second external ID.
const rotationCondition = "PreviousExternalIdGiven"

func previousExternalIDParameter(s Specification, h *placeholders) parameter {
	return parameter{
		Type: "String",
		Description: h.text("Empty, unless " + s.vendorName() + " gives your connection a new external ID: then the one before, " +
			"which your role goes on accepting until you empty this field again."),
		Default:               "",
		AllowedPattern:        new(`^([\w+=,.@:/-]+)?$`),
		MaxLength:             new(1224),
		ConstraintDescription: new("The external ID that this stack had before, or nothing."),
	}
}

// acceptedExternalIDs returns the external IDs that the trust policy accepts: one or
// two.
func acceptedExternalIDs() function {
	both := []any{ref(ParameterExternalID), ref(ParameterPreviousExternalID)}
	return function{"Fn::If": []any{rotationCondition, both, ref(ParameterExternalID)}}
}

// HasRotation reports whether a template with these parameters lets a role accept two
// external IDs.
func HasRotation(parameters []string) bool {
	return slices.Contains(parameters, ParameterPreviousExternalID)
}
