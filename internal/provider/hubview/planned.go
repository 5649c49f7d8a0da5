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
	// hubLeaves is the incarnation that Terraform's state holds at an address that goes.
	hubLeaves *string
	links     map[string]LinkPlan
	// byAccount are the customers of links by the account that they name.
	byAccount map[account.ID]map[string]bool
	onHub     map[string]string // what was planned from the hub as it was read, with a digest of the hub
	created   map[string]int    // by customer: how many new links are planned
	waiting   map[string]bool   // customers whose new roles are waited for
	held      map[string]string // by customer: the incarnation of the link that Terraform's state holds
}

// HubPlan is the result of the hub's own plan.
type HubPlan struct {
	// New is set if the hub will be created, so that only its Publishers are known
	// yet; they are empty if not even these are.
	New        bool
	Publishers onboarding.PublisherScope

	// Partial is set if the hub will change, and some of it isn't known yet.
	Partial bool

	// Record is what the hub will be, if it is neither new nor partial.
	Record registry.HubRecord

	// Moves is set if the hub's plan changes what templates contain of the hub.
	Moves bool

	known bool // there was a plan, and Record is it
}

// LinkPlan is the result of a link's plan.
type LinkPlan struct {
	Link  onboarding.Link
	Known bool // everything in Link is known that a role's plan needs
}

func newPlanned() *Planned {
	return &Planned{creates: make(chan struct{}), links: map[string]LinkPlan{}, held: map[string]string{}, waiting: map[string]bool{}, created: map[string]int{}, byAccount: map[account.ID]map[string]bool{}, onHub: map[string]string{}}
}

// SetHub remembers the hub's plan.
func (p *Planned) SetHub(plan HubPlan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan.known = !plan.New && !plan.Partial
	p.hub, p.moved = plan, plan.Moves
}

// hubApplied forgets the hub's plan: it has become the record.
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

// hubMove returns the hub's plan, if it has not been applied, and whether it moves
// templates.
func (p *Planned) hubMove() (HubPlan, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hub, p.moved
}

// HubIsVague reports whether the hub is planned to change, and part of its new state
// isn't known yet.
func (p *Planned) HubIsVague() bool { return p.hubPlan().Partial }

// UseHub records that user was planned from the hub as it was last read, with a
// digest of that. It returns false if the hub itself was planned to change since.
// If user is empty, nothing is recorded.
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

// PlannedOnAnother returns what was planned from the hub as it was last read, although
// the hub's own plan changes it.
func (p *Planned) PlannedOnAnother(rendering string) []string {
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

// HubIsNew reports whether the hub is planned to be created in this operation,
// again or for the first time.
func (p *Planned) HubIsNew() bool { return p.hubPlan().New }

// HubAwaited reports whether something was planned for the hub in this operation of
// which links can't know everything yet.
func (p *Planned) HubAwaited() bool { plan := p.hubPlan(); return plan.New || plan.Partial }

// NewHubPublishers returns the publishers of a hub that is planned to be
// created; empty if it isn't, or if they aren't known.
func (p *Planned) NewHubPublishers() onboarding.PublisherScope { return p.hubPlan().Publishers }

// SetTakeover remembers that a resource is planned to take over the hub, which is
// there and will be as in the record, and reports whether it was planned before
// that its former address goes.
func (p *Planned) SetTakeover(record registry.HubRecord) (leaves bool) {
	p.SetHub(HubPlan{Record: record})
	return p.SetCreation()
}

// SetCreation remembers that a resource is planned to create the hub, which is
// there as it is declared. It reports whether it was planned before that another
// address of it goes.
func (p *Planned) SetCreation() (leaves bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.createdOnce.Do(func() { close(p.creates) })
	return p.hubLeaves != nil
}

// SetLeaving remembers that the address of an incarnation of the hub goes. It
// reports whether another address is planned to take the hub over; their plans come
// in any order, so it waits a while for that.
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

// SetHubHeld records that Terraform has a state of the hub, which holds an
// incarnation of it and is read or planned to change. A plan to create the hub,
// asked for later in the same process, then means that it is being replaced.
func (p *Planned) SetHubHeld(incarnation string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hubHeld = &incarnation
}

// HoldsHub reports whether Terraform has a state of this very incarnation of the
// hub, at an address that stays.
func (p *Planned) HoldsHub(hub onboarding.Incarnation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	leaves := p.hubLeaves != nil && hub.HeldBy(*p.hubLeaves)
	return p.hubHeld != nil && hub.HeldBy(*p.hubHeld) && !leaves
}

// SetLink remembers the plan of a customer's link.
func (p *Planned) SetLink(customer string, plan LinkPlan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setLink(customer, plan)
}

func (p *Planned) setLink(customer string, plan LinkPlan) {
	p.links[customer] = plan
	in := plan.Link.Account
	if in.IsZero() {
		return
	}
	if p.byAccount[in] == nil {
		p.byAccount[in] = map[string]bool{}
	}
	p.byAccount[in][customer] = true
}

// InAccount returns the planned links, of other customers than the given one, that
// name an account.
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

// CountCreations records that a new link of the customer is planned, and returns how
// many are by now. Terraform asks once for each resource, replaced ones included.
func (p *Planned) CountCreations(customer string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.created[customer]++
	return p.created[customer]
}

// SetLinkIf remembers the plan of a customer's link if it fits with the
// accounts of the other links that were planned in this process, and reports
// whether it does. Links are planned at the same time, so each has to see those
// before it.
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
func (p *Planned) OwnerOfExternalID(customer, externalID string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for other, plan := range p.links {
		if other != customer && plan.Link.ExternalID.String() == externalID {
			return other, true
		}
	}
	return "", false
}

// SetHeld records that Terraform has a state of the customer's link, which holds an
// incarnation of it. A plan to create that link, asked for later in the same
// process, then means that it is being replaced or has another address.
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

// CountWaiting records that the customer's new role will be waited for, and returns
// how many are by now.
func (p *Planned) CountWaiting(customer string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[customer] = true
	return len(p.waiting)
}
