// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub/sets"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// setPath is the attribute of links that refers to a set.
var setPath = path.Root("permission_set")

// ModifyPlan completes the plan of a set, and records it for the links that refer to
// the set: their plans start from what the set will be.
func (r *setResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	defer r.session.plans()()
	if req.Plan.Raw.IsNull() {
		r.holdForDestroy(ctx, req, resp)
		return
	}
	p := setPlan{resource: r, diags: &resp.Diagnostics, replace: func(at path.Path) { resp.RequiresReplace.Append(at) }}
	p.plan, p.config = readSet(ctx, req.Plan, p.diags), readSet(ctx, req.Config, p.diags)
	if !req.State.Raw.IsNull() {
		state := readSet(ctx, req.State, p.diags)
		p.state, p.template = &state, keptRendering(ctx, req.Private, state.text("template_version"))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	p.defaults()
	p.checkPermissions(ctx)
	if r.session.ready() && !resp.Diagnostics.HasError() {
		p.planOnHub(ctx)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, p.plan.object(p.diags))...)
	explainToDestroy(p.state != nil, &resp.Diagnostics)
}

// holdForDestroy records which incarnation will be destroyed, so that a plan that
// creates the set at another address finds that this operation retires it first.
func (r *setResource) holdForDestroy(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	state := readSet(ctx, req.State, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.session.ready() {
		return
	}
	if view := r.view(state.text("hub").ValueString(), &resp.Diagnostics); view != nil {
		view.Sets.SetHeld(state.text("name").ValueString(), state.text("incarnation").ValueString())
	}
}

// setPlan is the plan of one set while ModifyPlan makes it.
type setPlan struct {
	resource     *setResource
	plan, config setModel
	state        *setModel // nil: a new set
	template     rendering // of the state's set
	diags        *diag.Diagnostics
	replace      func(path.Path)
}

// sameSet reports whether the plan changes the set in the state, rather than creating
// one.
func (p *setPlan) sameSet() bool {
	return p.state != nil && p.plan.values["id"].Equal(p.state.values["id"])
}

// defaults fills in the values that depend only on the arguments.
func (p *setPlan) defaults() {
	p.plan.values = maps.Clone(p.plan.values)
	hubName, name := p.plan.text("hub"), p.plan.text("name")
	p.plan.values["id"] = types.StringUnknown()
	if !hubName.IsUnknown() && !name.IsUnknown() {
		p.plan.values["id"] = types.StringValue(hubName.ValueString() + "/" + name.ValueString())
	}
	p.plan.values["incarnation"] = types.StringUnknown()
	if p.sameSet() {
		p.plan.values["incarnation"] = p.state.values["incarnation"]
	}
}

// unknown plans a set about which too little is known yet.
func (p *setPlan) unknown(view *hubview.View, version types.String) {
	p.plan.values["template_version"], p.plan.values["template_url"] = version, types.StringUnknown()
	if view != nil {
		view.Sets.SetPlan(p.plan.text("name").ValueString(), hubview.SetPlan{})
	}
}

// planOnHub plans what depends on the hub and on the set's record.
func (p *setPlan) planOnHub(ctx context.Context) {
	if p.plan.values["id"].IsUnknown() {
		version := types.StringUnknown()
		if p.plan.declaredKnown() {
			version = p.versionBeforeHub(ctx)
		}
		p.unknown(nil, version)
		return
	}
	name := p.plan.text("name").ValueString()
	view := p.resource.view(p.plan.text("hub").ValueString(), p.diags)
	if view == nil {
		return
	}
	if p.sameSet() {
		view.Sets.SetHeld(name, p.state.text("incarnation").ValueString())
	}
	if p.state != nil && view.Planned.HubIsNew() { // the set is replaced together with its hub
		p.plan.values["id"] = types.StringUnknown()
		p.unknown(view, types.StringUnknown())
		p.replace(path.Root("id"))
		return
	}
	if !p.plan.declaredKnown() {
		p.unknown(view, types.StringUnknown())
		return
	}
	if p.checkTrust(ctx); p.diags.HasError() {
		return
	}
	record, ok, err := view.RecordAfterApply(ctx)
	if err != nil {
		p.diags.Append(cannot("plan", setNamed(view.Name, name), "", err))
		return
	}
	if !ok {
		if p.state == nil {
			warnOfNoHub(view, "permission set "+name, p.diags)
		}
		p.unknown(view, p.versionBeforeHub(ctx))
		return
	}
	existing, err := view.Sets.Find(ctx, name)
	if err != nil {
		p.diags.Append(cannot("plan", setNamed(view.Name, name), "", err))
		return
	}
	if p.planUnchanged(ctx, view, record, existing) {
		return
	}
	desired := sets.Desired{
		Record: record, Name: name, Declared: p.plan.declared(ctx, p.diags), Owner: onboarding.OwnerTerraform,
		Creating: !p.sameSet(), Missing: p.sameSet() && p.template.missing, Adopting: p.sameSet() && holdsSet(p.state, existing),
		Replacing: existing != nil && view.Sets.Holds(*existing),
	}
	todo, d := issueSet(desired, existing)
	if p.diags.Append(d...); p.diags.HasError() {
		return
	}
	p.plan.values["template_version"] = types.StringValue(todo.Set.TemplateVersion)
	p.plan.values["template_url"] = setTemplateURL(record, todo.Set)
	p.recordPlan(ctx, view, existing, todo.Set)
}

// planUnchanged plans a set that neither its configuration nor its hub changes: it
// keeps the state's values. It returns false if something changes.
func (p *setPlan) planUnchanged(ctx context.Context, view *hubview.View, record registry.HubRecord, existing *onboarding.PermissionSet) bool {
	if !p.sameSet() || existing == nil || existing.Retired() || p.template.missing || p.template.moves(view, setNamed(view.Name, existing.Name)) {
		return false
	}
	addressMoves := record.TemplateAccess.Presigned() != p.state.text("template_url").IsNull()
	if addressMoves || permissionset.Differs(p.plan.declared(ctx, p.diags), p.state.declared(ctx, p.diags)) != "" {
		return false
	}
	for _, name := range []string{"template_version", "template_url"} {
		p.plan.values[name] = p.state.values[name]
	}
	view.Sets.SetPlan(existing.Name, hubview.SetPlan{Set: *existing, Known: true})
	return true
}

// versionBeforeHub returns the version of a set whose hub doesn't exist yet: of the
// hub, it depends only on the provider's account.
func (p *setPlan) versionBeforeHub(ctx context.Context) types.String {
	clients := p.resource.session.clients
	spec := stacktemplate.Specification{Vendor: clients.Account, Partition: clients.Partition(), Set: p.plan.declared(ctx, p.diags)}
	p.diags.Append(fieldErrors(setFields(spec.Set.Validate(spec.Vendor, spec.Partition)))...)
	return types.StringValue(stacktemplate.Version(spec))
}

// recordPlan records the plan for the links that refer to the set, and warns of what
// changes for their customers.
func (p *setPlan) recordPlan(ctx context.Context, view *hubview.View, existing *onboarding.PermissionSet, next onboarding.PermissionSet) {
	changes := existing == nil || !existing.EqualForLinks(next)
	early := view.Sets.SetPlan(next.Name, hubview.SetPlan{Set: next, Known: true, Changes: changes})
	if len(early) > 0 {
		p.diags.AddWarning("Links were planned before their permission set", fmt.Sprintf(
			"This plan changes %s, and it shows the links of customers %s as if it did not: their configuration doesn't show that they depend on it. "+
				"Refer to the set by its id, in the same provider configuration, and Terraform plans it first: permission_set = xacct_permission_set.example.id. "+
				"Otherwise the next plan shows them as they are.", setNamed(view.Name, next.Name), someOf(early)))
	}
	if existing == nil || !changes {
		return
	}
	customers, err := view.Customers(ctx)
	if err != nil {
		p.diags.Append(cannot("read the customers of", hubNamed(view.Name), "", err))
		return
	}
	was, err := declaration.OfSet(*existing)
	if err != nil {
		p.diags.Append(cannot("read", setNamed(view.Name, next.Name), "The set's record in the registry is damaged: restore the table from a backup.", err))
		return
	}
	referring := referringTo(customers, next.Name)
	p.diags.Append(refuseMove(*existing, next, referring)...)
	if slices.ContainsFunc(referring, hasStack) {
		p.diags.Append(fieldErrors(setFields(was.ValidateUpdate(p.plan.declared(ctx, p.diags))))...)
	}
	p.diags.Append(warnOfSetChange(*existing, next, was, p.plan.declared(ctx, p.diags), referring)...)
}
