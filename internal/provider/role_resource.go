// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	_ resource.Resource                = (*roleResource)(nil)
	_ resource.ResourceWithConfigure   = (*roleResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*roleResource)(nil)
	_ resource.ResourceWithImportState = (*roleResource)(nil)
)

type roleResource struct{ configured }

func newRoleResource() resource.Resource { return &roleResource{} }

func (r *roleResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_customer_role"
}

func (r *roleResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = roleSchema(ctx)
}

func (r *roleResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.take(req.ProviderData, &resp.Diagnostics)
}

func (r *roleResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var model roleModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	limit, d := model.Timeouts.Create(ctx, patience)
	resp.Diagnostics.Append(d...)
	in, customer := r.open(model.Link, &resp.Diagnostics)
	if in == nil || resp.Diagnostics.HasError() {
		return
	}
	found := r.find(ctx, in, customer, &resp.Diagnostics)
	if found != nil && model.tooMany(*found, &resp.Diagnostics) {
		return
	}
	if found != nil && model.Wait.ValueBool() {
		found = r.await(ctx, in, *found, model.arrived(), limit, &resp.Diagnostics)
	}
	if found == nil {
		return // no state: the next apply creates, and goes on waiting
	}
	model.flatten(ctx, in, *found, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, placeKey, in.place())...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (r *roleResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var model roleModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	if !r.session.ready() {
		return // the provider isn't configured before apply: the state stays
	}
	in, customer := r.open(model.Link, &resp.Diagnostics)
	if in == nil || resp.Diagnostics.HasError() || r.elsewhere(ctx, in, req.Private, &resp.Diagnostics) {
		return
	}
	found, err := in.customer(ctx, customer)
	switch {
	case errors.Is(err, registry.ErrNoLink):
		resp.State.RemoveResource(ctx)
		return
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noHub(onCustomer(in.name, customer), in.name))
		return
	case err != nil:
		resp.Diagnostics.Append(cannot("read", onCustomer(in.name, customer), "", err))
		return
	}
	model.flatten(ctx, in, found, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, placeKey, in.place())...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// Update waits where waiting was turned on; otherwise it is a refresh.
func (r *roleResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var model, state roleModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, d := model.Timeouts.Update(ctx, patience)
	resp.Diagnostics.Append(d...)
	in, customer := r.open(model.Link, &resp.Diagnostics)
	if in == nil || resp.Diagnostics.HasError() || r.elsewhere(ctx, in, req.Private, &resp.Diagnostics) {
		return
	}
	found := r.find(ctx, in, customer, &resp.Diagnostics)
	if found != nil && model.tooMany(*found, &resp.Diagnostics) {
		return
	}
	if found != nil && model.Wait.ValueBool() && !state.Wait.ValueBool() {
		found = r.await(ctx, in, *found, model.arrived(), limit, &resp.Diagnostics)
	}
	if found == nil {
		return // the state stays as it was, and so does the difference
	}
	model.flatten(ctx, in, *found, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// Delete forgets the role, and nothing more: it is the customer's.
func (r *roleResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

func (r *roleResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := importedCustomer(ctx, req, &resp.Diagnostics)
	if _, _, err := splitLinkID(id); err != nil {
		resp.Diagnostics.AddError("Not the id of a link", "A customer's role is imported by its link's id: "+err.Error()+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("link"), id)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("wait"), false)...)
}

// ModifyPlan shows the ARN that the role will have, and says when nobody would
// answer the customer.
func (r *roleResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || !r.session.ready() {
		return
	}
	var plan roleModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if plan.Link.IsUnknown() || resp.Diagnostics.HasError() {
		return
	}
	var state *roleModel
	if !req.State.Raw.IsNull() {
		state = &roleModel{}
		resp.Diagnostics.Append(req.State.Get(ctx, state)...)
		if !state.Link.Equal(plan.Link) {
			state = nil // another link is another role
		}
	}
	in, customer := r.open(plan.Link, &resp.Diagnostics)
	if in == nil {
		return
	}
	expected, known, err := r.foresee(ctx, in, customer, state != nil)
	switch {
	case err != nil:
		resp.Diagnostics.Append(cannot("plan the role of", onCustomer(in.name, customer), "", err))
		return
	case state == nil:
		plan.unknown()
		plan.RoleARN, plan.AccountID, plan.ExternalID = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	default:
		plan.RoleARN, plan.AccountID, plan.ExternalID = state.RoleARN, state.AccountID, state.ExternalID
	}
	if known {
		plan.expect(*expected, r.session.clients.Partition())
		plan.tooMany(*expected, &resp.Diagnostics)
	}
	if plan.AccountID.IsNull() && plan.Status.IsUnknown() {
		// Whoever comes meanwhile may be the one whose account it is.
		plan.RoleARN, plan.AccountID = types.StringUnknown(), types.StringUnknown()
	}
	if state != nil && (!plan.sameIdentity(*state) || known && in.differentUpdate(ctx, *expected, *state, &resp.Diagnostics) ||
		known && confirmed(expected.Link) != state.AccountConfirmed.ValueBool()) {
		plan.unknown() // the link changes in this very plan
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	if state == nil && !plan.Wait.IsUnknown() && !plan.Wait.ValueBool() && known && !in.listening(ctx) {
		resp.Diagnostics.Append(nobodyListens(path.Root("wait"), in.name))
	}
}

// differentUpdate reports whether the link as planned asks for another update of
// the customer's stack than the state says.
func (in *intake) differentUpdate(ctx context.Context, expected onboarding.Customer, state roleModel, diags *diag.Diagnostics) bool {
	return outdated(expected) != state.Outdated.ValueBool() || !in.updateURL(ctx, expected, diags).Equal(state.UpdateURL)
}

// tooMany refuses to wait for more accounts than the link is for.
func (m roleModel) tooMany(c onboarding.Customer, diags *diag.Diagnostics) bool {
	if m.MinimumAccounts.ValueInt64() <= 1 || c.Link.Scope == onboarding.ScopeOrganization {
		return false
	}
	diags.AddAttributeError(path.Root("minimum_accounts"), "The link is for one account",
		`Only a link with scope = "organization" has more than one account to wait for. Leave minimum_accounts out.`)
	return true
}

func (m registrationModel) sameIdentity(o roleModel) bool {
	return m.RoleARN.Equal(o.RoleARN) && m.AccountID.Equal(o.AccountID) && m.ExternalID.Equal(o.ExternalID)
}

// foresee is the customer as they will be when the role is applied: with the
// link as it is planned in this process, otherwise as the registry has it. For
// a role that exists, only a planned link is news.
func (r *roleResource) foresee(ctx context.Context, in *intake, customer string, exists bool) (*onboarding.Customer, bool, error) {
	planned, ok := in.linkPlan(customer)
	switch {
	case ok && !planned.known:
		return nil, false, nil
	case !ok && exists:
		return nil, false, nil
	case in.beingCreated():
		return nil, false, nil
	}
	found, err := in.find(ctx, customer)
	if errors.Is(err, registry.ErrNoHub) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if ok {
		if found == nil {
			found = &onboarding.Customer{}
		}
		found.Link = planned.link
	}
	return found, found != nil, nil
}

// open is the hub and the customer that a link's id names.
func (r *roleResource) open(link types.String, diags *diag.Diagnostics) (*intake, string) {
	if diags.HasError() {
		return nil, ""
	}
	hub, customer, err := splitLinkID(link.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("link"), "Not the id of a link", sentence(err.Error()))
		return nil, ""
	}
	return r.intake(hub, diags), customer
}

// find is the customer whose role it is; nil when it was said why there is none.
func (r *roleResource) find(ctx context.Context, in *intake, customer string, diags *diag.Diagnostics) *onboarding.Customer {
	found, err := in.customer(ctx, customer)
	switch {
	case errors.Is(err, registry.ErrNoHub):
		diags.Append(noHub(onCustomer(in.name, customer), in.name))
	case errors.Is(err, registry.ErrNoLink):
		diags.AddAttributeError(path.Root("link"), fmt.Sprintf("No link for %s", onCustomer(in.name, customer)),
			"The hub has no onboarding link for this customer. Set link to the id of an xacct_onboarding_link, so that it is created first.")
	case err != nil:
		diags.Append(cannot("read", onCustomer(in.name, customer), "", err))
	default:
		return &found
	}
	return nil
}
