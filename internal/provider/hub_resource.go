// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	_ resource.Resource                = (*hubResource)(nil)
	_ resource.ResourceWithConfigure   = (*hubResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*hubResource)(nil)
	_ resource.ResourceWithImportState = (*hubResource)(nil)
	_ resource.ResourceWithIdentity    = (*hubResource)(nil)
)

type hubResource struct{ configured }

func newHubResource() resource.Resource { return &hubResource{} }

func (r *hubResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_hub"
}

func (r *hubResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = hubSchema()
}

func (r *hubResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = hubIdentitySchema()
}

func (r *hubResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.take(req.ProviderData, &resp.Diagnostics)
}

func (r *hubResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var model hubModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	spec := model.spec(ctx, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	view := r.view(model.Name.ValueString(), &resp.Diagnostics)
	if view == nil {
		return
	}
	spec.Incarnation = newIncarnation(view.Now().UTC())
	state, err := r.createOrTakeOver(ctx, view, spec, &resp.Diagnostics)
	if err != nil {
		resp.Diagnostics.Append(onShared(view.Name, err, onEventBus(err, cannot("create", hubNamed(view.Name), "Everything that was created so far stays, and the next apply continues from there.", err))))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	view.WroteHub(state.Record)
	warnUntested(state.Record, &resp.Diagnostics)
	model.flatten(ctx, state, r.session.defaultTags, &resp.Diagnostics)
	model.Incarnation = types.StringValue(spec.Incarnation.ID)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (r *hubResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer r.session.reads(ctx, "hub", req.State)()
	var model hubModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	if !r.session.ready() {
		return // the provider isn't configured before apply; the state stays as it is
	}
	if resp.Diagnostics.HasError() {
		return
	}
	view := r.view(model.Name.ValueString(), &resp.Diagnostics)
	if view == nil || r.elsewhere(view.Name, model.place(), &resp.Diagnostics) {
		return
	}
	readAt := r.session.now()
	state, err := view.Hub.Read(ctx)
	if errors.Is(err, registry.ErrNoHub) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.Append(cannot("read", hubNamed(view.Name), "", err))
		return
	}
	view.SawHub(state.Record, readAt)
	r.checkHolder(&model, state.Record, &resp.Diagnostics)
	view.Planned.SetHubHeld(model.Incarnation.ValueString())
	if state.PoliciesOutdated {
		resp.Diagnostics.Append(repair(ctx, view)...)
	}
	if len(state.Defects) > 0 {
		resp.Diagnostics.Append(drifted(view.Name, state.Defects))
	}
	resp.Diagnostics.Append(reconcile(ctx, view, state.Lists)...)
	model.flatten(ctx, state, r.session.defaultTags, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (r *hubResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var model hubModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	spec := model.spec(ctx, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	view := r.view(model.Name.ValueString(), &resp.Diagnostics)
	if view == nil || r.elsewhere(view.Name, model.place(), &resp.Diagnostics) {
		return
	}
	if record, err := view.Record(ctx); err == nil { // an imported hub may belong to another tool, which then no longer owns it
		spec.Adopt = record.Incarnation.HeldBy(model.Incarnation.ValueString())
	}
	state, err := view.Hub.Update(ctx, spec)
	var owned *hub.OwnedError
	if errors.As(err, &owned) {
		resp.Diagnostics.Append(hubOwned(owned))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(onShared(view.Name, err, onPublishers(err, onEventBus(err, cannot("update", hubNamed(view.Name), "", err)))))
		return
	}
	view.WroteHub(state.Record)
	warnUntested(state.Record, &resp.Diagnostics)
	model.flatten(ctx, state, r.session.defaultTags, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (r *hubResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var model hubModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	view := r.view(model.Name.ValueString(), &resp.Diagnostics)
	if view == nil || r.elsewhere(view.Name, model.place(), &resp.Diagnostics) {
		return
	}
	planned := plannedDestroy(ctx, req.Private)
	if planned.Elsewhere {
		resp.Diagnostics.Append(hubElsewhere(view.Name))
		return
	}
	remains, err := view.Hub.DeleteIncarnation(ctx, hub.DeleteRequest{
		Incarnation: model.Incarnation.ValueString(), Force: model.ForceDestroy.ValueBool(),
		TakeoverWait: min(5*time.Second, 10*r.session.settings.pollInterval), PlannedAt: planned.PlannedAt,
	})
	var announced *hub.AnnouncedError
	var used *hub.LiveError
	var other *hub.OtherIncarnationError
	var busy *hub.BusyError
	switch {
	case errors.As(err, &other):
		resp.Diagnostics.Append(hubLeft(other))
	case errors.As(err, &announced):
		resp.Diagnostics.Append(hubElsewhere(view.Name))
	case errors.As(err, &used):
		resp.Diagnostics.Append(hubAlive(view.Name, used))
	case errors.As(err, &busy):
		resp.Diagnostics.AddError(fmt.Sprintf("Hub %s has unanswered requests", view.Name), paragraphs(
			fmt.Sprintf("Without an answer, these customers' stacks hang. Let a registrar handle these requests, with \"xacct registrar --hub %s\", and destroy the hub a minute later; "+
				"or set force_destroy = true, apply, and destroy then.", view.Name), busy.Error()))
	case err != nil:
		resp.Diagnostics.Append(cannot("delete", hubNamed(view.Name), "Destroy it again: deletion continues where it stopped.", err))
	default:
		view.DeletedHub()
		if remains.Bucket != "" {
			resp.Diagnostics.AddWarning(fmt.Sprintf("Bucket %s was kept", remains.Bucket), fmt.Sprintf(
				"It is empty, closed to the public and tagged, and it reserves its name: if you delete it, another account may create a bucket of that name, "+
					"and links that customers of hub %s still have would open a stranger's template.", view.Name))
		}
	}
}

func (r *hubResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := importedHub(ctx, req, &resp.Diagnostics)
	if err := validHubName().find(id); err != nil {
		resp.Diagnostics.AddError("Invalid hub name", "A hub is imported by its name, such as acme: "+err.Error()+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), id)...)
}

// drifted returns one warning that lists all defects: of several warnings with the
// same summary, Terraform shows only the first.
func drifted(name string, defects []hub.Defect) diag.Diagnostic {
	var lines strings.Builder
	for _, defect := range defects {
		fmt.Fprintf(&lines, "\n  - %s", defect)
	}
	return diag.NewWarningDiagnostic(fmt.Sprintf("Hub %s has drifted", name),
		"These parts or settings are gone, or were changed outside of this provider. The next apply restores them:\n"+lines.String())
}

// warnUntested warns if an apply could not find out whether requests arrive.
func warnUntested(record registry.HubRecord, diags *diag.Diagnostics) {
	if record.Untested {
		diags.AddWarning(fmt.Sprintf("Delivery to hub %s was not tested", record.Name), hub.UntestedWarning(record.Name))
	}
}

func (m hubModel) identify(ctx context.Context, identity *tfsdk.ResourceIdentity) diag.Diagnostics {
	return identity.Set(ctx, hubIdentity{m.Name})
}

// place returns the hub's account and Region in the state; empty if the state has
// none.
func (m hubModel) place() place {
	return place{m.AccountID.ValueString(), m.Region.ValueString()}
}
