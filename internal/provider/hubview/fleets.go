// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hubview

import (
	"maps"
	"slices"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Fleets is what was planned, in this process, of the fleets of a hub, and of links
// that customers have of their own: no customer is in two of them.
type Fleets struct {
	mu      sync.Mutex
	claims  map[string]map[string]bool // by fleet: the customers that its plan declares
	links   map[string]bool            // customers whose own link is planned to be there
	created map[string]int             // by fleet: how many new ones are planned
	held    map[string]string          // by fleet: the incarnation that Terraform's state holds
}

// NewFleets returns the plans of no fleet.
func NewFleets() *Fleets {
	return &Fleets{claims: map[string]map[string]bool{}, links: map[string]bool{}, created: map[string]int{}, held: map[string]string{}}
}

// Claim notes which customers the plan of a fleet declares. It returns those who
// are in another one, by customer, or have a link of their own in this
// configuration: there the name is empty.
func (f *Fleets) Claim(fleet string, customers map[string]bool) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claims[fleet] = customers
	taken := map[string]string{}
	for customer := range f.links {
		if customers[customer] {
			taken[customer] = ""
		}
	}
	for _, other := range slices.Sorted(maps.Keys(f.claims)) {
		if other == fleet {
			continue
		}
		for customer := range customers {
			if f.claims[other][customer] {
				taken[customer] = other
			}
		}
	}
	return taken
}

// ClaimLink records that a customer has a link of their own in this configuration,
// and returns the fleet that declares them too; false if none does.
func (f *Fleets) ClaimLink(customer string) (fleet string, taken bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.links[customer] = true
	for _, fleet := range slices.Sorted(maps.Keys(f.claims)) {
		if f.claims[fleet][customer] {
			return fleet, true
		}
	}
	return "", false
}

// CountCreations records that a fleet is planned to be created, and returns how often
// that is so by now. Terraform asks once for each resource, replaced ones included.
func (f *Fleets) CountCreations(fleet string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.created[fleet]++
	return f.created[fleet]
}

// SetHeld records that Terraform has a state of the fleet, which holds an incarnation
// of it: see Planned.SetHeld.
func (f *Fleets) SetHeld(fleet, incarnation string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held[fleet] = incarnation
}

// Holds reports whether Terraform has a state of this very incarnation of the
// fleet.
func (f *Fleets) Holds(fleet onboarding.Fleet) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	held, ok := f.held[fleet.Name]
	return ok && fleet.Incarnation.HeldBy(held)
}

// HoldsName reports whether Terraform has a state of a fleet.
func (f *Fleets) HoldsName(fleet string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.held[fleet]
	return ok
}

// Leaves reports whether Terraform has a state of a fleet that the customer is not
// planned to stay in.
func (f *Fleets) Leaves(fleet, customer string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.held[fleet]
	return ok && !f.claims[fleet][customer]
}
