// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hubview

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Planned records what was planned for a hub in this process. A link's plan shows
// its URL before anything is created, and the URL depends on what the hub *will*
// be: a hub that gains a Region in the same apply changes the template of a new
// link. If the link were planned from the hub's current record, its final plan
// would differ from the first, and Terraform would refuse it as inconsistent.
type Planned struct {
	creates     chan struct{} // closed once the hub, which exists, is planned to be created
	createdOnce sync.Once

	mu      sync.Mutex
	hub     HubPlan
	moved   bool    // the hub's last plan Moves, whether it has been applied or not
	hubHeld *string // the incarnation of the hub that Terraform's state holds
	// hubLeaves is the incarnation that Terraform's state holds at an address that is
	// destroyed.
	hubLeaves *string
	links     map[string]LinkPlan
	// byAccount are the customers of links by the account that the links name.
	byAccount map[account.ID]map[string]bool
	// byExternalID are the customers of links by the external ID that the links have had
	// in a plan.
	byExternalID map[account.ExternalID]map[string]bool
	onHub        map[string]string // by user: the digest of the hub from which it was planned
	created      map[string]int    // by customer: how many creations of links are planned
	waiting      map[string]bool   // customers whose new roles wait for a stack
	held         map[string]string // by customer: the incarnation of the link that Terraform's state holds
}

// HubPlan is the result of the hub's own plan.
type HubPlan struct {
	// New is set if the hub will be created. Then only its Publishers are known; they
	// are empty if they aren't known either.
	New        bool
	Publishers onboarding.PublisherScope

	// Partial is set if the hub will change, and some of the change isn't known yet.
	Partial bool

	// Record is what the hub will be, if neither New nor Partial is set.
	Record registry.HubRecord

	// Moves is set if the hub's plan changes values of the hub that templates contain.
	Moves bool

	known bool // there is a plan, and Record is set
}

// LinkPlan is the result of a link's plan.
type LinkPlan struct {
	Link  onboarding.Link
	Known bool // everything in Link that a role's plan needs is known
}

func newPlanned() *Planned {
	return &Planned{creates: make(chan struct{}), links: map[string]LinkPlan{}, held: map[string]string{}, waiting: map[string]bool{}, created: map[string]int{}, byAccount: map[account.ID]map[string]bool{}, byExternalID: map[account.ExternalID]map[string]bool{}, onHub: map[string]string{}}
}

// SetHub records the hub's plan.
func (p *Planned) SetHub(plan HubPlan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan.known = !plan.New && !plan.Partial
	p.hub, p.moved = plan, plan.Moves
}

// hubApplied discards the hub's plan after it was applied.
func (p *Planned) hubApplied() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hub = HubPlan{}
}

func (p *Planned) hubPlan() HubPlan {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hub
}

// hubMove returns the hub's plan if it has not been applied, and whether it changes
// templates.
func (p *Planned) hubMove() (HubPlan, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hub, p.moved
}

// HubIsPartlyKnown reports whether the hub is planned to change, and some of the change
// isn't known yet.
func (p *Planned) HubIsPartlyKnown() bool { return p.hubPlan().Partial }

// UseHub records that user was planned from the hub as it was last read, and
// rendering, a digest of that hub. It returns false if a later plan changes the hub.
// If user is empty, it records nothing.
func (p *Planned) UseHub(user, rendering string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.moved {
		return false
	}
	if user != "" {
		p.onHub[user] = rendering
	}
	return true
}

// PlannedOnOtherHub returns the users that were planned from the hub as it was last
// read, if rendering, the digest of the planned hub, is another one.
func (p *Planned) PlannedOnOtherHub(rendering string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var users []string
	for user, on := range p.onHub {
		if on != "" && on != rendering {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users
}

// HubIsNew reports whether the hub is planned to be created or recreated in this
// operation.
func (p *Planned) HubIsNew() bool { return p.hubPlan().New }

// HubAwaited reports whether the hub is planned to be created or changed in this
// operation, and links can't know everything about it yet.
func (p *Planned) HubAwaited() bool { plan := p.hubPlan(); return plan.New || plan.Partial }

// NewHubPublishers returns the publishers of a hub that is planned to be created;
// empty if it isn't, or if they aren't known.
func (p *Planned) NewHubPublishers() onboarding.PublisherScope { return p.hubPlan().Publishers }

// SetTakeover records that a resource is planned to take over the existing hub, which
// will be as in the record. It reports whether a destroy of the hub's former address
// was planned before.
func (p *Planned) SetTakeover(record registry.HubRecord) (leaves bool) {
	p.SetHub(HubPlan{Record: record})
	return p.SetCreation()
}

// SetCreation records that a resource is planned to create the hub, which exists as
// declared. It reports whether a destroy of another address of the hub was planned
// before.
func (p *Planned) SetCreation() (leaves bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.createdOnce.Do(func() { close(p.creates) })
	return p.hubLeaves != nil
}

// SetLeaving records that the address that holds an incarnation of the hub is
// destroyed. It reports whether another address is planned to take the hub over. The
// plans come in any order, so it waits up to patience for that plan.
func (p *Planned) SetLeaving(ctx context.Context, incarnation string, patience time.Duration) (elsewhere bool) {
	p.mu.Lock()
	p.hubLeaves = &incarnation
	p.mu.Unlock()
	select {
	case <-p.creates:
		return true
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-p.creates:
		return true
	case <-ctx.Done():
		return false
	}
}

// SetHubHeld records that Terraform has a state of the hub, which holds an incarnation
// of it and is read or planned to change. If the same process is asked later for a
// plan to create the hub, the hub is being replaced.
func (p *Planned) SetHubHeld(incarnation string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hubHeld = &incarnation
}

// HoldsHub reports whether Terraform has a state of this incarnation of the hub, at an
// address that isn't destroyed.
func (p *Planned) HoldsHub(hub onboarding.Incarnation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	leaves := p.hubLeaves != nil && hub.HeldBy(*p.hubLeaves)
	return p.hubHeld != nil && hub.HeldBy(*p.hubHeld) && !leaves
}

// SetLink records the plan of a customer's link.
func (p *Planned) SetLink(customer string, plan LinkPlan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setLink(customer, plan)
}

func (p *Planned) setLink(customer string, plan LinkPlan) {
	p.links[customer] = plan
	if in := plan.Link.Account; !in.IsZero() {
		enter(p.byAccount, in, customer)
	}
	if id := plan.Link.ExternalID; !id.IsZero() {
		enter(p.byExternalID, id, customer)
	}
}

// enter adds a customer under a key of an index.
func enter[K comparable](index map[K]map[string]bool, key K, customer string) {
	if index[key] == nil {
		index[key] = map[string]bool{}
	}
	index[key][customer] = true
}

// InAccount returns the planned links that name an account, except that of the given
// customer.
func (p *Planned) InAccount(in account.ID, customer string) []onboarding.Link {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []onboarding.Link
	for other := range p.byAccount[in] {
		if plan := p.links[other]; other != customer && plan.Known && plan.Link.Account == in {
			all = append(all, plan.Link)
		}
	}
	return all
}

// CountCreations records that a link of the customer is planned to be created, and
// returns how often that has been recorded. Terraform asks once for each resource,
// including those that are replaced.
func (p *Planned) CountCreations(customer string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.created[customer]++
	return p.created[customer]
}

// SetLinkIf records the plan of a customer's link if fits returns true for the
// accounts of the other links planned in this process, and reports whether it does.
// Links are planned concurrently, so the check and the record are one step.
func (p *Planned) SetLinkIf(customer string, plan LinkPlan, fits func(others []account.ID) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	var others []account.ID
	for other, planned := range p.links {
		if other != customer && planned.Known {
			others = append(others, planned.Link.Account)
		}
	}
	if !fits(others) {
		return false
	}
	p.setLink(customer, plan)
	return true
}

// Link returns the plan of a customer's link; false if there was none.
func (p *Planned) Link(customer string) (LinkPlan, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan, ok := p.links[customer]
	return plan, ok
}

// OwnerOfExternalID returns another customer whose planned link has the external
// ID; false if there is none.
func (p *Planned) OwnerOfExternalID(customer string, externalID account.ExternalID) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for other := range p.byExternalID[externalID] {
		if other != customer && p.links[other].Link.ExternalID == externalID {
			return other, true
		}
	}
	return "", false
}

// SetHeld records that Terraform has a state of the customer's link, which holds an
// incarnation of it. If the same process is asked later for a plan to create that
// link, the link is being replaced or has moved to another address.
func (p *Planned) SetHeld(customer, incarnation string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[customer] = incarnation
}

// Holds reports whether Terraform's state holds this incarnation of the customer's
// link.
func (p *Planned) Holds(customer string, link onboarding.Incarnation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	held, ok := p.held[customer]
	return ok && link.HeldBy(held)
}

// CountWaiting records that an apply will wait for the customer's new role, and
// returns for how many roles it will wait.
func (p *Planned) CountWaiting(customer string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[customer] = true
	return len(p.waiting)
}
