// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Scope defines whose stacks a link is for: those of one account, of the accounts of
// an organization or, if the hub is open to any account, of the first account that
// registers.
type Scope struct {
	Kind         onboarding.Scope
	Account      account.ID
	Organization account.OrganizationID
	OnlyAccounts []account.ID
	// AsksAccount is set if the customer is to name their account: until then Account is
	// zero, and the link admits no account.
	AsksAccount bool
}

// keepNamedAccount returns the scope with the account that the customer has already named for
// a link.
func (s Scope) keepNamedAccount(link onboarding.Link) Scope {
	if s.AsksAccount && s.Account.IsZero() && link.AsksAccount {
		s.Account = link.Account
	}
	return s
}

// ApplyTo returns the link with this scope. The binding of a link to an account
// remains until the vendor names an account.
func (s Scope) ApplyTo(link onboarding.Link) onboarding.Link {
	link.Scope, link.Account, link.AsksAccount = s.Kind, s.Account, s.AsksAccount
	link.Organization, link.OnlyAccounts = s.Organization, s.OnlyAccounts
	if s.Kind != onboarding.ScopeAnyone {
		link.Bound, link.Reservation = account.ID{}, nil
	}
	return link
}

// differsFrom returns the first attribute in which a link has another scope; empty if
// there is none.
func (s Scope) differsFrom(link onboarding.Link) string {
	switch {
	case link.Scope != s.Kind:
		return "scope"
	case link.Account != s.keepNamedAccount(link).Account, link.AsksAccount != s.AsksAccount:
		return "account_id"
	case link.Organization != s.Organization:
		return "organization_id"
	case !slices.Equal(link.OnlyAccounts, s.OnlyAccounts):
		return "only_account_ids"
	}
	return ""
}

// refuseMove returns an error if the scope would make the account of a live stack
// another customer's, or would end its permission to phone home.
func (s Scope) refuseMove(link onboarding.Link, r onboarding.Registration) error {
	if s.Kind == onboarding.ScopeOrganization {
		if link.Organization.IsZero() || link.Organization == s.Organization {
			return nil
		}
		return &Refusal{"organization_id", fmt.Sprintf("Customer %s has a live stack in organization %s", link.CustomerID, link.Organization), fmt.Sprintf(
			"organization_id can't change while it lives. Ask the customer to delete stack %s first, or declare the other organization as a customer of its own.", r.Stack)}
	}
	if r.Account == s.ApplyTo(link).SoleAccount() {
		return nil
	}
	return &Refusal{"account_id", fmt.Sprintf("Customer %s has a live stack in account %s", link.CustomerID, r.Account), fmt.Sprintf(
		"account_id can't change while it lives. Ask the customer to delete stack %s first, or declare the other account as a customer of its own.", r.Stack)}
}

// samePublishers reports whether two links allow the same accounts to phone home.
func samePublishers(a, b onboarding.Link) bool {
	return a.Account == b.Account && a.Organization == b.Organization
}
