// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// ModifyPlan completes the plan of a hub, refuses changes that customers' stacks would
// not survive, and records the plan for the plans of the links.
func (r *hubResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	defer r.session.plans()()
	if !r.session.ready() {
		return
	}
	p, ok := r.newPlan(ctx, req, &resp.Diagnostics)
	if !ok {
		return
	}
	p.private = resp.Private
	p.checkDestroy(ctx)
	if p.plan == nil || resp.Diagnostics.HasError() {
		return
	}
	defer explainToDestroy(p.state != nil, &resp.Diagnostics)
	p.defaults(ctx)
	p.checkEventBus()
	p.checkKMSKey(ctx)
	if !p.plan.Name.IsUnknown() && !resp.Diagnostics.HasError() {
		if !p.planNamed(ctx) {
			return
		}
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, p.plan)...)
}

// hubPlan is the plan of one hub while ModifyPlan makes it.
type hubPlan struct {
	resource *hubResource
	view     *hubview.View // of the planned hub
	plan     *hubModel     // nil: the hub is destroyed
	state    *hubModel     // nil: a new hub
	diags    *diag.Diagnostics
	private  privateWriter // of the plan

	declared struct { // as configured, before defaults
		regions  types.Set
		capacity types.Int64
	}
}

// newPlan reads what is to be planned; false with a diagnostic if that fails.
func (r *hubResource) newPlan(ctx context.Context, req resource.ModifyPlanRequest, diags *diag.Diagnostics) (*hubPlan, bool) {
	p := &hubPlan{resource: r, diags: diags}
	if !req.Plan.Raw.IsNull() {
		p.plan = &hubModel{}
		diags.Append(req.Plan.Get(ctx, p.plan)...)
		diags.Append(req.Config.GetAttribute(ctx, path.Root("regions"), &p.declared.regions)...)
		diags.Append(req.Config.GetAttribute(ctx, path.Root("capacity"), &p.declared.capacity)...)
	}
	if !req.State.Raw.IsNull() {
		p.state = &hubModel{}
		diags.Append(req.State.Get(ctx, p.state)...)
	}
	if diags.HasError() {
		return nil, false
	}
	moved := p.state != nil && r.elsewhere(p.state.Name.ValueString(), p.state.place(), diags)
	return p, !moved
}

// sameHub reports whether the plan changes the hub in the state, rather than creating
// one.
func (p *hubPlan) sameHub() bool {
	return p.plan != nil && p.state != nil && p.plan.Name.Equal(p.state.Name)
}

// defaults fills in the values from the provider: Region and tags.
func (p *hubPlan) defaults(ctx context.Context) {
	s := p.resource.session
	if p.declared.regions.IsNull() {
		p.plan.Regions = stringSet(ctx, []string{s.clients.Region.String()}, p.diags)
	}
	all, d := mergeTags(ctx, s.defaultTags, p.plan.Tags)
	p.diags.Append(d...)
	if s.tagsUnknown {
		all = types.MapUnknown(types.StringType)
	}
	p.plan.TagsAll = all
	if !fullyKnown(p.plan.Regions) {
		return
	}
	for _, region := range regionsOf(ctx, p.plan.Regions, path.Root("regions"), p.diags) {
		if here := s.clients.Partition(); region.Partition() != here {
			p.diags.Append(otherPartition(path.Root("regions"), region, here))
		}
		if !region.Known() && (p.state == nil || !p.state.Regions.Equal(p.plan.Regions)) {
			p.diags.AddAttributeWarning(path.Root("regions"), "The Region may not exist", fmt.Sprintf(
				"Region %s did not exist in %s. If it does not exist now, the apply fails when it creates the topic there: check its name.", region, account.RegionsAsOf))
		}
	}
}

// planNamed plans a hub whose name is known; false with a diagnostic if that is not
// possible.
func (p *hubPlan) planNamed(ctx context.Context) bool {
	if p.view = p.resource.view(p.plan.Name.ValueString(), p.diags); p.view == nil {
		return false
	}
	p.checkTemplateAccess(ctx)
	if p.sameHub() {
		p.view.Planned.SetHubHeld(p.state.Incarnation.ValueString())
		p.planChange(ctx)
	} else {
		p.planNew(ctx)
	}
	return true
}

// planNew plans a hub that will be created. Nothing can be known about its links.
func (p *hubPlan) planNew(ctx context.Context) {
	clients := p.resource.session.clients
	p.plan.Drift = driftList(ctx, nil, p.diags)
	p.plan.Region = types.StringValue(clients.Region.String())
	p.plan.AccountID = types.StringValue(clients.Account.String())
	if p.plan.declaredKnown() && p.planTakeover(ctx, p.plan.spec(ctx, p.diags)) {
		return
	}
	p.view.Planned.SetHub(hubview.HubPlan{New: true, Publishers: onboarding.PublisherScope(p.plan.Publishers.ValueString())})
	if !p.plan.declaredKnown() {
		return
	}
	spec := p.plan.spec(ctx, p.diags)
	p.checkElsewhere(ctx)
	p.checkShared(ctx, spec.Regions)
	p.checkPublishers(ctx, registry.HubRecord{}, spec)
	record := spec.Declare(registry.HubRecord{})
	record.Name, record.Account, record.Region = p.view.Name, clients.Account, clients.Region
	p.diags.Append(fieldErrors(stacktemplate.ValidateHub(declaration.HubSpecification(record.Hub)))...)
}

// planChange plans an existing hub.
func (p *hubPlan) planChange(ctx context.Context) {
	if !p.plan.declaredKnown() {
		p.view.Planned.SetHub(hubview.HubPlan{Partial: true})
		p.plan.TopicARNs = types.MapUnknown(types.StringType)
		return
	}
	record, err := p.view.Record(ctx)
	if err != nil {
		p.diags.Append(cannot("read", hubNamed(p.view.Name), "", err))
		return
	}
	spec := p.plan.spec(ctx, p.diags)
	lost := record.Owner != onboarding.OwnerTerraform && !record.Incarnation.HeldBy(p.state.Incarnation.ValueString())
	if lost && len(spec.DiffersFrom(record)) > 0 { // an unchanged hub may be left to its new owner
		p.diags.Append(hubOwned(&hub.OwnedError{Hub: p.view.Name, Owner: record.Owner}))
		return
	}
	planned := spec.Declare(record)
	// Terraform doesn't apply a hub whose plan equals its state, even if the hub has
	// changed since the state was read.
	was, will := declaration.HubRendering(p.state.spec(ctx, p.diags).Declare(record).Hub), declaration.HubRendering(planned.Hub)
	p.view.Planned.SetHub(hubview.HubPlan{Record: planned, Moves: was != will})
	if was != will {
		p.warnOfEarly(will)
	}
	p.diags.Append(fieldErrors(stacktemplate.ValidateHub(declaration.HubSpecification(planned.Hub)))...)

	p.plan.TopicARNs = stringMap(ctx, topicARNs(planned), p.diags)
	if len(p.state.Drift.Elements()) > 0 {
		p.plan.Drift = driftList(ctx, nil, p.diags) // the apply repairs the defects
	}
	p.checkUse(ctx, record, spec)
	p.checkShared(ctx, regionsWithout(spec.Regions, record.PublishingRegions()))
	p.checkPublishers(ctx, record, spec)
}

// warnOfEarly warns of resources that were planned before the hub, as if the hub
// stayed as it is.
func (p *hubPlan) warnOfEarly(planned string) {
	if early := p.view.Planned.PlannedOnOtherHub(planned); len(early) > 0 {
		p.diags.AddWarning("Links were planned before their hub", fmt.Sprintf(
			"This plan changes %s, and it shows %s as if it did not: their configuration doesn't show that they depend on it. "+
				"Refer to the hub by its id, in the same provider configuration, and Terraform plans it first: hub = xacct_hub.example.id. "+
				"Otherwise the next plan shows them as they are.", hubNamed(p.view.Name), someOf(early)))
	}
}

// declaredKnown reports whether every declared value of a hub is known.
func (m hubModel) declaredKnown() bool {
	return fullyKnown(m.DisplayName) && fullyKnown(m.SupportURL) && fullyKnown(m.Regions) && fullyKnown(m.Publishers) &&
		fullyKnown(m.TemplateAccess) && fullyKnown(m.ResponseTimeout) && fullyKnown(m.Capacity) && fullyKnown(m.KMSKeyARN) && fullyKnown(m.TagsAll)
}
