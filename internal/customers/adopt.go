// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// ErrNoAccount indicates that an adoption names no role, and that the customer's link
// names no account whose role it could be.
var ErrNoAccount = errors.New("the link names no account: name the role")

// ErrNotAdopted indicates that a customer has no adopted role to release.
var ErrNotAdopted = errors.New("the customer has no adopted role")

// NotAdoptableError explains why a role is not adopted: the link does not allow it, or
// the role was not proven.
type NotAdoptableError struct{ Err error }

func (e *NotAdoptableError) Error() string { return e.Err.Error() }

func (e *NotAdoptableError) Unwrap() error { return e.Err }

// Prover proves a role with the full proof: see roleproof.Prover.
type Prover interface {
	Prove(ctx context.Context, probe onboarding.Probe) onboarding.Proof
}

// Adoption registers roles that exist already, and releases them.
type Adoption struct {
	Registry  *registry.Registry
	Prover    Prover
	Partition account.Partition
	Clock     func() time.Time
	DryRun    bool // decide and prove, but write nothing
}

// Adopt registers an existing role of a customer without a stack, after the full
// proof. If role is zero, it is the one that the link's stack would create. Errors
// are registry.ErrNoLink, ErrNoAccount, registry.ErrConflict, *NotAdoptableError, and
// those of the registry.
func (a Adoption) Adopt(ctx context.Context, customer string, role account.RoleARN) (onboarding.Registration, error) {
	return a.change(ctx, customer, func(found onboarding.Customer) (onboarding.Registration, *onboarding.HistoryEntry, error) {
		return a.adopt(ctx, found, role)
	})
}

// Release ends the adoption of a role. If role is zero, it is the customer's first
// adopted role. Errors are registry.ErrNoLink, ErrNotAdopted, registry.ErrConflict,
// and those of the registry.
func (a Adoption) Release(ctx context.Context, customer string, role account.RoleARN) (onboarding.Registration, error) {
	return a.change(ctx, customer, func(found onboarding.Customer) (onboarding.Registration, *onboarding.HistoryEntry, error) {
		for _, reg := range found.Registrations {
			if released, entry := onboarding.Release(reg, a.Clock().UTC()); entry != nil && (role.IsZero() || reg.Role == role) {
				return released, entry, nil
			}
		}
		return onboarding.Registration{}, nil, fmt.Errorf("customer %s of hub %s: %w", customer, found.Link.Hub, ErrNotAdopted)
	})
}

// change writes the registration and the history entry that decide returns for the
// customer, unless it is a dry run.
func (a Adoption) change(ctx context.Context, customer string, decide func(onboarding.Customer) (onboarding.Registration, *onboarding.HistoryEntry, error)) (reg onboarding.Registration, err error) {
	err = retry(func() error {
		found, err := a.Registry.Customer(ctx, customer)
		if err != nil {
			return err
		}
		var entry *onboarding.HistoryEntry
		if reg, entry, err = decide(found); err != nil {
			return err
		}
		if a.DryRun {
			return nil
		}
		_, err = a.Registry.PutHealth(ctx, reg, *entry)
		return err
	})
	return reg, err
}

func (a Adoption) adopt(ctx context.Context, customer onboarding.Customer, role account.RoleARN) (onboarding.Registration, *onboarding.HistoryEntry, error) {
	if role.IsZero() {
		role = customer.Link.Role(a.Partition)
	}
	if role.Account.IsZero() {
		return onboarding.Registration{}, nil, fmt.Errorf("customer %s: %w", customer.Link.CustomerID, ErrNoAccount)
	}
	var before *onboarding.Registration
	for i, reg := range customer.Registrations {
		if reg.Account == role.Account {
			before = &customer.Registrations[i]
		}
	}
	proof := a.Prover.Prove(ctx, onboarding.Probe{
		CustomerID: customer.Link.CustomerID, Role: role, ExternalID: customer.Link.ExternalID, Principals: customer.Link.TrustedPrincipals,
	})
	reg, entry, err := onboarding.Adopt(customer.Link, before, role, proof, a.Clock().UTC())
	if err != nil {
		return reg, nil, &NotAdoptableError{err}
	}
	return reg, entry, nil
}
