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
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	_ resource.Resource                = (*roleResource)(nil)
	_ resource.ResourceWithConfigure   = (*roleResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*roleResource)(nil)
	_ resource.ResourceWithImportState = (*roleResource)(nil)
	_ resource.ResourceWithIdentity    = (*roleResource)(nil)
)

type roleResource struct{ configured }

func newRoleResource() resource.Resource { return &roleResource{} }

func (r *roleResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_customer_role"
}

func (r *roleResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = roleSchema(ctx)
}

func (r *roleResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = customerIdentitySchema()
}

func (r *roleResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.take(req.ProviderData, &resp.Diagnostics)
}

func (r *roleResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var model roleModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	limit, d := model.Timeouts.Create(ctx, defaultWait)
	resp.Diagnostics.Append(d...)
	view, customer := r.open(model.Link, &resp.Diagnostics)
	if view == nil || resp.Diagnostics.HasError() {
		return
	}
	found := r.find(ctx, view, customer, &resp.Diagnostics)
	if found != nil && model.refuseMinimum(*found, &resp.Diagnostics) {
		return
	}
	if found != nil && model.Wait.ValueBool() {
		found = roleWait{view, model.arrived(), limit, "timeouts.create"}.await(ctx, *found, &resp.Diagnostics)
	}
	if found == nil {
		return // without a state, the next apply creates the role and continues to wait
	}
	planned := model.registrationModel
	model.flatten(ctx, view, *found, &resp.Diagnostics)
	model.keep(ctx, planned, &resp.Diagnostics)
	resp.Diagnostics.Append(r.keepPlace(ctx, resp.Private)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// Read updates the state from the registry. It writes no state if nothing has changed.
func (r *roleResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer r.session.reads(ctx, "role", req.State)()
	var model roleModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	if !r.session.ready() {
		return // the provider isn't configured before apply; the state stays as it is
	}
	view, customer := r.open(model.Link, &resp.Diagnostics)
	if view == nil || resp.Diagnostics.HasError() || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) {
		return
	}
	found, err := view.Customer(ctx, customer)
	switch {
	case errors.Is(err, registry.ErrNoLink):
		resp.State.RemoveResource(ctx)
		return
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noHub(customerNamed(view.Name, customer), view.Name))
		return
	case err != nil:
		resp.Diagnostics.Append(cannot("read", customerNamed(view.Name, customer), "", err))
		return
	}
	before := model
	model.flatten(ctx, view, found, &resp.Diagnostics)
	resp.Diagnostics.Append(r.keepPlace(ctx, resp.Private)...)
	if !sameModel(before, model) {
		resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	}
}

// Update waits if wait was turned on; otherwise it only refreshes.
func (r *roleResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var model, state roleModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, d := model.Timeouts.Update(ctx, defaultWait)
	resp.Diagnostics.Append(d...)
	view, customer := r.open(model.Link, &resp.Diagnostics)
	if view == nil || resp.Diagnostics.HasError() || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) {
		return
	}
	found := r.find(ctx, view, customer, &resp.Diagnostics)
	if found != nil && model.refuseMinimum(*found, &resp.Diagnostics) {
		return
	}
	if found != nil && model.Wait.ValueBool() && !state.Wait.ValueBool() {
		found = roleWait{view, model.arrived(), limit, "timeouts.update"}.await(ctx, *found, &resp.Diagnostics)
	}
	if found == nil {
		return // the state stays as it was, so the next plan has the same change
	}
	planned := model.registrationModel
	model.flatten(ctx, view, *found, &resp.Diagnostics)
	model.keep(ctx, planned, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// Delete only removes the role from the state: the role is the customer's.
func (r *roleResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

func (r *roleResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := importedCustomer(ctx, req, &resp.Diagnostics)
	if _, _, err := splitLinkID(id); err != nil {
		resp.Diagnostics.AddError("Invalid link ID", "A customer's role is imported by its link's id: "+err.Error()+".")
		return
	}
	setImported(ctx, &resp.State, id, &resp.Diagnostics)
}

// setter is a state, or a result of a list.
type setter interface {
	SetAttribute(ctx context.Context, path path.Path, value any) diag.Diagnostics
}

// setImported sets the attributes that an import sets. A refresh reads all others.
func setImported(ctx context.Context, to setter, link string, diags *diag.Diagnostics) {
	diags.Append(to.SetAttribute(ctx, path.Root("link"), link)...)
	diags.Append(to.SetAttribute(ctx, path.Root("wait"), false)...)
}

// open returns the hub and the customer in the ID of a link; nil with a diagnostic if
// that fails.
func (r *roleResource) open(link types.String, diags *diag.Diagnostics) (*hubview.View, string) {
	if diags.HasError() {
		return nil, ""
	}
	hubName, customer, err := splitLinkID(link.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("link"), "Invalid link ID", sentence(err.Error()))
		return nil, ""
	}
	return r.view(hubName, diags), customer
}

// find returns the customer of the role; nil with a diagnostic if there is none.
func (r *roleResource) find(ctx context.Context, view *hubview.View, customer string, diags *diag.Diagnostics) *onboarding.Customer {
	found, err := view.Customer(ctx, customer)
	switch {
	case errors.Is(err, registry.ErrNoHub):
		diags.Append(noHub(customerNamed(view.Name, customer), view.Name))
	case errors.Is(err, registry.ErrNoLink):
		diags.AddAttributeError(path.Root("link"), fmt.Sprintf("No link for %s", customerNamed(view.Name, customer)),
			"The hub has no onboarding link for this customer. Set link to the id of an xacct_onboarding_link, so that it is created first.")
	case err != nil:
		diags.Append(cannot("read", customerNamed(view.Name, customer), "", err))
	default:
		return &found
	}
	return nil
}

func (m roleModel) identify(ctx context.Context, identity *tfsdk.ResourceIdentity) diag.Diagnostics {
	hubName, customer, err := splitLinkID(m.Link.ValueString())
	if err != nil {
		return nil // open reports this error
	}
	return identity.Set(ctx, customerIdentity{types.StringValue(hubName), types.StringValue(customer)})
}
