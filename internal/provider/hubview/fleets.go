// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hubview

import (
	"maps"
	"slices"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Fleets records what this process has planned for the fleets of a hub, and for links
// that customers have on their own, so that no customer gets two links.
type Fleets struct {
	mu      sync.Mutex
	claims  map[string]map[string]bool // by fleet: the customers that its plan declares
	links   map[string]bool            // customers with a planned link of their own
	created map[string]int             // by fleet: how many creations are planned
	held    map[string]string          // by fleet: the incarnation that Terraform's state holds
	unknown map[string]bool            // fleets whose links are planned to change, and it isn't known yet how
}

// NewFleets returns a Fleets without plans.
func NewFleets() *Fleets {
	return &Fleets{claims: map[string]map[string]bool{}, links: map[string]bool{}, created: map[string]int{}, held: map[string]string{}, unknown: map[string]bool{}}
}

// Claim records which customers the plan of a fleet declares. It returns the customers
// who are in another fleet, with its name, or have a link of their own in this
// configuration, with an empty name.
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

// ClaimLink records that a customer has a link of their own in this configuration, and
// returns the fleet that declares the customer too; false if none does.
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

// SetUnknown records that links of a fleet are planned to be created or changed, and that
// it isn't known yet which of them, or how.
func (f *Fleets) SetUnknown(fleet string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unknown[fleet] = true
}

// AnyUnknown reports whether SetUnknown was called for any fleet.
func (f *Fleets) AnyUnknown() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.unknown) > 0
}

// LinkUnknown reports whether a fleet may create or change a customer's link in a way
// that isn't known yet. The customer is nil if the hub has none with that ID.
func (f *Fleets) LinkUnknown(customer *onboarding.Customer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if customer == nil {
		return len(f.unknown) > 0
	}
	return !customer.Link.Closed && f.unknown[customer.Link.Fleet] || customer.Link.Closed && len(f.unknown) > 0
}

// CountCreations records that a fleet is planned to be created, and returns how often
// that has been recorded. Terraform asks once for each resource, including those that
// are replaced.
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

// Holds reports whether Terraform has a state of this incarnation of the fleet.
func (f *Fleets) Holds(fleet onboarding.Fleet) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	held, ok := f.held[fleet.Name]
	return ok && fleet.Incarnation.HeldBy(held)
}

// HoldsName reports whether Terraform has a state of a fleet with this name.
func (f *Fleets) HoldsName(fleet string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.held[fleet]
	return ok
}

// Leaves reports whether Terraform has a state of the fleet, and its plan doesn't
// contain the customer.
func (f *Fleets) Leaves(fleet, customer string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.held[fleet]
	return ok && !f.claims[fleet][customer]
}
