// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Adopted reports whether the vendor registered a role that exists without a stack,
// so that no Delete will end the registration.
func (r Registration) Adopted() bool { return r.Stack.IsZero() && !r.Recovered }

// Adopt returns the registration of an existing role, which the vendor names, without
// a phone-home. The role needs a full proof like any other. A later stack of the
// customer replaces the registration. It returns an error if the link does not allow
// the adoption, or the role was not proven.
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
		return fmt.Errorf("customer %s is already connected, by stack %s; the customer disconnects by deleting it", customer, before.Stack)
	}
	return nil
}

// Release returns the registration after its adoption was ended, since no stack's
// Delete will end it. The entry is nil if there is nothing to end.
func Release(reg Registration, now time.Time) (Registration, *HistoryEntry) {
	if !reg.Live() || !reg.Adopted() {
		return reg, nil
	}
	was := reg.Status
	reg.Status, reg.Reason, reg.Open, reg.ChangedAt = Disconnected, reasonReleased, false, now
	reg.WithoutStack = false // no round looks for the role again
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
