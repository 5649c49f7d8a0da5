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

// Sets are the permission sets of a hub for one operation: as read, all at once, as
// written by this operation, and as planned by it. Terraform plans and applies a set
// before the links that refer to it, so the plan of a link starts from what its set
// will be.
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
	// Changes is set if links change because of this plan, or have changed because it
	// was applied in this operation.
	Changes bool
}

func newSets(v *View) *Sets {
	s := &Sets{}
	s.clear()
	s.read = shared[map[string]onboarding.PermissionSet]{now: v.config.Clock, maxAge: maxReadAge, read: func(ctx context.Context) (map[string]onboarding.PermissionSet, error) {
		list, err := v.Registry.PermissionSets(ctx)
		if err != nil {
			return nil, v.orNoHub(ctx, err)
		}
		sets := make(map[string]onboarding.PermissionSet, len(list))
		for _, set := range list {
			sets[set.Name] = set
		}
		return sets, nil
	}}
	return s
}

// Find returns a set, retired or not, as it is now; nil if the hub definitely has none
// with that name.
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

// AfterApply returns a set as it will be after this operation: as planned or written
// in it, and otherwise as it is. If the hub has no set that a link may refer to, the
// error is registry.ErrNoPermissionSet or registry.ErrPermissionSetRetired.
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

// SetPlan records the plan of a set. It returns the customers whose links were planned
// before, as if the set did not change, because the configuration doesn't show that
// they depend on the set.
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

// Use records that a customer's link was planned from the set as it is.
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

func (s *Sets) hasWritten() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.written) > 0
}

// Wrote shares a set that this operation wrote with the rest of the operation. Whether
// links change remains as it was planned: what refers to the set is planned again after
// this, and must get the same plan as before.
func (s *Sets) Wrote(set onboarding.PermissionSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[set.Name] = set
	if set.Retired() {
		delete(s.planned, set.Name) // another address may have planned to create the set: its apply records its plan again
		return
	}
	plan, planned := s.planned[set.Name]
	s.planned[set.Name] = SetPlan{Set: set, Known: true, Changes: plan.Changes || !planned || !plan.Known}
}

// Follow returns a link as it will be after this operation if its set changes in it,
// and the link itself does not; false if the set isn't known yet.
func (s *Sets) Follow(link onboarding.Link) (onboarding.Link, bool) {
	plan, planned := s.plan(link.PermissionSet)
	switch {
	case link.Set == nil || !planned:
		return link, true
	case !plan.Known:
		return link, false
	}
	return link.WithSet(plan.Set), true
}

// SetHeld records that Terraform has a state of the set, which holds an incarnation
// of it: see Planned.SetHeld.
func (s *Sets) SetHeld(name, incarnation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[name] = incarnation
}

// Holds reports whether Terraform has a state of this incarnation of the set.
func (s *Sets) Holds(set onboarding.PermissionSet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	held, ok := s.held[set.Name]
	return ok && set.Incarnation.HeldBy(held)
}

// withWrittenSet returns a link with the contents of its set that this operation has
// written since the link was read.
func (s *Sets) withWrittenSet(link onboarding.Link) onboarding.Link {
	if link.Set == nil {
		return link
	}
	s.mu.Lock()
	written, mine := s.written[link.PermissionSet]
	s.mu.Unlock()
	if mine && written.Revision > link.Set.Revision {
		return link.WithSet(written)
	}
	return link
}

// forget makes the next call read again.
func (s *Sets) forget() { s.read.forget() }

// clear discards everything, because the hub was deleted.
func (s *Sets) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written, s.planned = map[string]onboarding.PermissionSet{}, map[string]SetPlan{}
	s.held, s.used = map[string]string{}, map[string]map[string]struct{}{}
}
