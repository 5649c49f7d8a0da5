// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// ModifyPlan completes the plan of a fleet: only the external IDs of new links are
// unknown until the fleet is created. A plan that changes nothing reads only the hub
// and the permission set.
func (r *fleetResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	defer r.session.plans()()
	if req.Plan.Raw.IsNull() {
		r.planDestroy(ctx, req, resp)
		return
	}
	p := fleetPlan{resource: r, diags: &resp.Diagnostics, replace: func(at path.Path) { resp.RequiresReplace.Append(at) }}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &p.plan)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("region"), &p.region)...)
	if !req.State.Raw.IsNull() {
		p.state = &fleetModel{}
		resp.Diagnostics.Append(req.State.Get(ctx, p.state)...)
		p.unchanged = req.Plan.Raw.Equal(req.State.Raw)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	p.defaults()
	if r.session.ready() {
		p.planOnHub(ctx)
	}
	if !p.unchanged && !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &p.plan)...)
	}
	explainToDestroy(p.state != nil, &resp.Diagnostics)
}

// fleetPlan is the plan of one fleet while ModifyPlan makes it.
type fleetPlan struct {
	resource  *fleetResource
	plan      fleetModel
	region    types.String // as configured
	state     *fleetModel  // nil: a new fleet
	unchanged bool         // the plan is the state
	diags     *diag.Diagnostics
	replace   func(path.Path)
}

// sameFleet reports whether the plan changes the fleet in the state, rather than
// creating one.
func (p *fleetPlan) sameFleet() bool { return p.state != nil && p.plan.ID.Equal(p.state.ID) }

// had returns the state if the fleet is changed; nil if it is created or replaced.
func (p *fleetPlan) had() *fleetModel {
	if p.sameFleet() {
		return p.state
	}
	return nil
}

// defaults fills in what follows from the arguments alone.
func (p *fleetPlan) defaults() {
	if p.unchanged {
		return
	}
	p.plan.ID = types.StringUnknown()
	if !p.plan.Hub.IsUnknown() && !p.plan.Name.IsUnknown() {
		p.plan.ID = types.StringValue(p.plan.Hub.ValueString() + "/" + p.plan.Name.ValueString())
	}
	p.plan.Incarnation = types.StringUnknown()
	if p.sameFleet() {
		p.plan.Incarnation = p.state.Incarnation
		if p.region.IsNull() {
			p.plan.Region = p.state.Region
		}
	}
	p.plan.URLTemplate, p.plan.ExternalIDs, p.plan.Topics = types.StringUnknown(), types.MapUnknown(types.StringType), types.MapUnknown(types.StringType)
}

// planOnHub plans what depends on the hub and on its customers.
func (p *fleetPlan) planOnHub(ctx context.Context) {
	if p.plan.ID.IsUnknown() {
		p.claimUnknownHub()
		return
	}
	view := p.resource.view(p.plan.Hub.ValueString(), p.diags)
	if view == nil {
		return
	}
	if p.state != nil {
		view.Fleets.SetHeld(p.state.Name.ValueString(), p.state.Incarnation.ValueString())
	}
	if p.claim(view); p.diags.HasError() {
		return
	}
	if p.state != nil && view.Planned.HubIsNew() { // the fleet is replaced together with its hub
		p.unchanged = false
		p.plan.ID = types.StringUnknown()
		p.plan.URLTemplate, p.plan.ExternalIDs, p.plan.Topics = types.StringUnknown(), types.MapUnknown(types.StringType), types.MapUnknown(types.StringType)
		p.replace(path.Root("id"))
		return
	}
	record, ok, err := view.RecordAfterApply(ctx)
	if err != nil {
		p.diags.Append(cannot("plan", fleetNamed(view.Name, p.plan.Name.ValueString()), "", err))
		return
	}
	if !ok {
		if p.state == nil {
			warnOfNoHub(view, "fleet "+p.plan.Name.ValueString(), p.diags)
		}
		if view.Planned.NewHubPublishers() == onboarding.AnyAccount {
			p.diags.Append(fleetForAnyone(view.Name))
		}
		p.awaitHub(view)
		return
	}
	if p.plan.Region.IsUnknown() && p.region.IsNull() {
		p.plan.Region = types.StringValue(record.Region.String())
	}
	if !p.sameFleet() {
		warnOfOthers(ctx, view, "fleet "+p.plan.Name.ValueString(), p.diags)
	}
	p.planFully(ctx, view, record)
}

// awaitHub plans a fleet on a hub about which too little is known yet: what follows from
// the hub may change, even if nothing in the fleet's configuration does.
func (p *fleetPlan) awaitHub(view *hubview.View) {
	p.unchanged = false
	p.plan.URLTemplate, p.plan.Topics = types.StringUnknown(), types.MapUnknown(types.StringType)
	view.Fleets.SetUnknown(p.plan.Name.ValueString())
}

// planFully plans what apply will write.
func (p *fleetPlan) planFully(ctx context.Context, view *hubview.View, record registry.HubRecord) {
	plan := p.set(ctx, view)
	if p.diags.HasError() {
		return
	}
	set := plan.Set
	if p.planTemplate(ctx, view, record, set, plan.Known); p.diags.HasError() || p.unchanged {
		return
	}
	if !plan.Known || !fullyKnown(p.plan.Customers) || p.plan.Region.IsUnknown() || p.plan.ExpiresAt.IsUnknown() || p.plan.ExternalIDVersion.IsUnknown() {
		view.Fleets.SetUnknown(p.plan.Name.ValueString())
		return
	}
	p.refuseEarlierVersion()
	desired := p.plan.desired(record, set, p.had(), p.diags)
	all, err := view.Customers(ctx)
	if err != nil {
		p.diags.Append(cannot("read the customers of", hubNamed(view.Name), "", err))
	}
	if p.diags.HasError() || p.refuseOther(ctx, view, desired, all) {
		return
	}
	desired.Replacing = p.ends(view)
	todo, refusals := desired.Issue(all, p.resource.session.now())
	p.diags.Append(membersRefused(view.Name, desired.Name, refusals)...)
	p.diags.Append(checkFleetPublishers(view.Name, record.PublisherScope, todo)...)
	if p.diags.HasError() {
		return
	}
	p.check(ctx, view, record, desired, todo, all)
	p.shareLinks(view, todo, plan.Changes)
	if p.sameFleet() {
		p.planIDs(record, todo)
	}
}

// shareLinks records the planned links for the plans of the customers' roles: those that
// are written, and all if their set changes. An apply plans the fleet again after it
// has written the set, and must record the same links then.
func (p *fleetPlan) shareLinks(view *hubview.View, todo customers.FleetWrite, setChanges bool) {
	share := func(link onboarding.Link) {
		view.Planned.SetLink(link.CustomerID, hubview.LinkPlan{Link: link, Known: true})
	}
	for _, change := range todo.Changes[len(todo.Closing):] {
		share(change.Link)
	}
	if !setChanges {
		return
	}
	for _, link := range todo.Links {
		if link.InFleet(p.plan.Name.ValueString()) {
			share(link)
		}
	}
}

// ends returns a function that reports whether this operation closes an open link: the
// link of a fleet that is replaced, of another fleet that the customer leaves, or of a
// customer's own link resource that is destroyed.
func (p *fleetPlan) ends(view *hubview.View) func(onboarding.Link) bool {
	name := p.plan.Name.ValueString()
	return func(link onboarding.Link) bool {
		switch link.Fleet {
		case "":
			return link.Owner == onboarding.OwnerTerraform && view.Planned.Holds(link.CustomerID, link.Incarnation)
		case name:
			return !p.sameFleet() && view.Fleets.HoldsName(name)
		}
		return view.Fleets.Leaves(link.Fleet, link.CustomerID)
	}
}

// planIDs plans the external IDs of a fleet that changes.
func (p *fleetPlan) planIDs(record registry.HubRecord, todo customers.FleetWrite) {
	externalIDs, topics := make(map[string]string, len(todo.Links)), map[string]string{}
	for id, link := range todo.Links {
		externalIDs[id] = link.ExternalID.String()
		if link.Shard != record.ShardOf(id) {
			topics[id] = strconv.Itoa(link.Shard)
		}
	}
	p.plan.ExternalIDs = textMap(p.state.ExternalIDs, externalIDs, p.diags)
	p.plan.Topics = nullableTextMap(p.state.Topics, topics, p.diags)
}

// planTemplate plans url_template. The template may change although the fleet doesn't,
// because the set or the hub changes; then the values derived from the hub change too.
func (p *fleetPlan) planTemplate(ctx context.Context, view *hubview.View, record registry.HubRecord, set onboarding.PermissionSet, known bool) {
	if p.unchanged && known {
		text, err := fleetTemplate(record, set, p.plan.proposal(), view.Console())
		if err == nil && text.Equal(p.state.URLTemplate) {
			return
		}
		p.unchanged = false
	} else if p.unchanged {
		p.unchanged, p.plan.URLTemplate = false, types.StringUnknown()
	}
	if record.TemplateAccess.Presigned() {
		p.plan.URLTemplate = types.StringNull()
		return
	}
	if !known || p.plan.Region.IsUnknown() || awaitsTemplate(ctx, view, set.RegisterWithoutStack, set.TemplateURL) {
		p.plan.URLTemplate = types.StringUnknown()
		return
	}
	text, err := fleetTemplate(record, set, p.plan.proposal(), view.Console())
	if err != nil {
		p.diags.AddError("No launch links for "+fleetNamed(view.Name, p.plan.Name.ValueString()), paragraphs("The links could not be built, so the customers could not be invited. Correct the declaration; nothing was changed.", sentence(err.Error())))
		return
	}
	p.plan.URLTemplate = text
}

// refuseOther adds an error, and reports it, if there is another fleet of the same
// name that this fleet can't take over.
func (p *fleetPlan) refuseOther(ctx context.Context, view *hubview.View, desired customers.DesiredFleet, all map[string]onboarding.Customer) bool {
	if !desired.Creating() {
		return false
	}
	existing, err := findFleet(ctx, view, desired.Name)
	if err != nil {
		p.diags.Append(cannot("read", fleetNamed(view.Name, desired.Name), "", err))
		return true
	}
	if existing == nil || existing.Closed() || view.Fleets.Holds(*existing) {
		return false
	}
	difference := desired.DiffersFrom(*existing, all)
	if difference != "" {
		p.diags.Append(fleetDiffers(*existing, difference))
	}
	return difference != ""
}

// set returns the plan of the permission set that the fleet will refer to. It is not
// Known if the set isn't known yet, or with a diagnostic if there is none.
func (p *fleetPlan) set(ctx context.Context, view *hubview.View) hubview.SetPlan {
	if p.plan.PermissionSet.IsUnknown() {
		return hubview.SetPlan{}
	}
	hubName, name, _ := splitSetID(p.plan.PermissionSet.ValueString())
	if hubName != view.Name {
		p.diags.Append(setOfAnotherHub(view.Name, hubName, name))
		return hubview.SetPlan{}
	}
	plan, err := view.Sets.AfterApply(ctx, name)
	switch {
	case errors.Is(err, registry.ErrPermissionSetRetired) && p.sameFleet() && p.plan.PermissionSet.Equal(p.state.PermissionSet):
	case errors.Is(err, registry.ErrNoPermissionSet), errors.Is(err, registry.ErrPermissionSetRetired):
		p.diags.Append(noSuchSet(view.Name, name, err))
		return hubview.SetPlan{}
	case err != nil:
		p.diags.Append(cannot("read", setNamed(view.Name, name), "", err))
		return hubview.SetPlan{}
	}
	if plan.Known {
		view.Sets.Use(name, "of fleet "+p.plan.Name.ValueString())
	}
	return plan
}

// planDestroy warns if links of connected customers will be closed. It refuses
// nothing.
func (r *fleetResource) planDestroy(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state fleetModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.session.ready() {
		return
	}
	name := state.Name.ValueString()
	view := r.view(state.Hub.ValueString(), &resp.Diagnostics)
	if view == nil {
		return
	}
	view.Fleets.SetHeld(name, state.Incarnation.ValueString())
	fleet, err := findFleet(ctx, view, name)
	if err != nil || fleet == nil || !fleet.Incarnation.HeldBy(state.Incarnation.ValueString()) {
		return // the refresh has added this error already
	}
	all, err := view.Customers(ctx)
	if err != nil {
		return
	}
	resp.Diagnostics.Append(warnOfClosings(view.Name, name, customers.End(*fleet, all, view.Now()).Closing)...)
}
