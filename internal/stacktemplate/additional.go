// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// An additional role is rendered as the role of a specification in which it is the
// only one. The template builds its name from the parameter for the role's name.

// additional returns the specification in which an additional role is the only one.
func (s Specification) additional(key string) Specification {
	s.Set = s.Additional(key)
	return s
}

// addAdditionalRoles adds the additional roles and the policies that the stack
// creates for them.
func addAdditionalRoles(to resourceMap, s Specification, h *placeholders) error {
	for _, key := range s.AdditionalKeys() {
		one, resource := s.additional(key), permissionset.AdditionalResource(key)
		role, err := roleResource(one, join("-", ref(ParameterRoleName), key), resource, h)
		if err == nil {
			err = addManagedPolicies(to, one, resource, h)
		}
		if err != nil {
			return fmt.Errorf("additional role %s: %w", key, err)
		}
		to[resource] = role
	}
	return nil
}

// additionalARNs returns the ARNs of the additional roles by their keys, for the
// phone-home.
func additionalARNs(s Specification) map[string]any {
	arns := map[string]any{}
	for _, key := range s.AdditionalKeys() {
		arns[key] = getAtt(permissionset.AdditionalResource(key), "Arn")
	}
	return arns
}

func addAdditionalOutputs(to outputMap, s Specification, h *placeholders) {
	for _, key := range s.AdditionalKeys() {
		resource := permissionset.AdditionalResource(key)
		to[resource+"Arn"] = output{
			Description: h.text(fmt.Sprintf("The role %s that %s may assume as well", key, s.vendorName())),
			Value:       getAtt(resource, "Arn"),
		}
	}
}

// roleNameLength returns the maximum length of the role's name in characters, so that
// the names of the additional roles don't exceed IAM's limit of 64.
func roleNameLength(s Specification) int { return 64 - s.Suffix() }

// additionalText returns the part of the template's description about what the
// additional roles may do, and for which accounts.
func additionalText(s Specification) string {
	var text strings.Builder
	for _, key := range s.AdditionalKeys() {
		one := s.additional(key)
		fmt.Fprintf(&text, " Its role ...-%s, for %s, has %s.", key, vendorAccounts(one), one.Role.Grants().Names())
		text.WriteString(strings.TrimSuffix(" "+otherPrincipals(one), " "))
	}
	return text.String()
}

// roles returns how many roles the stack creates, for a sentence.
func roles(s Specification) string {
	if n := len(s.AdditionalRoles); n > 0 {
		return fmt.Sprintf("%d IAM roles", n+1)
	}
	return "one IAM role"
}
