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
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// ModifyPlan completes the plan of a link. If the hub exists, all values of the link
// are known before it is created, because they are deterministic. If the hub
// definitely doesn't exist yet, they remain unknown; any other reason for not knowing
// them is an error.
func (r *linkResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	defer r.session.plans()()
	if req.Plan.Raw.IsNull() {
		r.planDestroy(ctx, req, resp)
		return
	}
	p := linkPlan{resource: r, diags: &resp.Diagnostics, replace: func(at path.Path) { resp.RequiresReplace.Append(at) }}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &p.plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &p.config)...)
	if !req.State.Raw.IsNull() {
		p.state = &linkModel{}
		resp.Diagnostics.Append(req.State.Get(ctx, p.state)...)
		p.stack, p.template = keptStack(ctx, req.Private), keptRendering(ctx, req.Private, p.state.TemplateVersion)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	before := p.plan
	p.defaults(ctx)
	p.checkPermissions(ctx)
	if r.session.ready() {
		if p.checkPartition(ctx); !resp.Diagnostics.HasError() {
			p.planOnHub(ctx)
		}
	}
	if !sameModel(before, p.plan) {
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &p.plan)...)
	}
	explainToDestroy(p.state != nil, &resp.Diagnostics)
}

// linkPlan is the plan of one link while ModifyPlan makes it.
type linkPlan struct {
	resource     *linkResource
	plan, config linkModel
	state        *linkModel // nil: a new link
	stack        knownStack
	template     rendering // of the state's link
	diags        *diag.Diagnostics
	replace      func(path.Path)
}

// defaults fills in the values that depend only on hub and customer.
func (p *linkPlan) defaults(ctx context.Context) {
	hubName, customer := p.plan.Hub, p.plan.CustomerID
	if !hubName.IsUnknown() && !customer.IsUnknown() {
		p.plan.ID = types.StringValue(hubName.ValueString() + "/" + customer.ValueString())
	}
	if p.config.StackName.IsNull() {
		p.plan.StackName = types.StringUnknown()
		if !hubName.IsUnknown() {
			p.plan.StackName = types.StringValue(hubName.ValueString() + "-access")
		}
	}
	if p.sameLink() { // attributes without configuration stay as they are
		if p.config.Region.IsNull() {
			p.plan.Region = p.state.Region
		}
		if p.config.ExternalID.IsNull() && !p.rotates() {
			p.plan.ExternalID = p.state.ExternalID
		}
		p.plan.Incarnation = p.state.Incarnation
	}
	p.defaultRoleName(ctx)
}

// defaultRoleName fills in the name of the role, which customers see.
func (p *linkPlan) defaultRoleName(ctx context.Context) {
	hubName, customer := p.plan.Hub, p.plan.CustomerID
	if p.plan.Role.IsUnknown() || p.config.Role.IsUnknown() {
		return
	}
	if p.plan.Role.IsNull() {
		return
	}
	role := p.plan.Role.Attributes()
	if p.config.Role.Attributes()["name"].IsNull() {
		role["name"] = types.StringUnknown()
		if !hubName.IsUnknown() && !customer.IsUnknown() {
			role["name"] = types.StringValue(hubName.ValueString() + "-" + customer.ValueString())
		}
	}
	if name := role["name"].(types.String).ValueString(); name != "" && account.CheckRoleName(name) != nil {
		p.diags.AddAttributeError(path.Root("role").AtName("name"), "The default role name is too long", fmt.Sprintf(
			"Without role.name the role is called %q, which has %d characters, and IAM allows 64. Set role.name.", name, len(name)))
	}
	var d diag.Diagnostics
	p.plan.Role, d = types.ObjectValue(p.plan.Role.AttributeTypes(ctx), role)
	p.diags.Append(d...)
}

// planOnHub plans what depends on the hub and on the customer's record.
func (p *linkPlan) planOnHub(ctx context.Context) {
	p.checkLeft(ctx)
	if p.plan.ID.IsUnknown() {
		p.checkOnceUnknownHub()
		p.checkFleetUnknownHub()
		return
	}
	view := p.resource.view(p.plan.Hub.ValueString(), p.diags)
	if view == nil {
		return
	}
	p.recordHeld(view)
	p.checkFleet(view)
	if p.checkOnce(view); p.diags.HasError() {
		return
	}
	if p.state != nil && view.Planned.HubIsNew() {
		p.replaceLink()
		return
	}
	if p.sameLink() {
		// A link that was closed elsewhere is opened again, in place.
		closed := p.state.Status.ValueString() == string(onboarding.LinkClosed)
		if !closed && !p.addressMoves(ctx, view) && !p.follows(ctx, view) && !p.followsHub(view) && p.unchanged() || p.diags.HasError() {
			return
		}
	}
	if p.checkProvable(ctx); p.diags.HasError() {
		return
	}
	record, ok, err := view.RecordAfterApply(ctx)
	if err != nil {
		p.diags.Append(cannot("plan the link of", customerNamed(view.Name, p.plan.CustomerID.ValueString()), "", err))
		return
	}
	if !ok {
		if p.state == nil {
			warnOfNoHub(view, "the link of customer "+p.plan.CustomerID.ValueString(), p.diags)
		}
		p.checkPublishers(view)
		p.awaitHub()
		view.Planned.SetLink(p.plan.CustomerID.ValueString(), hubview.LinkPlan{})
		return
	}
	if p.plan.Region.IsUnknown() && p.config.Region.IsNull() {
		p.plan.Region = types.StringValue(record.Region.String())
	}
	p.planFully(ctx, view, record)
}

// recordHeld records which incarnation of the customer's link the state holds, in case no
// refresh has recorded it in this operation.
func (p *linkPlan) recordHeld(view *hubview.View) {
	if p.sameLink() {
		view.Planned.SetHeld(p.state.CustomerID.ValueString(), p.state.Incarnation.ValueString())
	}
}

// sameLink reports whether the plan changes the link in the state, rather than
// creating one.
func (p *linkPlan) sameLink() bool { return p.state != nil && p.plan.ID.Equal(p.state.ID) }

// replaceLink plans to replace the link together with its hub. Nothing about the new
// link can be known yet.
func (p *linkPlan) replaceLink() {
	p.plan.ID = types.StringUnknown()
	p.plan.URL, p.plan.TemplateURL, p.plan.TemplateVersion = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	p.unknownUntilApply()
	if p.config.ExternalID.IsNull() {
		p.plan.ExternalID = types.StringUnknown()
	}
	p.replace(path.Root("id"))
}

// unchanged reports whether the link's inputs are those of the state. If so, the plan
// keeps the state, without reading the registry.
func (p *linkPlan) unchanged() bool {
	same := p.plan.sameInputs(*p.state)
	if same {
		p.plan = *p.state
	}
	return same
}

// sameInputs reports whether both models declare the same inputs, and all inputs are
// known.
func (m linkModel) sameInputs(o linkModel) bool {
	return m.sameScope(o) && m.ExternalID.Equal(o.ExternalID) && m.ExternalIDVersion.Equal(o.ExternalIDVersion) && m.declaredKnown() &&
		m.PermissionSet.Equal(o.PermissionSet) && m.Role.Equal(o.Role) && m.askedModel.equal(o.askedModel) &&
		m.StackName.Equal(o.StackName) && m.Region.Equal(o.Region) && m.ExpiresAt.Equal(o.ExpiresAt)
}

// addressMoves reports whether the link in the state gains or loses its URL, because
// the hub's template access will be another one after this operation.
func (p *linkPlan) addressMoves(ctx context.Context, view *hubview.View) bool {
	record, ok, err := view.RecordAfterApply(ctx)
	if err != nil {
		p.diags.Append(cannot("plan the link of", customerNamed(view.Name, p.plan.CustomerID.ValueString()), "", err))
	}
	return ok && record.TemplateAccess.Presigned() != p.state.URL.IsNull()
}

// planFully plans what apply will write.
func (p *linkPlan) planFully(ctx context.Context, view *hubview.View, record registry.HubRecord) {
	customer := p.plan.CustomerID.ValueString()
	existing, err := view.Find(ctx, customer)
	if err != nil {
		p.diags.Append(cannot("plan the link of", customerNamed(view.Name, customer), "", err))
		return
	}
	var set *onboarding.PermissionSet
	if p.plan.refers() {
		if set = p.set(ctx, view); p.diags.HasError() {
			return
		}
	}
	if !p.plan.declaredKnown() || p.config.ExternalID.IsUnknown() || p.plan.refers() && set == nil {
		p.planPartly(view, customer, record, existing)
		return
	}
	if p.config.ExternalID.IsNull() && (!p.sameLink() || p.rotates() || existing != nil && existing.Link.Closed) {
		p.plan.ExternalID = types.StringNull() // the hub issues it
	}
	p.checkExternalID(record.PublisherScope)
	desired := p.plan.desired(ctx, record, !p.sameLink(), p.diags)
	if p.diags.HasError() {
		return
	}
	desired.Set, desired.Continued = set, view.HasClosed(customer)
	desired.Template = p.template.known(p.moves(view))
	desired.Replacing = existing != nil && view.Planned.Holds(customer, existing.Link.Incarnation)
	desired.Adopting = p.sameLink() && holds(p.state, existing)
	todo, err := desired.Issue(existing)
	if err != nil {
		p.diags.Append(refused(view.Name, customer, err)...)
		return
	}
	if existing != nil && !todo.Takeover && (set == nil || existing.Link.PermissionSet != set.Name) { // otherwise the set's plan warns, once for all links
		p.diags.Append(warnOfUpdates(*existing, todo.Link, desired.FullDeclaration())...)
		p.diags.Append(refuseUpdates(*existing, desired.FullDeclaration())...)
	}
	if !p.sameLink() && (existing == nil || existing.Link.Closed) {
		warnOfOthers(ctx, view, "the link of customer "+customer, p.diags)
	}
	p.checkAwaited(todo.Link)
	if existing != nil && p.rotates() {
		p.diags.Append(warnOfRotation(*existing, todo.Link)...)
	}
	if todo.Link.Status(p.resource.session.now()) == onboarding.LinkExpired {
		p.diags.AddAttributeWarning(path.Root("expires_at"), "The link is expired",
			"expires_at is in the past: a customer who launches the link is refused. Live stacks are not affected. A later time opens it again.")
	}
	p.checkUnique(ctx, view, todo.Link)
	p.plan.URL, p.plan.TemplateURL, err = addresses(record, todo.Link, desired.Declaration, p.resource.session.console)
	if err != nil {
		p.diags.AddError(fmt.Sprintf("No launch link for %s", customerNamed(view.Name, customer)), paragraphs("The link could not be built, so the customer could not be invited. Correct the declaration; nothing was changed.", sentence(err.Error())))
		return
	}
	if awaitsTemplate(ctx, view, todo.Link.RegisterWithoutStack, todo.Link.TemplateURL) {
		p.plan.URL = unknownAddresses(record)
	}
	p.plan.ExternalID = types.StringValue(todo.Link.ExternalID.String())
	p.plan.TemplateVersion = types.StringValue(todo.Link.TemplateVersion)
	p.unknownUntilApply()
	if existing != nil && p.keepsCustomer() {
		p.followStack(ctx, view, todo.Link)
	}
	p.reserve(ctx, view, record, todo.Link)
	p.checkNeighbours(ctx, view, existing, todo.Link) // of two such links, the one that is planned later warns
}

// planPartly plans a link if some of its arguments aren't known yet. Its external ID
// doesn't depend on them, unless the customer had a link before.
func (p *linkPlan) planPartly(view *hubview.View, customer string, record registry.HubRecord, existing *onboarding.Customer) {
	view.Planned.SetLink(customer, hubview.LinkPlan{})
	p.plan.URL, p.plan.TemplateURL, p.plan.TemplateVersion = unknownAddresses(record), unknownAddresses(record), types.StringUnknown()
	p.unknownUntilApply()
	if p.configUnchanged() {
		p.plan.Status = p.state.Status
	}
	switch {
	case !p.config.ExternalID.IsNull():
	case existing != nil && (existing.Link.Closed || p.rotates()), p.plan.ExternalIDVersion.IsUnknown():
		p.plan.ExternalID = types.StringUnknown()
	case existing == nil && p.plan.ExternalID.IsUnknown():
		p.plan.ExternalID = types.StringValue(onboarding.RotatedExternalID(record.Key.Bytes(), record.Name, customer, 0, p.plan.version()).String())
	}
}

// declaredKnown reports whether every declared value of a link is known.
func (m linkModel) declaredKnown() bool {
	return fullyKnown(m.AccountID) && fullyKnown(m.Scope) && fullyKnown(m.OrganizationID) && fullyKnown(m.OnlyAccountIDs) &&
		fullyKnown(m.PermissionSet) && fullyKnown(m.Role) && m.known() && fullyKnown(m.StackName) &&
		fullyKnown(m.Region) && fullyKnown(m.ExpiresAt) && fullyKnown(m.ExternalIDVersion)
}
