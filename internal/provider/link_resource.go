// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"

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
	_ resource.Resource                   = (*linkResource)(nil)
	_ resource.ResourceWithConfigure      = (*linkResource)(nil)
	_ resource.ResourceWithValidateConfig = (*linkResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*linkResource)(nil)
	_ resource.ResourceWithImportState    = (*linkResource)(nil)
	_ resource.ResourceWithIdentity       = (*linkResource)(nil)
)

type linkResource struct{ configured }

func newLinkResource() resource.Resource { return &linkResource{} }

func (r *linkResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_onboarding_link"
}

func (r *linkResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = linkSchema()
}

func (r *linkResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = customerIdentitySchema()
}

func (r *linkResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.take(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig checks what doesn't depend on the hub.
func (r *linkResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var model linkModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	model.validateScope(&resp.Diagnostics)
	model.validateSet(&resp.Diagnostics)
	model.validateVersion(&resp.Diagnostics)
}

func (r *linkResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var model linkModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	if resp.Diagnostics.HasError() {
		return
	}
	view := r.view(model.Hub.ValueString(), &resp.Diagnostics)
	if view == nil {
		return
	}
	link, ok := r.write(ctx, view, model, nil, rendering{}, &resp.Diagnostics)
	if !ok {
		return
	}
	r.showWritten(ctx, view, &model, link, &resp.Diagnostics)
	model.Incarnation = types.StringValue(link.Incarnation.ID)
	resp.Diagnostics.Append(r.keepPlace(ctx, resp.Private)...)
	resp.Diagnostics.Append(rendering{}.after(view, link).keep(ctx, resp.Private)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// Read updates the state from the registry. It writes no state if nothing has changed.
func (r *linkResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer r.session.reads(ctx, "link", req.State)()
	var model linkModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	if !r.session.ready() {
		return // the provider isn't configured before apply; the state stays as it is
	}
	if resp.Diagnostics.HasError() {
		return
	}
	before := model
	hubName, customer := model.Hub.ValueString(), model.CustomerID.ValueString()
	view := r.view(hubName, &resp.Diagnostics)
	if view == nil || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) {
		return
	}
	found, err := view.Customer(ctx, customer)
	switch {
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noHub(customerNamed(hubName, customer), hubName))
	case errors.Is(err, registry.ErrNoLink):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(cannot("read", customerNamed(hubName, customer), "", err))
	}
	if err != nil {
		return
	}
	resp.Diagnostics.Append(reconcile(ctx, view, nil)...)
	resp.Diagnostics.Append(warnOfOldExternalID(found, view.Now())...)
	r.show(ctx, view, &model, found, &resp.Diagnostics)
	switch held := found.Link.HeldBy(model.Incarnation.ValueString()); {
	case justImported(ctx, req.Private):
		model.Incarnation = optional(found.Link.Incarnation.ID)
	case !held && !found.Link.Closed:
		resp.Diagnostics.Append(heldElsewhere(found.Link))
	}
	view.Planned.SetHeld(customer, model.Incarnation.ValueString())
	resp.Diagnostics.Append(keepStack(ctx, resp.Private, found)...)
	r.readTemplate(ctx, view, &model, found.Link, req.Private, resp)
	resp.Diagnostics.Append(r.keepPlace(ctx, resp.Private)...)
	if !sameModel(before, model) {
		resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	}
}

func (r *linkResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var model, state linkModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	view := r.view(model.Hub.ValueString(), &resp.Diagnostics)
	if view == nil || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) {
		return
	}
	template := keptRendering(ctx, req.Private, state.TemplateVersion)
	link, ok := r.write(ctx, view, model, &state, template, &resp.Diagnostics)
	if !ok {
		return
	}
	planned := model
	r.showWritten(ctx, view, &model, link, &resp.Diagnostics)
	model.keepPlanned(planned)
	resp.Diagnostics.Append(template.after(view, link).keep(ctx, resp.Private)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	resp.Diagnostics.Append(sweepTemplates(ctx, view)...)
}

// Delete closes the link, if this state still holds it. Its record and its external ID
// remain. The permission to publish remains for as long as a stack of the customer may
// need it.
func (r *linkResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var model linkModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	hubName, customer := model.Hub.ValueString(), model.CustomerID.ValueString()
	view := r.view(hubName, &resp.Diagnostics)
	if view == nil || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) {
		return
	}
	err := r.close(ctx, view, model, &resp.Diagnostics)
	switch {
	case errors.Is(err, registry.ErrNoLink):
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noHub(customerNamed(hubName, customer), hubName))
	case err != nil:
		resp.Diagnostics.Append(cannot("close the link of", customerNamed(hubName, customer), "", err))
	default:
		resp.Diagnostics.Append(sweepPublishers(ctx, view)...)
		resp.Diagnostics.Append(sweepTemplates(ctx, view)...)
	}
}

func (r *linkResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := importedCustomer(ctx, req, &resp.Diagnostics)
	hubName, customer, err := splitLinkID(id)
	if err != nil {
		resp.Diagnostics.AddError("Invalid link ID", "A link is imported by hub/customer_id: "+err.Error()+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("hub"), hubName)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("customer_id"), customer)...)
}

// showWritten is show for a link that was just written.
func (r *linkResource) showWritten(ctx context.Context, view *hubview.View, model *linkModel, link onboarding.Link, diags *diag.Diagnostics) {
	found, err := view.Customer(ctx, link.CustomerID)
	if err != nil {
		diags.Append(cannot("read", customerNamed(view.Name, link.CustomerID), "", err))
		found = onboarding.Customer{Link: link}
	}
	r.show(ctx, view, model, found, diags)
}

// show copies a customer's records into the model.
func (r *linkResource) show(ctx context.Context, view *hubview.View, model *linkModel, found onboarding.Customer, diags *diag.Diagnostics) {
	model.flatten(ctx, view, found.Link, diags)
	model.UpdateURL = updateURL(ctx, view, found, diags)
	model.UpdateCommand = updateCommand(ctx, view, found, diags)
	model.PreviousExternalID = previousExternalID(found)
}

func (m linkModel) identify(ctx context.Context, identity *tfsdk.ResourceIdentity) diag.Diagnostics {
	return identity.Set(ctx, customerIdentity{m.Hub, m.CustomerID})
}
