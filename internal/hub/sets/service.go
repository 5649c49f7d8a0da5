// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sets

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Service writes and deletes the permission sets of one hub for an owner that keeps no
// state of its own: every call reads the records and does what remains to be done.
type Service struct {
	hub   *hub.Manager
	owner onboarding.Owner
	now   func() time.Time
}

// NewService returns the service of a hub.
func NewService(manager *hub.Manager, owner onboarding.Owner, clock func() time.Time) *Service {
	return &Service{hub: manager, owner: owner, now: clock}
}

// Order is a desired permission set.
type Order struct {
	Name     string
	Declared permissionset.Set
	Adopt    bool // take the set from another owner
	DryRun   bool // find out what would be done, and change nothing
}

// Outcome is the result of an order for one set.
type Outcome string

// The outcomes.
const (
	Created   Outcome = "created"
	Changed   Outcome = "changed"
	Adopted   Outcome = "adopted"
	Unchanged Outcome = "unchanged"
	Deleted   Outcome = "deleted"
)

// Result is the result of an order. A dry run has the result that the order would have.
type Result struct {
	Outcome Outcome
	Set     onboarding.PermissionSet
	// Lines describe what customers gain and lose by the change.
	Lines []string
	// Open are the customers whose links refer to the set and are open. Outdated is the
	// number of live stacks with another version of its template.
	Open     []string
	Outdated int
}

// Put creates or changes the set to match the order. Errors are *OwnedError,
// MistakesError, *MoveError and permissionset.FieldError, joined if there are several,
// and those of the registry and AWS.
func (s *Service) Put(ctx context.Context, order Order) (served Result, err error) {
	err = retry(func() error {
		served, err = s.put(ctx, order)
		return err
	})
	return served, err
}

func (s *Service) put(ctx context.Context, order Order) (Result, error) {
	records := s.hub.Registry()
	record, err := records.HubAndKey(ctx)
	if err != nil {
		return Result{}, err
	}
	if record.State != registry.HubReady {
		return Result{}, fmt.Errorf("hub %s is not ready: it is being created or deleted; finish that first", record.Name)
	}
	existing, err := s.find(ctx, order.Name)
	if err != nil {
		return Result{}, err
	}
	desired := Desired{
		Record: record, Name: order.Name, Declared: order.Declared, Owner: s.owner,
		Creating: existing == nil || existing.Retired(), Adopting: order.Adopt,
	}
	w, err := desired.Issue(existing)
	if err != nil {
		return Result{}, err
	}
	served := Result{Outcome: s.outcome(existing, w), Set: w.Set}
	var customers []onboarding.Customer
	if existing != nil {
		if customers, err = records.Customers(ctx); err != nil {
			return Result{}, err
		}
		if err := served.compare(*existing, desired, customers); err != nil {
			return Result{}, err
		}
	}
	if served.Outcome == Unchanged || order.DryRun {
		return served, nil
	}
	served.Set, err = w.Do(ctx, WriteOptions{
		Hub: s.hub, Record: record, Now: s.now().UTC(), Existing: existing, Incarnation: s.incarnation(existing),
		Customers: func(context.Context) ([]onboarding.Customer, error) { return customers, nil },
	})
	return served, err
}

func (s *Service) find(ctx context.Context, name string) (*onboarding.PermissionSet, error) {
	found, err := s.hub.Registry().PermissionSet(ctx, name)
	if errors.Is(err, registry.ErrNoPermissionSet) {
		return nil, nil
	}
	return &found, err
}

func (s *Service) outcome(existing *onboarding.PermissionSet, w Write) Outcome {
	switch {
	case existing == nil || existing.Retired():
		return Created
	case existing.Owner != s.owner:
		return Adopted
	case w.body == nil && existing.EqualForLinks(w.Set) && string(existing.Declared) == string(w.Set.Declared):
		return Unchanged
	}
	return Changed
}

// compare adds to the result how a change affects customers. It returns an error if
// their live stacks could not be updated to match the change.
func (s *Result) compare(existing onboarding.PermissionSet, desired Desired, customers []onboarding.Customer) error {
	referring := Referring(customers, existing.Name)
	s.Open = OpenLinks(referring)
	for _, c := range referring {
		for _, r := range c.Live() {
			if !r.Adopted() && r.TemplateVersion != s.Set.TemplateVersion {
				s.Outdated++
			}
		}
	}
	was, err := declaration.OfSet(existing)
	if err != nil {
		return fmt.Errorf("permission set %s can't be read: restore the table from a backup: %w", existing.Name, err)
	}
	s.Lines = was.Changes(desired.Declared)
	var errs []error
	for _, moved := range RefuseMove(existing, s.Set, referring) {
		errs = append(errs, moved)
	}
	if slices.ContainsFunc(referring, HasStack) {
		for _, mistake := range was.ValidateUpdate(desired.Declared) {
			errs = append(errs, mistake)
		}
	}
	return errors.Join(errs...)
}

// incarnation returns a new incarnation for a set that is created or adopted, and
// otherwise the existing one.
func (s *Service) incarnation(existing *onboarding.PermissionSet) onboarding.Incarnation {
	if existing != nil && !existing.Retired() && existing.Owner == s.owner {
		return existing.Incarnation
	}
	return onboarding.Incarnation{ID: rand.Text(), Since: s.now().UTC()}
}

// Delete retires the set with a name: links that refer to it stay as they are. If the
// set is retired already, it does nothing. If there never was such a set, the error is
// registry.ErrNoPermissionSet.
func (s *Service) Delete(ctx context.Context, name string, adopt, dryRun bool) (served Result, err error) {
	err = retry(func() error {
		set, err := s.hub.Registry().PermissionSet(ctx, name)
		if err != nil {
			return err
		}
		served = Result{Outcome: Unchanged, Set: set}
		if set.Retired() {
			return nil
		}
		if set.Owner != s.owner && !adopt {
			return &OwnedError{set}
		}
		customers, err := s.hub.Registry().Customers(ctx)
		if err != nil {
			return err
		}
		served.Outcome, served.Open = Deleted, OpenLinks(Referring(customers, name))
		if dryRun {
			return nil
		}
		served.Set, err = Retire(ctx, s.hub.Registry(), set, s.now())
		return err
	})
	return served, err
}
