// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Adopted reports whether the registration is of a role that existed
// before a stack did: the vendor registered it, and no Delete will ever end it.
func (r Registration) Adopted() bool { return r.Stack.IsZero() && !r.Recovered }

// Adopt registers a role that exists already, without a phone-home. The vendor
// says which one; that it is safe is proven as always. A stack of the customer
// that comes later takes over.
func Adopt(link Link, before *Registration, role account.RoleARN, proof Proof, now time.Time) (Registration, *HistoryEntry, error) {
	reg := Registration{Hub: link.Hub, CustomerID: link.CustomerID, Account: role.Account}
	was := Pending
	if before != nil {
		reg, was = *before, before.Status
	}
	if err := adoptable(link, before, role, now); err != nil {
		return reg, nil, err
	}
	switch proof.Outcome {
	case Proven:
	case Inconclusive:
		return reg, nil, fmt.Errorf("role %s could not be proven, and nothing was changed; try again: %w", role, proof.Err)
	case Refused, Open:
		err := fmt.Errorf("role %s of customer %s was not registered: %s; its trust policy has to name your account and ask for the external ID %s",
			role, link.CustomerID, reasonOf(proof), link.ExternalID)
		if proof.Err != nil {
			err = fmt.Errorf("%w, and your own policy has to allow sts:AssumeRole on it: %w", err, proof.Err)
		}
		return reg, nil, err
	}
	reg.Role, reg.ExternalID, reg.Recovered, reg.WithoutStack = role, link.ExternalID, false, false
	reg.PreviousExternalID = account.ExternalID{}
	reg.Stack, reg.LogicalID, reg.PhysicalID, reg.RequestedAt = account.StackARN{}, "", "", time.Time{}
	reg.TemplateVersion, reg.GrantedPermissions, reg.Parameters, reg.Reported, reg.AdditionalRoles = "", nil, nil, nil, nil
	reg.Status, reg.Reason, reg.Open, reg.DeleteDoubtedAt = Active, "", false, time.Time{}
	reg.RegisteredAt, reg.ProvenAt, reg.ChangedAt = now, now, now
	return reg, adoption(reg, OutcomeAdopted, was), nil
}

func adoptable(link Link, before *Registration, role account.RoleARN, now time.Time) error {
	customer := link.CustomerID
	switch {
	case link.Status(now) != LinkOpen:
		return fmt.Errorf("the link of customer %s is %s: open it again first", customer, link.Status(now))
	case link.Blocked:
		return fmt.Errorf("customer %s is blocked: unblock them first", customer)
	case link.Scope == ScopeAnyone:
		return fmt.Errorf("customer %s is declared without an account: set account_id first", customer)
	case !link.Admits(role.Account):
		return fmt.Errorf("role %s is in account %s, and customer %s is declared with account %s", role, role.Account, customer, link.Account)
	case before != nil && before.Live() && !before.Stack.IsZero():
		return fmt.Errorf("customer %s is connected already, by the stack %s; the customer ends that by deleting it", customer, before.Stack)
	}
	return nil
}

// Release ends an adoption, which no stack's Delete will end. The entry is nil
// if there is nothing to end.
func Release(reg Registration, now time.Time) (Registration, *HistoryEntry) {
	if !reg.Live() || !reg.Adopted() {
		return reg, nil
	}
	was := reg.Status
	reg.Status, reg.Reason, reg.Open, reg.ChangedAt = Disconnected, reasonReleased, false, now
	reg.WithoutStack = false // it is not looked for again
	return reg, adoption(reg, OutcomeReleased, was)
}

func adoption(reg Registration, outcome Outcome, was RegistrationStatus) *HistoryEntry {
	return &HistoryEntry{
		At:         reg.ChangedAt,
		CustomerID: reg.CustomerID,
		Account:    reg.Account,
		Outcome:    outcome,
		Before:     was,
		Status:     reg.Status,
		Detail:     reg.Reason,
	}
}
