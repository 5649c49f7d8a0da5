// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Errors and warnings of a hub's plan that depend on its customers.

// hubUse is how customers use a hub.
type hubUse struct {
	customers int                                // with an open link or a live stack
	links     map[account.Region][]string        // customers whose open links lead to the Region
	stacks    map[account.Region][]hub.LiveStack // live stacks in the Region
}

// useOf returns how customers use their hub.
func useOf(customers map[string]onboarding.Customer) hubUse {
	use := hubUse{customers: hub.CountInUse(slices.Collect(maps.Values(customers))), links: map[account.Region][]string{}, stacks: map[account.Region][]hub.LiveStack{}}
	for _, customer := range customers {
		live := customer.Live()
		d, _ := declaration.Proposed(customer.Link)
		if region, err := account.ParseRegion(d.Region); err == nil && !customer.Link.Closed {
			use.links[region] = append(use.links[region], customer.Link.CustomerID)
		}
		for _, r := range live {
			use.stacks[r.Stack.Region] = append(use.stacks[r.Stack.Region], hub.LiveStack{CustomerID: r.CustomerID, Stack: r.Stack})
		}
	}
	return use
}

// checkUse refuses to remove what customers use, and warns if no registrar is running
// that would answer them.
func (p *hubPlan) checkUse(ctx context.Context, record registry.HubRecord, spec hub.Spec) {
	customers, err := p.view.Customers(ctx)
	if err != nil {
		p.diags.Append(cannot("read the customers of", hubNamed(p.view.Name), "", err))
		return
	}
	use := useOf(customers)
	p.checkRegions(use, givenUp(record, spec))
	if spec.Capacity < use.customers {
		p.diags.AddAttributeError(path.Root("capacity"), "Capacity below the number of customers",
			fmt.Sprintf("Hub %s has %d customers. Set capacity to at least %d.", p.view.Name, use.customers, use.customers))
	}
	if use.customers > 0 && !p.view.RegistrarAlive(ctx) {
		p.diags.Append(noRegistrar(path.Empty(), p.view.Name))
	}
}

// givenUp returns the hub's Regions that spec removes.
func givenUp(record registry.HubRecord, spec hub.Spec) []account.Region {
	return regionsWithout(record.Regions, spec.Regions)
}

// regionsWithout returns the elements of regions that are not in others.
func regionsWithout(regions, others []account.Region) []account.Region {
	return slices.DeleteFunc(slices.Clone(regions), func(r account.Region) bool { return slices.Contains(others, r) })
}

// checkRegions refuses to remove Regions with live stacks, and warns of links that
// lead to a removed Region.
func (p *hubPlan) checkRegions(use hubUse, gone []account.Region) {
	var stranded []string
	for _, region := range gone {
		stranded = append(stranded, use.links[region]...)
		if stacks := use.stacks[region]; len(stacks) > 0 {
			p.diags.AddAttributeError(path.Root("regions"), fmt.Sprintf("Region %s of hub %s is in use", region, p.view.Name), paragraphs(
				"Customers have live stacks there, which need the Region's topic for as long as they live. Keep the Region until they are deleted.",
				(&hub.LiveError{Hub: p.view.Name, Region: region, Stacks: stacks}).Error()))
		}
	}
	if len(stranded) > 0 {
		slices.Sort(stranded)
		p.diags.AddAttributeWarning(path.Root("regions"), fmt.Sprintf("Open links in a Region that is removed from hub %s", p.view.Name), fmt.Sprintf(
			"No customer can launch these links any more. Give them another region: those of customers %s.", someOf(stranded)))
	}
}

// checkDestroy refuses in the plan to destroy a hub with live stacks. If the plan
// can't distinguish that from moving the hub to another address, it warns: see
// refuseDestroy.
func (p *hubPlan) checkDestroy(ctx context.Context) {
	if p.state == nil || p.sameHub() {
		return
	}
	view := p.resource.view(p.state.Name.ValueString(), p.diags)
	if view == nil {
		return
	}
	customers, err := view.Customers(ctx)
	if err != nil {
		if !errors.Is(err, registry.ErrNoHub) {
			p.diags.Append(cannot("read the customers of", hubNamed(view.Name), "", err))
		}
		return
	}
	if record, err := view.Record(ctx); err != nil || !record.Incarnation.HeldBy(p.state.Incarnation.ValueString()) {
		return // another state holds the hub, so it isn't deleted
	}
	all := slices.Collect(maps.Values(customers))
	used := &hub.LiveError{Hub: view.Name, Stacks: hub.LiveStacks(all)}
	forced := p.state.ForceDestroy.ValueBool()
	grace := time.Duration(0)
	if !forced && len(used.Stacks) > 0 {
		grace = time.Second
	}
	if p.plan == nil && p.leave(ctx, view, grace) {
		return // another address takes the hub over
	}
	if !forced {
		p.refuseDestroy(view, used)
		return // open links are no reason to refuse: those in this state are destroyed before the hub
	}
	used.Links = hub.OpenLinks(all)
	if len(used.Stacks)+len(used.Links) > 0 {
		p.diags.AddWarning(fmt.Sprintf("Hub %s will be destroyed while customers use it", view.Name), paragraphs(
			"force_destroy is set. No registrar will answer these stacks any more: customers have to use Force delete in the console, or retain the resource PhoneHome.", used.Error()))
	}
}

// refuseDestroy refuses to destroy a hub with live stacks, unless another address may
// take it over. Terraform plans both addresses at the same time, but with
// -parallelism=1 it plans one resource at a time: then the address that is destroyed
// may be planned first, without information about the other. In that case the plan
// warns, and the apply decides: it refuses to delete a hub that no other address has
// announced to take over.
func (p *hubPlan) refuseDestroy(view *hubview.View, used *hub.LiveError) {
	switch {
	case len(used.Stacks) == 0:
	case p.plan == nil && !p.resource.session.inParallel():
		p.diags.AddWarning(fmt.Sprintf("Hub %s is in use", view.Name), paragraphs(
			"If the configuration has it at another address, that address takes it over, and its links stay as they are. Otherwise this apply fails, and the hub stays: "+
				"the plan can't tell, because Terraform plans one thing at a time (-parallelism=1), or plans nothing else of this provider.", used.Error()))
	default:
		p.diags.Append(hubAlive(view.Name, used))
	}
}

// hubAlive returns the error for deleting a hub that customers use, or may use at any
// moment. Its text also covers links that are in no state, which an apply leaves if it
// is interrupted while it creates them.
func hubAlive(name string, used *hub.LiveError) diag.Diagnostic {
	var stacks string
	if len(used.Stacks) > 0 {
		stacks = "CloudFormation can't delete a stack whose phone-home is not answered: ask the customers to delete their stacks while a registrar runs. "
	}
	return diag.NewErrorDiagnostic(fmt.Sprintf("Hub %s is in use", name), paragraphs(
		stacks+"Close open links in the state that has them. If no state has a link, because the apply that created it was interrupted, apply the same configuration again and destroy then. "+
			"Or set force_destroy = true, apply, and destroy. If the hub only gets another address in the configuration, add a moved block.", used.Error()))
}
