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
	_ resource.Resource                = (*setResource)(nil)
	_ resource.ResourceWithConfigure   = (*setResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*setResource)(nil)
	_ resource.ResourceWithImportState = (*setResource)(nil)
	_ resource.ResourceWithIdentity    = (*setResource)(nil)
)

type setResource struct{ configured }

func newSetResource() resource.Resource { return &setResource{} }

func (r *setResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_permission_set"
}

func (r *setResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = setSchema()
}

func (r *setResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = setIdentitySchema()
}

func (r *setResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.take(req.ProviderData, &resp.Diagnostics)
}

func (r *setResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	model := readSet(ctx, req.Plan, &resp.Diagnostics)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	view, ok := r.open(model, &resp.Diagnostics)
	if !ok || !r.write(ctx, view, &model, nil, resp.Private, &resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(r.keepPlace(ctx, resp.Private)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model.object(&resp.Diagnostics))...)
}

func (r *setResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer r.session.reads(ctx, "set", req.State)()
	model := readSet(ctx, req.State, &resp.Diagnostics)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	if !r.session.ready() {
		return // the provider isn't configured before apply; the state stays as it is
	}
	view, ok := r.open(model, &resp.Diagnostics)
	if !ok || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) {
		return
	}
	name := model.text("name").ValueString()
	record, err := view.Record(ctx)
	var found *onboarding.PermissionSet
	if err == nil {
		found, err = view.Sets.Find(ctx, name)
	}
	switch {
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noHub(setNamed(view.Name, name), view.Name))
		return
	case err != nil:
		resp.Diagnostics.Append(cannot("read", setNamed(view.Name, name), "", err))
		return
	case found == nil, found.Retired():
		resp.State.RemoveResource(ctx)
		return
	}
	held := model.text("incarnation")
	model.flatten(ctx, record, *found, &resp.Diagnostics)
	resp.Diagnostics.Append(madeFor(record, *found).keep(ctx, resp.Private)...)
	if missingTemplate(ctx, view, setNamed(view.Name, name), found.TemplateURL, &resp.Diagnostics) {
		model.values["template_version"], model.values["template_url"] = types.StringNull(), types.StringNull()
	}
	if !justImported(ctx, req.Private) {
		model.values["incarnation"] = held
		if !found.Incarnation.HeldBy(held.ValueString()) {
			resp.Diagnostics.Append(setHeldElsewhere(*found))
		}
	}
	view.Sets.SetHeld(name, model.text("incarnation").ValueString())
	resp.Diagnostics.Append(r.keepPlace(ctx, resp.Private)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model.object(&resp.Diagnostics))...)
}

func (r *setResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	model, state := readSet(ctx, req.Plan, &resp.Diagnostics), readSet(ctx, req.State, &resp.Diagnostics)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	view, ok := r.open(model, &resp.Diagnostics)
	if !ok || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) || !r.write(ctx, view, &model, &state, resp.Private, &resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, model.object(&resp.Diagnostics))...)
	resp.Diagnostics.Append(sweepTemplates(ctx, view)...)
}

// Delete retires the set, if this state still holds it. Links that refer to it stay as
// they are.
func (r *setResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	model := readSet(ctx, req.State, &resp.Diagnostics)
	view, ok := r.open(model, &resp.Diagnostics)
	if !ok || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) {
		return
	}
	name := model.text("name").ValueString()
	switch err := r.retire(ctx, view, model, &resp.Diagnostics); {
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noHub(setNamed(view.Name, name), view.Name))
	case err != nil:
		resp.Diagnostics.Append(cannot("retire", setNamed(view.Name, name), "", err))
	default:
		resp.Diagnostics.Append(sweepTemplates(ctx, view)...)
	}
}

func (r *setResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := importedSet(ctx, req, &resp.Diagnostics)
	hubName, name, err := splitSetID(id)
	if err != nil {
		resp.Diagnostics.AddError("Invalid permission set ID", "A permission set is imported by hub/name: "+err.Error()+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("hub"), hubName)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), name)...)
}

// open returns the set's hub; false with a diagnostic if that fails.
func (r *setResource) open(model setModel, diags *diag.Diagnostics) (*hubview.View, bool) {
	if diags.HasError() {
		return nil, false
	}
	view := r.view(model.text("hub").ValueString(), diags)
	return view, view != nil
}

func (m setModel) identify(ctx context.Context, identity *tfsdk.ResourceIdentity) diag.Diagnostics {
	return identity.Set(ctx, setIdentity{m.text("hub"), m.text("name")})
}
