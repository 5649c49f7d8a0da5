// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	_ resource.Resource                   = (*linkResource)(nil)
	_ resource.ResourceWithConfigure      = (*linkResource)(nil)
	_ resource.ResourceWithValidateConfig = (*linkResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*linkResource)(nil)
	_ resource.ResourceWithImportState    = (*linkResource)(nil)
)

type linkResource struct{ configured }

func newLinkResource() resource.Resource { return &linkResource{} }

func (r *linkResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_onboarding_link"
}

func (r *linkResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = linkSchema()
}

func (r *linkResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.take(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig checks what doesn't depend on the hub.
func (r *linkResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var model linkModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	model.validateScope(&resp.Diagnostics)
}

func (r *linkResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var model linkModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	if resp.Diagnostics.HasError() {
		return
	}
	in := r.intake(model.Hub.ValueString(), &resp.Diagnostics)
	if in == nil {
		return
	}
	link, ok := r.write(ctx, in, model, nil, &resp.Diagnostics)
	if !ok {
		return
	}
	r.showWritten(ctx, in, &model, link, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, placeKey, in.place())...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (r *linkResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var model linkModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	if !r.session.ready() {
		return // the provider isn't configured before apply: the state stays
	}
	if resp.Diagnostics.HasError() {
		return
	}
	hub, customer := model.Hub.ValueString(), model.CustomerID.ValueString()
	in := r.intake(hub, &resp.Diagnostics)
	if in == nil || r.elsewhere(ctx, in, req.Private, &resp.Diagnostics) {
		return
	}
	in.remember(customer)
	found, err := in.customer(ctx, customer)
	switch {
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noHub(onCustomer(hub, customer), hub))
	case errors.Is(err, registry.ErrNoLink):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(cannot("read", onCustomer(hub, customer), "", err))
	}
	if err != nil {
		return
	}
	in.nameMembers(ctx, found, &resp.Diagnostics)
	r.show(ctx, in, &model, found, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, placeKey, in.place())...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (r *linkResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var model, state linkModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(model.identify(ctx, resp.Identity)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	in := r.intake(model.Hub.ValueString(), &resp.Diagnostics)
	if in == nil || r.elsewhere(ctx, in, req.Private, &resp.Diagnostics) {
		return
	}
	link, ok := r.write(ctx, in, model, &state, &resp.Diagnostics)
	if !ok {
		return
	}
	r.showWritten(ctx, in, &model, link, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	resp.Diagnostics.Append(in.sweepTemplates(ctx)...)
}

// showWritten is show for a link that was written just now.
func (r *linkResource) showWritten(ctx context.Context, in *intake, model *linkModel, link onboarding.Link, diags *diag.Diagnostics) {
	found, err := in.customer(ctx, link.CustomerID)
	if err != nil {
		diags.Append(cannot("read", onCustomer(in.name, link.CustomerID), "", err))
		found = onboarding.Customer{Link: link}
	}
	r.show(ctx, in, model, found, diags)
}

// show takes what is known of the customer into the model.
func (r *linkResource) show(ctx context.Context, in *intake, model *linkModel, found onboarding.Customer, diags *diag.Diagnostics) {
	model.flatten(ctx, in, found.Link, diags)
	model.UpdateURL = in.updateURL(ctx, found, diags)
}

// Delete closes the link. Its record and its external ID stay, and so does the
// permission to publish, for as long as a stack of the customer may need it.
func (r *linkResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var model linkModel
	resp.Diagnostics.Append(req.State.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	hub, customer := model.Hub.ValueString(), model.CustomerID.ValueString()
	in := r.intake(hub, &resp.Diagnostics)
	if in == nil || r.elsewhere(ctx, in, req.Private, &resp.Diagnostics) {
		return
	}
	err := r.close(ctx, in, customer)
	switch {
	case errors.Is(err, registry.ErrNoLink):
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noHub(onCustomer(hub, customer), hub))
	case err != nil:
		resp.Diagnostics.Append(cannot("close the link of", onCustomer(hub, customer), "", err))
	default:
		resp.Diagnostics.Append(in.sweepPublishers(ctx)...)
		resp.Diagnostics.Append(in.sweepTemplates(ctx)...)
	}
}

func (r *linkResource) close(ctx context.Context, in *intake, customer string) error {
	var err error
	for range writeAttempts {
		var found onboarding.Customer
		found, err = in.customer(ctx, customer)
		if err == nil {
			err = r.release(ctx, in, found)
		}
		if errors.Is(err, registry.ErrConflict) {
			in.forget()
			continue
		}
		if err != nil || found.Link.Closed {
			return err
		}
		link := found.Link
		link.Closed, link.ClosedAt = true, r.session.now().UTC()
		if link, err = in.registry.UpdateLink(ctx, link); err == nil {
			in.wroteLink(link)
			return nil
		}
		if !errors.Is(err, registry.ErrConflict) {
			return err
		}
		in.forget() // another writer came in between: look again
	}
	return err
}

// release ends adoptions: no stack's Delete ever will.
func (r *linkResource) release(ctx context.Context, in *intake, customer onboarding.Customer) error {
	for _, reg := range customer.Registrations {
		released, entry := onboarding.Release(reg, r.session.now().UTC())
		if entry == nil {
			continue
		}
		if _, err := in.registry.PutHealth(ctx, released, *entry); err != nil {
			return err
		}
	}
	return nil
}

func (r *linkResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := importedCustomer(ctx, req, &resp.Diagnostics)
	hub, customer, err := splitLinkID(id)
	if err != nil {
		resp.Diagnostics.AddError("Not the id of a link", "A link is imported by hub/customer_id: "+err.Error()+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("hub"), hub)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("customer_id"), customer)...)
}

// place is where a hub is. Links and roles keep it beside their state, because
// a provider that looks in another Region must not take a hub of the same name
// there for theirs.
type place struct {
	Account string `json:"account_id"`
	Region  string `json:"region"`
}

const placeKey = "hub"

func (in *intake) place() []byte {
	text, _ := json.Marshal(place{in.session.clients.Account.String(), in.session.clients.Region.String()})
	return text
}

// keeper is what the framework gives of a resource's private state.
type keeper interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

// elsewhere reports, and says so, that the provider is not where the resource's
// hub was.
func (c *configured) elsewhere(ctx context.Context, in *intake, private keeper, diags *diag.Diagnostics) bool {
	text, d := private.GetKey(ctx, placeKey)
	diags.Append(d...)
	var was place
	if text == nil || json.Unmarshal(text, &was) != nil {
		return false // just imported
	}
	switch clients := c.session.clients; {
	case was.Account != clients.Account.String():
		diags.Append(wrongPlace(in.name, "account", clients.Account.String(), was.Account))
	case was.Region != clients.Region.String():
		diags.Append(wrongPlace(in.name, "Region", clients.Region.String(), was.Region))
	default:
		return false
	}
	return true
}
