// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"regexp"
	"slices"
)

// Settings that customers may choose instead of the vendor: the values of the
// attribute customer_chooses, and the names under which stacks report the choices.
const (
	ChoosesBoundary = "permissions_boundary"
	ChoosesPath     = "role_path"
)

// Choosable are all settings that customers may choose.
var Choosable = []string{ChoosesBoundary, ChoosesPath}

const choosesField = "customer_chooses"

// Chooses reports whether the customer chooses a setting.
func (c Choices) Chooses(what string) bool { return slices.Contains(c.CustomerChooses, what) }

// ChosenPath is the pattern for the path of a role if the customer chooses it. It
// allows less than IAM does for roles, because the policies that the stack creates
// have the same path.
const ChosenPath = `/([A-Za-z0-9._+=,@-]+/)*`

// validateChooses returns the mistakes in the settings that the customer chooses.
func (s Set) validateChooses() []FieldError {
	var p Problems
	for _, what := range sortedSet(s.CustomerChooses) {
		if !slices.Contains(Choosable, what) {
			p.Add(choosesField, what, "customers may choose %s", joined(Choosable))
		}
		if _, taken := s.CustomerParameters[what]; taken {
			p.Add(parametersField, what, "what the customer chooses is reported under this name: use another key")
		}
	}
	if path := s.Role.WithDefaults().Path; s.Chooses(ChoosesPath) && !regexp.MustCompile(`^`+ChosenPath+`$`).MatchString(path) {
		p.Add("role.path", "", "%q is the default of what the customer chooses, and has other characters than letters, digits and ._+=,@-", path)
	}
	if s.Chooses(ChoosesPath) && s.RegisterWithoutStack {
		p.Add(choosesField, ChoosesPath, "with register_without_stack registrars look for the role by its ARN, which is not known if the customer chooses the path: leave one of them out")
	}
	if boundary := s.Role.PermissionsBoundaryARN; s.Chooses(ChoosesBoundary) && looksLikeReference(boundary) {
		p.Add("role.permissions_boundary_arn", "", "it is the default of what the customer chooses, and a default has no references: leave it out, or do not let the customer choose")
	}
	return p
}
