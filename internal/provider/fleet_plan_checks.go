// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Errors and warnings of a fleet's plan.

// claim refuses customers who are in another fleet of this configuration or have their
// own link in it, and a second fleet of the same name.
func (p *fleetPlan) claim(view *hubview.View) {
	name := p.plan.Name.ValueString()
	if p.state == nil && p.resource.session.isDuplicate(view.Fleets.CountCreations(name)) {
		p.diags.AddAttributeError(path.Root("name"), fmt.Sprintf("Two fleets %s of hub %s", name, view.Name),
			"Another xacct_fleet of this configuration has the same hub and name. Give this one a name of its own.")
		return
	}
	p.diags.Append(takenTwice(view.Name, name, view.Fleets.Claim(name, p.declared()))...)
}

// claimUnknownHub is claim for a hub whose name isn't known yet: it only warns, because
// the two fleets may be in two hubs. The apply refuses them if they are not.
func (p *fleetPlan) claimUnknownHub() {
	if p.plan.Name.IsUnknown() {
		return
	}
	taken := p.resource.session.fleetsOfUnnamedHubs().Claim(p.plan.Name.ValueString(), p.declared())
	if len(taken) > 0 {
		p.diags.AddAttributeWarning(customersPath, "Customers with two links", fmt.Sprintf(
			"Of fleet %s %s are in another fleet of this configuration too, or have a link of their own. If both are of the same new hub, the apply will refuse it: a customer has one link.",
			p.plan.Name.ValueString(), counted(slices.Sorted(maps.Keys(taken)))))
	}
}

// declared returns the set of customers in the plan.
func (p *fleetPlan) declared() map[string]bool {
	elements := p.plan.Customers.Elements()
	declared := make(map[string]bool, len(elements))
	for id := range elements {
		declared[id] = true
	}
	return declared
}

// takenTwice returns an error for each customer of a fleet that this configuration
// also declares elsewhere.
func takenTwice(hubName, name string, taken map[string]string) diag.Diagnostics {
	found := newFindings()
	for _, customer := range slices.Sorted(maps.Keys(taken)) {
		found.add(customer, declaredTwice(customersPath.AtMapKey(customer), hubName, customer, name, taken[customer], ""))
	}
	return found.diagnostics()
}

// check adds warnings of later problems, and errors for what the hub or the set
// doesn't allow.
func (p *fleetPlan) check(ctx context.Context, view *hubview.View, record registry.HubRecord, desired customers.DesiredFleet, todo customers.FleetWrite, all map[string]onboarding.Customer) {
	if p.sameFleet() {
		p.diags.Append(warnOfClosings(view.Name, desired.Name, todo.Closing)...)
	} else if p.state != nil && p.state.Hub.Equal(p.plan.Hub) {
		p.checkLeft(view, todo, all)
	}
	if len(todo.Changes) == len(todo.Closing) {
		return
	}
	fleet, err := desired.Fleet()
	if err == nil && !fleet.ExpiresAt.IsZero() && !p.resource.session.now().Before(fleet.ExpiresAt) {
		p.diags.AddAttributeWarning(path.Root("expires_at"), "The fleet is expired",
			"expires_at is in the past: customers who launch their links are refused. Live stacks are not affected. A later time opens the links again.")
	}
	p.diags.Append(warnOfRotations(view.Name, todo.Rotating)...)
	p.checkRoom(view, record, todo, all)
	p.checkSetChange(ctx, view, desired.Set, todo, all)
	p.checkNeighbours(todo, all)
	p.checkOwnAccount(todo)
}

// checkLeft warns of connected customers of the state's fleet who are not in the fleet
// that replaces it.
func (p *fleetPlan) checkLeft(view *hubview.View, todo customers.FleetWrite, all map[string]onboarding.Customer) {
	var leaving []onboarding.Customer
	for id := range textsOf(p.state.Customers) {
		if found, there := all[id]; there && found.Link.InFleet(p.state.Name.ValueString()) {
			if _, stays := todo.Links[id]; !stays {
				leaving = append(leaving, found)
			}
		}
	}
	p.diags.Append(warnOfClosings(view.Name, p.state.Name.ValueString(), leaving)...)
}

// checkRoom refuses a fleet whose accounts don't fit in the bucket's policy.
func (p *fleetPlan) checkRoom(view *hubview.View, record registry.HubRecord, todo customers.FleetWrite, all map[string]onboarding.Customer) {
	if record.TemplateAccess != onboarding.TemplatesAccounts {
		return
	}
	readers := readersOf(all, view.Now())
	room := roomForReaders(record.Name, record.Bucket, record.Account, record.Region)
	for _, id := range slices.Sorted(slices.Values(todo.Publishers)) {
		if readers[todo.Links[id].Account] = true; len(readers) > room {
			d := noRoom(view.Name, id, len(readers)-1, room)
			p.diags.AddAttributeError(customersPath.AtMapKey(id), d.Summary(), d.Detail())
			return
		}
	}
}

// checkSetChange warns, once for all customers, what they gain and lose if the fleet
// will refer to another set. If the set itself changes, the set's own plan warns.
func (p *fleetPlan) checkSetChange(ctx context.Context, view *hubview.View, next onboarding.PermissionSet, todo customers.FleetWrite, all map[string]onboarding.Customer) {
	if !p.sameFleet() || p.plan.PermissionSet.Equal(p.state.PermissionSet) {
		return
	}
	before, err := view.Sets.Find(ctx, p.state.setName())
	if err != nil || before == nil {
		return // the refresh has added this error already
	}
	was, err := declaration.OfSet(*before)
	will, err2 := declaration.OfSet(next)
	if err != nil || err2 != nil {
		return // a damaged record is reported when it is read into the state
	}
	var staying []onboarding.Customer
	for _, change := range todo.Changes[len(todo.Closing):] {
		if found, there := all[change.Link.CustomerID]; there {
			staying = append(staying, found)
		}
	}
	for _, d := range refuseMove(*before, next, staying) { // on an attribute of the set's
		p.diags.AddAttributeError(setPath, d.Summary(), d.Detail())
	}
	if slices.ContainsFunc(staying, hasStack) {
		for _, e := range was.ValidateUpdate(will) {
			p.diags.AddAttributeError(setPath, "Live stacks can't be updated to this set", sentence(e.Field+": "+e.Problem))
		}
	}
	p.diags.Append(warnOfSetChange(*before, next, was, will, staying)...)
}

// checkNeighbours warns if two customers would have the same role in one account:
// the second stack would fail.
func (p *fleetPlan) checkNeighbours(todo customers.FleetWrite, all map[string]onboarding.Customer) {
	type place struct {
		account account.ID
		role    string
	}
	placeOf := func(link onboarding.Link) place { return place{link.Account, strings.ToLower(link.RoleName)} }
	there := map[place][]string{}
	for id, customer := range all {
		if _, mine := todo.Links[id]; !mine && (!customer.Link.Closed || len(customer.Live()) > 0) {
			there[placeOf(customer.Link)] = append(there[placeOf(customer.Link)], id)
		}
	}
	for id, link := range todo.Links {
		there[placeOf(link)] = append(there[placeOf(link)], id)
	}
	var pairs []string
	for _, change := range todo.Changes[len(todo.Closing):] {
		if ids := there[placeOf(change.Link)]; len(ids) > 1 {
			slices.Sort(ids)
			pairs = append(pairs, fmt.Sprintf("%s in account %s", strings.Join(ids, " and "), change.Link.Account))
		}
	}
	slices.Sort(pairs)
	if pairs = slices.Compact(pairs); len(pairs) > 0 {
		p.diags.AddAttributeWarning(customersPath, "Two customers with the same role in one account", fmt.Sprintf(
			"These customers have the same account, and roles of the same name in it, so the second stack fails: %s. "+
				"Correct the account, or let the permission set leave role_name out, so that each customer's role has a name of its own.", someOf(pairs)))
	}
}

// checkOwnAccount warns of new customers in the provider's own account.
func (p *fleetPlan) checkOwnAccount(todo customers.FleetWrite) {
	own := p.resource.session.clients.Account
	for _, change := range todo.Changes[len(todo.Closing):] {
		if change.Link.Account == own && (change.Before == nil || change.Before.Account != own) {
			p.diags.AddAttributeWarning(customersPath.AtMapKey(change.Link.CustomerID), "The link is for your own account", fmt.Sprintf(
				"Account %s is the one that the provider works in. That is fine for a trial; a customer's account ID belongs here otherwise.", own))
			return
		}
	}
}
