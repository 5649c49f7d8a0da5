// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDescription is CloudFormation's limit in bytes (aws-facts 3.9).
const maxDescription = 1024

// description returns the template's description: which accounts get which
// permissions.
func description(s Specification) string {
	vendor := s.vendorName()
	text := fmt.Sprintf("Lets %s (%s) act in this AWS account through %s that this stack creates. ", vendor, vendorAccounts(s), roles(s))
	end := " Deleting the stack ends the access."
	if s.SupportURL != "" {
		end += " Questions: " + s.SupportURL
	}
	return text + clipBytes(otherPrincipals(s)+permissions(s)+additionalText(s)+resourcesText(s), maxDescription-len(text)-len(end)) + end
}

// vendorAccounts returns a text that names all accounts that may use the role.
func vendorAccounts(s Specification) string {
	others := sortedSet(s.TrustedAccountIDs)
	if len(others) == 0 {
		return "AWS account " + s.Vendor.String()
	}
	all := append([]string{s.Vendor.String()}, others...)
	return "AWS accounts " + strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}

// otherPrincipals returns a text that names the trusted roles in accounts other than
// the hub's.
func otherPrincipals(s Specification) string {
	names := map[string][]string{}
	principals, _ := s.Principals() // the specification is valid
	for _, principal := range principals {
		if principal.Account != s.Vendor {
			names[principal.Account.String()] = append(names[principal.Account.String()], principal.Name)
		}
	}
	text := ""
	for _, id := range sortedKeys(names) {
		text += fmt.Sprintf("In account %s only %s may use it. ", id, strings.Join(sortedSet(names[id]), ", "))
	}
	return text
}

// permissions returns a text about what the role may do, and what the customer
// decides.
func permissions(s Specification) string {
	names := s.Role.Grants().Names()
	switch {
	case names != "":
		return "The role has " + names + "." + optionalText(s)
	case len(s.OptionalPermissions) > 0:
		return "The role has only the permissions that you switch on." + optionalText(s)
	}
	return "The role has no permissions yet."
}

// clipBytes returns s, cut to at most limit bytes at the end of a character.
func clipBytes(s string, limit int) string {
	const dots = "..."
	if len(s) <= limit {
		return s
	}
	cut := max(0, limit-len(dots))
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + dots
}
