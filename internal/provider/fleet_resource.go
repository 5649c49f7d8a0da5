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

	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	_ resource.Resource                = (*fleetResource)(nil)
	_ resource.ResourceWithConfigure   = (*fleetResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*fleetResource)(nil)
	_ resource.ResourceWithImportState = (*fleetResource)(nil)
	_ resource.ResourceWithIdentity    = (*fleetResource)(nil)
)

type fleetResource struct{ configured }

func newFleetResource() resource.Resource { return &fleetResource{} }

func (r *fleetResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_fleet"
}

func (r *fleetResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = fleetSchema()
}

func (r *fleetResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = namedIdentitySchema("fleet")
}

func (r *fleetResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.take(req.ProviderData, &resp.Diagnostics)
}

func (r *fleetResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var model fleetModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	view := r.open(model, &resp.Diagnostics)
	if view == nil {
		return
	}
	written := r.write(ctx, view, &model, nil, &resp.Diagnostics)
	if !written {
		return // nothing was written
	}
	resp.Diagnostics.Append(r.keepPlace(ctx, resp.Private)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// Read updates the state from the registry. It writes no state if nothing has changed.
func (r *fleetResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer r.session.reads(ctx, "fleet", req.State)()
	var model fleetModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	if !r.session.ready() {
		return // the provider isn't configured before apply; the state stays as it is
	}
	view := r.open(model, &resp.Diagnostics)
	if view == nil || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) {
		return
	}
	name := model.Name.ValueString()
	found, err := view.Registry.Fleet(ctx, name)
	switch {
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noHub(fleetNamed(view.Name, name), view.Name))
		return
	case errors.Is(err, registry.ErrNoFleet), err == nil && found.Closed() && !hasMembers(ctx, view, name):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		resp.Diagnostics.Append(cannot("read", fleetNamed(view.Name, name), "", err))
		return
	}
	resp.Diagnostics.Append(reconcile(ctx, view, nil)...)
	imported, held := justImported(ctx, req.Private), model.Incarnation
	changed := model.flatten(ctx, view, found, &resp.Diagnostics)
	if imported {
		model.Incarnation, changed = optional(found.Incarnation.ID), true
		resp.Diagnostics.Append(r.keepPlace(ctx, resp.Private)...)
	} else if !found.Incarnation.HeldBy(held.ValueString()) {
		resp.Diagnostics.Append(fleetHeldElsewhere(found))
	}
	view.Fleets.SetHeld(name, model.Incarnation.ValueString())
	warnOfOldExternalIDs(ctx, view, name, &resp.Diagnostics)
	if changed && !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	}
}

func (r *fleetResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var model, state fleetModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	view := r.open(model, &resp.Diagnostics)
	if view == nil || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) {
		return
	}
	if r.write(ctx, view, &model, &state, &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	}
	resp.Diagnostics.Append(sweepPublishers(ctx, view)...)
	resp.Diagnostics.Append(sweepTemplates(ctx, view)...)
}

// Delete closes the fleet and its links, if this state still holds the fleet. The
// records and external IDs remain. The permission to publish remains for as long as a
// customer's stack may need it.
func (r *fleetResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var model fleetModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	view := r.open(model, &resp.Diagnostics)
	if view == nil || r.movedFrom(ctx, view.Name, req.Private, &resp.Diagnostics) {
		return
	}
	name := model.Name.ValueString()
	switch err := r.close(ctx, view, model, &resp.Diagnostics); {
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noHub(fleetNamed(view.Name, name), view.Name))
	case err != nil:
		resp.Diagnostics.Append(cannot("close", fleetNamed(view.Name, name), "The next destroy continues from there.", err))
	default:
		resp.Diagnostics.Append(sweepPublishers(ctx, view)...)
		resp.Diagnostics.Append(sweepTemplates(ctx, view)...)
	}
}

func (r *fleetResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := importedSet(ctx, req, &resp.Diagnostics)
	hubName, name, err := splitSetID(id)
	if err != nil {
		resp.Diagnostics.AddError("Invalid fleet ID", "A fleet is imported by hub/name: "+err.Error()+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("hub"), hubName)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), name)...)
}

// open returns the fleet's hub; nil with a diagnostic if that fails.
func (r *fleetResource) open(model fleetModel, diags *diag.Diagnostics) *hubview.View {
	if diags.HasError() {
		return nil
	}
	return r.view(model.Hub.ValueString(), diags)
}

func (m fleetModel) identify(ctx context.Context, identity *tfsdk.ResourceIdentity) diag.Diagnostics {
	return identity.Set(ctx, setIdentity{m.Hub, m.Name})
}

// setName returns the name of the permission set that the fleet refers to.
func (m fleetModel) setName() string {
	_, name, _ := splitSetID(m.PermissionSet.ValueString())
	return name
}

// hasMembers reports whether a fleet has open links. If the fleet is closed and has
// some, a destroy was interrupted.
func hasMembers(ctx context.Context, view *hubview.View, name string) bool {
	all, err := view.Customers(ctx)
	if err != nil {
		return true // the caller reads it too, and reports the error
	}
	for _, customer := range all {
		if customer.Link.InFleet(name) {
			return true
		}
	}
	return false
}
