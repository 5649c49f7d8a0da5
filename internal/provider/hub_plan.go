// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// ModifyPlan fills in what a hub's plan can know, refuses what would leave
// customers' stacks hanging, and remembers what was planned for the links.
func (r *hubResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !r.session.ready() {
		return
	}
	var plan, state *hubModel
	if !req.Plan.Raw.IsNull() {
		plan = &hubModel{}
		resp.Diagnostics.Append(req.Plan.Get(ctx, plan)...)
	}
	if !req.State.Raw.IsNull() {
		state = &hubModel{}
		resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	}
	if resp.Diagnostics.HasError() || state != nil && r.elsewhere(*state, &resp.Diagnostics) {
		return
	}
	if state != nil && (plan == nil || !plan.Name.Equal(state.Name)) {
		r.planGoodbye(ctx, *state, &resp.Diagnostics)
	}
	if plan == nil || resp.Diagnostics.HasError() {
		return
	}
	r.planDefaults(ctx, req, plan, &resp.Diagnostics)
	r.planEventBus(*plan, &resp.Diagnostics)
	if !plan.Name.IsUnknown() && !resp.Diagnostics.HasError() {
		in := r.intake(plan.Name.ValueString(), &resp.Diagnostics)
		if in == nil {
			return
		}
		var capacity types.Int64
		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("capacity"), &capacity)...)
		r.planAccess(ctx, in, plan, capacity, &resp.Diagnostics)
		if state == nil || !plan.Name.Equal(state.Name) {
			r.planNew(ctx, in, plan, &resp.Diagnostics)
		} else {
			r.planChange(ctx, in, plan, state, &resp.Diagnostics)
		}
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// planDefaults fills in what follows from the provider: Region and tags.
func (r *hubResource) planDefaults(ctx context.Context, req resource.ModifyPlanRequest, plan *hubModel, diags *diag.Diagnostics) {
	var declared types.Set
	diags.Append(req.Config.GetAttribute(ctx, path.Root("regions"), &declared)...)
	if declared.IsNull() {
		plan.Regions = stringSet(ctx, []string{r.session.clients.Region.String()}, diags)
	}
	all, d := mergeTags(ctx, r.session.defaultTags, plan.Tags)
	diags.Append(d...)
	if r.session.tagsUnknown {
		all = types.MapUnknown(types.StringType)
	}
	plan.TagsAll = all
	if fullyKnown(plan.Regions) {
		for _, region := range regionsOf(ctx, plan.Regions, path.Root("regions"), diags) {
			if here := r.session.clients.Partition(); region.Partition() != here {
				diags.Append(otherPartition(path.Root("regions"), region, here))
			}
		}
	}
}

// planNew is a hub that is to be created: of its links nothing can be known.
func (r *hubResource) planNew(ctx context.Context, in *intake, plan *hubModel, diags *diag.Diagnostics) {
	in.planHub(plannedHub{creating: true, publishers: onboarding.PublisherScope(plan.Publishers.ValueString())})
	plan.Region = types.StringValue(r.session.clients.Region.String())
	plan.AccountID = types.StringValue(r.session.clients.Account.String())
	if !declaredFully(*plan) {
		return
	}
	spec := plan.spec(ctx, diags)
	r.planPublishers(ctx, in, registry.HubRecord{}, spec, diags)
	record := declare(registry.HubRecord{}, spec)
	record.Name, record.Account, record.Region = in.name, r.session.clients.Account, r.session.clients.Region
	diags.Append(onAttributes(stacktemplate.ValidateHub(declaration.HubSpecification(record.Hub)))...)
}

// planChange is a hub that is there.
func (r *hubResource) planChange(ctx context.Context, in *intake, plan, state *hubModel, diags *diag.Diagnostics) {
	if !declaredFully(*plan) {
		in.planHub(plannedHub{unsure: true})
		plan.TopicARNs = types.MapUnknown(types.StringType)
		return
	}
	record, err := in.record(ctx)
	if err != nil {
		diags.Append(cannot("read", onHub(in.name), "", err))
		return
	}
	spec := plan.spec(ctx, diags)
	planned := declare(record, spec)
	in.planHub(plannedHub{record: planned, known: true})
	diags.Append(onAttributes(stacktemplate.ValidateHub(declaration.HubSpecification(planned.Hub)))...)

	plan.TopicARNs = stringMap(ctx, topicARNs(planned), diags)
	for _, value := range []*types.String{&plan.QueueURL, &plan.QueueARN, &plan.DeadLetterQueueARN, &plan.TemplateBucket} {
		if value.IsNull() { // missing when it was read: apply mends it
			*value = types.StringUnknown()
		}
	}
	r.planShrink(ctx, in, record, spec, diags)
	r.planPublishers(ctx, in, record, spec, diags)
}

// planShrink refuses to give up what customers use, and says when nobody will
// answer them.
func (r *hubResource) planShrink(ctx context.Context, in *intake, record registry.HubRecord, spec hub.Spec, diags *diag.Diagnostics) {
	customers, err := in.all(ctx)
	if err != nil {
		diags.Append(cannot("read the customers of", onHub(in.name), "", err))
		return
	}
	open := 0
	var stranded []string // customers whose links open a Region that is given up
	gone := map[account.Region][]hub.LiveStack{}
	for _, customer := range customers {
		if !customer.Link.Closed || len(live(customer)) > 0 {
			open++
		}
		d, _ := declaration.Of(customer.Link)
		if region, err := account.ParseRegion(d.Region); err == nil && !customer.Link.Closed &&
			!slices.Contains(spec.Regions, region) && slices.Contains(record.Regions, region) {
			stranded = append(stranded, customer.Link.CustomerID)
		}
		for _, r := range live(customer) {
			if region := r.Stack.Region; !slices.Contains(spec.Regions, region) && slices.Contains(record.Regions, region) {
				gone[region] = append(gone[region], hub.LiveStack{CustomerID: r.CustomerID, Stack: r.Stack})
			}
		}
	}
	for region, stacks := range gone {
		diags.AddAttributeError(path.Root("regions"), fmt.Sprintf("Region %s of hub %s is in use", region, in.name), paragraphs(
			"Customers have live stacks there, which need the Region's topic for as long as they live. Keep the Region until they are deleted.",
			(&hub.LiveError{Hub: in.name, Region: region, Stacks: stacks}).Error()))
	}
	if len(stranded) > 0 {
		slices.Sort(stranded)
		diags.AddAttributeWarning(path.Root("regions"), fmt.Sprintf("Links lead to a Region that hub %s gives up", in.name), fmt.Sprintf(
			"Nobody can launch there any more. Give these customers' links another region: %s.", strings.Join(stranded, ", ")))
	}
	if spec.Capacity < open {
		diags.AddAttributeError(path.Root("capacity"), "Capacity below what is used",
			fmt.Sprintf("Hub %s has %d customers: capacity must be at least that.", in.name, open))
	}
	if open > 0 && !in.listening(ctx) {
		diags.Append(nobodyListens(path.Empty(), in.name))
	}
}

// planGoodbye refuses, already in the plan, to destroy a hub under live stacks.
func (r *hubResource) planGoodbye(ctx context.Context, state hubModel, diags *diag.Diagnostics) {
	in := r.intake(state.Name.ValueString(), diags)
	if in == nil {
		return
	}
	stacks, err := in.hub.Live(ctx)
	if err != nil {
		if _, gone := in.record(ctx); errors.Is(gone, registry.ErrNoHub) {
			return
		}
		diags.Append(cannot("read the customers of", onHub(in.name), "", err))
		return
	}
	if len(stacks) == 0 {
		return
	}
	alive := &hub.LiveError{Hub: in.name, Stacks: stacks}
	if !state.ForceDestroy.ValueBool() {
		diags.Append(hubAlive(in.name, alive))
		return
	}
	diags.AddWarning(fmt.Sprintf("Stacks of customers will hang without hub %s", in.name), paragraphs(
		"force_destroy is set, so the hub will be destroyed. Nobody will answer these stacks any more: their owners can delete them only by force.", alive.Error()))
}

func hubAlive(name string, stacks *hub.LiveError) diag.Diagnostic {
	return diag.NewErrorDiagnostic(fmt.Sprintf("Hub %s has live registrations", name), paragraphs(
		"CloudFormation can't delete a stack whose phone-home nobody answers. Ask the customers to delete their stacks while a registrar listens, "+
			"or set force_destroy = true, apply, and destroy then.", stacks.Error()))
}

// declaredFully reports whether all that is declared of a hub is known.
func declaredFully(m hubModel) bool {
	return fullyKnown(m.DisplayName) && fullyKnown(m.SupportURL) && fullyKnown(m.Regions) && fullyKnown(m.Publishers) &&
		fullyKnown(m.TemplateAccess) && fullyKnown(m.ResponseTimeout) && fullyKnown(m.Capacity) && fullyKnown(m.TagsAll)
}
