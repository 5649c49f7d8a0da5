// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// A setting that the customer may choose instead of the vendor is a parameter, whose
// default is the vendor's choice. The stack reports the customer's choices. None of
// them gives access to a principal that would otherwise have none.
const (
	ParameterRolePath            = "RolePath"
	ParameterPermissionsBoundary = "PermissionsBoundary"

	boundaryCondition = "PermissionsBoundaryGiven"
	boundaryPattern   = `^(arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/[A-Za-z0-9._+=,@/-]+)?$`
)

// addChosen adds the parameters for the settings that the customer chooses.
func addChosen(to parameterMap, s Specification, h *placeholders) {
	if s.Chooses(permissionset.ChoosesPath) {
		to[ParameterRolePath] = parameter{
			Type: "String", Default: h.put(rolePath(s)), AllowedPattern: new("^" + permissionset.ChosenPath + "$"), MaxLength: new(512),
			Description:           new("Path of the role, if your account has rules for it. It cannot be changed later."),
			ConstraintDescription: new("A path begins and ends with a slash, such as /vendors/."),
		}
	}
	if s.Chooses(permissionset.ChoosesBoundary) {
		to[ParameterPermissionsBoundary] = parameter{
			Type: "String", Default: h.put(s.Role.PermissionsBoundaryARN), AllowedPattern: new(boundaryPattern), MaxLength: new(2048),
			Description:           new("ARN of a policy of yours that is the role's permissions boundary: the role may do no more than it allows. Empty: none."),
			ConstraintDescription: new("The ARN of an IAM policy, or nothing."),
		}
	}
}

// chosen returns the names of the parameters for the settings that the customer
// chooses, by the names under which the stack reports them.
func chosen(s Specification) map[string]string {
	names := map[string]string{}
	if s.Chooses(permissionset.ChoosesPath) {
		names[permissionset.ChoosesPath] = ParameterRolePath
	}
	if s.Chooses(permissionset.ChoosesBoundary) {
		names[permissionset.ChoosesBoundary] = ParameterPermissionsBoundary
	}
	return names
}

// ChosenParameter returns the name of the parameter for a setting that the customer
// chooses.
func ChosenParameter(what string) string {
	if what == permissionset.ChoosesPath {
		return ParameterRolePath
	}
	return ParameterPermissionsBoundary
}

// path returns the path of the role and of the policies that the stack creates: the
// customer's choice, or otherwise.
func path(s Specification, h *placeholders, otherwise string) *string {
	if s.Chooses(permissionset.ChoosesPath) {
		return h.value(ref(ParameterRolePath))
	}
	return h.text(otherwise)
}

// boundary returns the role's permissions boundary; nil if it has none.
func boundary(s Specification, h *placeholders) *string {
	switch arn := s.Role.PermissionsBoundaryARN; {
	case s.Chooses(permissionset.ChoosesBoundary):
		return h.value(when(boundaryCondition, ref(ParameterPermissionsBoundary)))
	case arn != "":
		return h.value(filled(arn))
	}
	return nil
}
