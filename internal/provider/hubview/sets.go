// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hubview

import (
	"context"
	"slices"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Sets are the permission sets of a hub as one operation sees them: as they were
// read, all of them at once, as this operation has written them, and as it plans
// to. Terraform plans and applies a set before the links that refer to it, so a
// link is planned on what its set will be.
type Sets struct {
	read shared[map[string]onboarding.PermissionSet]

	mu      sync.Mutex
	written map[string]onboarding.PermissionSet
	planned map[string]SetPlan
	held    map[string]string              // by name: the incarnation of the set that Terraform's state holds
	used    map[string]map[string]struct{} // by name: customers whose links were planned before the set was
}

// SetPlan is the result of a set's plan.
type SetPlan struct {
	// Set is what the set will be, if it is Known.
	Set   onboarding.PermissionSet
	Known bool
	// Changes is set if links change by this plan, or have changed
	// since it was applied in this operation.
	Changes bool
}

func newSets(v *View) *Sets {
	s := &Sets{}
	s.clear()
	s.read = shared[map[string]onboarding.PermissionSet]{now: v.config.Clock, maxAge: freshness, read: func(ctx context.Context) (map[string]onboarding.PermissionSet, error) {
		list, err := v.Registry.PermissionSets(ctx)
		if err != nil {
			return nil, v.noHubFirst(ctx, err)
		}
		sets := make(map[string]onboarding.PermissionSet, len(list))
		for _, set := range list {
			sets[set.Name] = set
		}
		return sets, nil
	}}
	return s
}

// Find returns a set, retired or not, as it is now; nil if the hub definitely has
// none of the name.
func (s *Sets) Find(ctx context.Context, name string) (*onboarding.PermissionSet, error) {
	all, err := s.read.get(ctx)
	if err != nil {
		return nil, err
	}
	set, there := all[name]
	s.mu.Lock()
	defer s.mu.Unlock()
	if written, mine := s.written[name]; mine && written.Revision > set.Revision {
		set, there = written, true
	}
	if !there {
		return nil, nil
	}
	return &set, nil
}

// AfterApply returns a set as it will be when this operation is applied: as it was
// planned or written in it, and otherwise as it is. If there is none that a link
// may refer to, the error is registry.ErrNoPermissionSet or
// registry.ErrPermissionSetRetired.
func (s *Sets) AfterApply(ctx context.Context, name string) (SetPlan, error) {
	if plan, ok := s.plan(name); ok {
		return plan, nil
	}
	found, err := s.Find(ctx, name)
	switch {
	case err != nil:
		return SetPlan{}, err
	case found == nil:
		return SetPlan{}, registry.ErrNoPermissionSet
	case found.Retired():
		return SetPlan{Set: *found, Known: true}, registry.ErrPermissionSetRetired
	}
	return SetPlan{Set: *found, Known: true}, nil
}

func (s *Sets) plan(name string) (SetPlan, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	plan, ok := s.planned[name]
	return plan, ok
}

// SetPlan remembers the plan of a set. It returns the customers whose links were
// planned before, as if it did not change: their configuration does not show that
// they depend on it.
func (s *Sets) SetPlan(name string, plan SetPlan) (planned []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, before := s.planned[name]; !before && plan.Changes {
		for customer := range s.used[name] {
			planned = append(planned, customer)
		}
	}
	s.planned[name] = plan
	slices.Sort(planned)
	return planned
}

// Use records that a customer's link was planned on what the set is.
func (s *Sets) Use(name, customer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, planned := s.planned[name]; planned {
		return
	}
	if s.used[name] == nil {
		s.used[name] = map[string]struct{}{}
	}
	s.used[name][customer] = struct{}{}
}

// Wrote makes a set that this operation wrote visible to the rest of it.
func (s *Sets) Wrote(set onboarding.PermissionSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[set.Name] = set
	if set.Retired() {
		delete(s.planned, set.Name) // another address may have planned to create it: it does so again in its apply
		return
	}
	s.planned[set.Name] = SetPlan{Set: set, Known: true, Changes: true}
}

// SetHeld records that Terraform has a state of the set, which holds an incarnation
// of it: see Planned.SetHeld.
func (s *Sets) SetHeld(name, incarnation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[name] = incarnation
}

// Holds reports whether Terraform has a state of this very incarnation of the set.
func (s *Sets) Holds(set onboarding.PermissionSet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	held, ok := s.held[set.Name]
	return ok && set.Incarnation.HeldBy(held)
}

// refer returns a link that was read with the contents of its set since this operation
// has written it.
func (s *Sets) refer(link onboarding.Link) onboarding.Link {
	if link.Set == nil {
		return link
	}
	s.mu.Lock()
	written, mine := s.written[link.PermissionSet]
	s.mu.Unlock()
	if mine && written.Revision > link.Set.Revision {
		return link.Refer(written)
	}
	return link
}

// forget makes the next look a fresh one.
func (s *Sets) forget() { s.read.forget() }

// clear forgets everything, because the hub has gone.
func (s *Sets) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written, s.planned = map[string]onboarding.PermissionSet{}, map[string]SetPlan{}
	s.held, s.used = map[string]string{}, map[string]map[string]struct{}{}
}
