// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// Principals returns the trusted roles, parsed, and a mistake for each that is
// none.
func (t Trust) Principals() ([]account.RoleARN, []FieldError) {
	var roles []account.RoleARN
	var p Problems
	for _, text := range t.TrustedPrincipals {
		role, err := account.ParseRoleARN(text)
		if err != nil {
			p.Add(principalsField, text, "%s", err)
			continue
		}
		roles = append(roles, role)
	}
	return roles, p
}

const principalsField = "trusted_principal_arns"

// principalText is what stands in an ARN that means exactly one role: the
// condition that holds it would read * and ? as wildcards, and ${ as a variable.
var principalText = regexp.MustCompile(`^[\w+=,.@:/-]+$`)

// Validate returns what is wrong with who may assume the role.
func (t Trust) Validate(vendor account.ID, partition account.Partition) []FieldError {
	principals, errs := t.Principals()
	p := Problems(errs)
	for _, principal := range principals {
		text := principal.String()
		if !principalText.MatchString(text) {
			p.Add(principalsField, text, "the ARN must name one role, without wildcards")
		}
		if principal.Account != vendor {
			p.Add(principalsField, text, "the role is in account %s, and only roles of the vendor's account %s can be trusted", principal.Account, vendor)
		}
		if principal.Partition != partition {
			p.Add(principalsField, text, "%s", account.Apart("the role", principal.Partition, partition))
		}
	}
	// As long as the external IDs that hubs issue.
	trust := iampolicy.Trust(vendor, partition, strings.Repeat("0", 40), principals).String()
	if size := utf8.RuneCountInString(trust); size > iampolicy.MaxTrustSize {
		p.Add(principalsField, "", "with %d principals the trust policy has %d characters, and IAM allows %d", len(principals), size, iampolicy.MaxTrustSize)
	}
	return p
}
