// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Identities: what import blocks of newer engines may name a resource by,
// instead of an ID that somebody has to put together. Older engines ignore them.

var (
	_ resource.ResourceWithIdentity = (*hubResource)(nil)
	_ resource.ResourceWithIdentity = (*linkResource)(nil)
	_ resource.ResourceWithIdentity = (*roleResource)(nil)
)

type hubIdentity struct {
	Name types.String `tfsdk:"name"`
}

// customerIdentity is that of a link, and of the role that comes of it.
type customerIdentity struct {
	Hub        types.String `tfsdk:"hub"`
	CustomerID types.String `tfsdk:"customer_id"`
}

func (r *hubResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"name": identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the hub."},
	}}
}

func (r *linkResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = customerIdentitySchema()
}

func (r *roleResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = customerIdentitySchema()
}

func customerIdentitySchema() identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"hub":         identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the hub."},
		"customer_id": identityschema.StringAttribute{RequiredForImport: true, Description: "The vendor's name for the customer."},
	}}
}

func (m hubModel) identify(ctx context.Context, identity *tfsdk.ResourceIdentity) diag.Diagnostics {
	return identity.Set(ctx, hubIdentity{m.Name})
}

func (m linkModel) identify(ctx context.Context, identity *tfsdk.ResourceIdentity) diag.Diagnostics {
	return identity.Set(ctx, customerIdentity{m.Hub, m.CustomerID})
}

func (m roleModel) identify(ctx context.Context, identity *tfsdk.ResourceIdentity) diag.Diagnostics {
	hub, customer, err := splitLinkID(m.Link.ValueString())
	if err != nil {
		return nil // whoever opens the link says so
	}
	return identity.Set(ctx, customerIdentity{types.StringValue(hub), types.StringValue(customer)})
}

// importedHub is the name that somebody imports a hub by.
func importedHub(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) string {
	if req.ID != "" || req.Identity == nil {
		return req.ID
	}
	var identity hubIdentity
	diags.Append(req.Identity.Get(ctx, &identity)...)
	return identity.Name.ValueString()
}

// importedCustomer is the hub/customer that somebody imports a link or a role by.
func importedCustomer(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) string {
	if req.ID != "" || req.Identity == nil {
		return req.ID
	}
	var identity customerIdentity
	diags.Append(req.Identity.Get(ctx, &identity)...)
	return identity.Hub.ValueString() + "/" + identity.CustomerID.ValueString()
}
