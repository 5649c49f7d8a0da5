// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// Principals returns the parsed trusted roles, and a mistake for each invalid one.
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

// Accounts returns the parsed trusted accounts besides the hub's, sorted, and a
// mistake for each invalid one.
func (t Trust) Accounts() ([]account.ID, []FieldError) {
	var ids []account.ID
	var p Problems
	for _, text := range sortedSet(t.TrustedAccountIDs) {
		id, err := account.ParseID(text)
		if err != nil {
			p.Add(accountsField, text, "%s", err)
			continue
		}
		ids = append(ids, id)
	}
	return ids, p
}

// Provers returns the trusted roles in the hub's own account: a role is proven as one
// of them. If there is none, every principal of the account may prove the role, if the
// account gives it the permission.
func (t Trust) Provers(vendor account.ID) []account.RoleARN {
	principals, _ := t.Principals()
	return slices.DeleteFunc(principals, func(r account.RoleARN) bool { return r.Account != vendor })
}

// Policy returns who may assume the role of a hub in the vendor's account. It omits
// invalid principals and accounts: Validate reports them.
func (t Trust) Policy(vendor account.ID, partition account.Partition) iampolicy.Trust {
	principals, _ := t.Principals()
	accounts, _ := t.Accounts()
	return iampolicy.Trust{
		Partition: partition, Accounts: append([]account.ID{vendor}, accounts...), Principals: principals,
		SessionTags: t.AllowSessionTags, SourceIdentity: t.AllowSourceIdentity,
	}
}

const (
	principalsField = "trusted_principal_arns"
	accountsField   = "trusted_account_ids"
)

// principalText matches an ARN that means exactly one role: in the condition that
// contains the ARN, * and ? would be wildcards, and ${ a variable.
var principalText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w+=,.@:/-]+$`) })

// Validate returns the mistakes in who may assume the role.
func (t Trust) Validate(vendor account.ID, partition account.Partition) []FieldError {
	accounts, wrongAccounts := t.Accounts()
	principals, wrongPrincipals := t.Principals()
	p := Problems(slices.Concat(wrongAccounts, wrongPrincipals))
	if slices.Contains(accounts, vendor) {
		p.Add(accountsField, vendor.String(), "it is the hub's own account, which is trusted always: leave it out")
	}
	for _, principal := range principals {
		p.principal(principal, accounts, vendor, partition)
	}
	// As long as the external IDs that hubs generate.
	trust := t.Policy(vendor, partition).Document(strings.Repeat("0", 40)).String()
	if size := utf8.RuneCountInString(trust); size > iampolicy.MaxTrustSize {
		field, with := principalsField, fmt.Sprintf("%d principals", len(principals))
		if len(accounts) > 0 {
			field, with = accountsField, fmt.Sprintf("%d accounts and %d principals", len(accounts)+1, len(principals))
		}
		p.Add(field, "", "with %s the trust policy has %d characters, and IAM allows %d", with, size, iampolicy.MaxTrustSize)
	}
	return p
}

func (p *Problems) principal(role account.RoleARN, accounts []account.ID, vendor account.ID, partition account.Partition) {
	text := role.String()
	if !principalText().MatchString(text) {
		p.Add(principalsField, text, "the ARN must name one role, without wildcards")
	}
	switch {
	case role.Account == vendor || slices.Contains(accounts, role.Account):
	case len(accounts) == 0:
		p.Add(principalsField, text, "the role is in account %s, and only roles of the vendor's account %s can be trusted", role.Account, vendor)
	default:
		p.Add(principalsField, text, "the role is in account %s, which is neither the hub's account %s nor one of trusted_account_ids", role.Account, vendor)
	}
	if role.Partition != partition {
		p.Add(principalsField, text, "%s", account.PartitionMismatch("the role", role.Partition, partition))
	}
}

// review warns of accounts that may not exist.
func (t Trust) review() []FieldWarnings {
	var warnings []FieldWarnings
	for _, id := range sortedSet(t.TrustedAccountIDs) {
		warnings = append(warnings, FieldWarnings{accountsField, id, "the trusted account " + id, []iampolicy.Finding{{
			Severity: iampolicy.SeverityWarning, Code: "trusted-account",
			Message: fmt.Sprintf("account %s may assume the role as well; IAM refuses a role that trusts an account which does not exist, and then every customer's stack fails (aws-facts 12.12): launch the template once in an account of your own before you send links", id),
		}}})
	}
	return warnings
}
