// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Identities are what import blocks of newer engines may name a resource by,
// instead of an ID that has to be put together. Older engines ignore them.

type hubIdentity struct {
	Name types.String `tfsdk:"name"`
}

// customerIdentity is the identity of a link, and of its customer's role.
type customerIdentity struct {
	Hub        types.String `tfsdk:"hub"`
	CustomerID types.String `tfsdk:"customer_id"`
}

func hubIdentitySchema() identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"name": identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the hub."},
	}}
}

func customerIdentitySchema() identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"hub":         identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the hub."},
		"customer_id": identityschema.StringAttribute{RequiredForImport: true, Description: "The vendor's name for the customer."},
	}}
}

// importedHub returns the name that a hub is imported by.
func importedHub(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) string {
	if req.ID != "" || req.Identity == nil {
		return req.ID
	}
	var identity hubIdentity
	diags.Append(req.Identity.Get(ctx, &identity)...)
	return identity.Name.ValueString()
}

// importedCustomer returns the hub/customer that a link or a role is imported by.
func importedCustomer(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) string {
	if req.ID != "" || req.Identity == nil {
		return req.ID
	}
	var identity customerIdentity
	diags.Append(req.Identity.Get(ctx, &identity)...)
	return identity.Hub.ValueString() + "/" + identity.CustomerID.ValueString()
}

// splitLinkID takes the id of a link, hub/customer, apart.
func splitLinkID(id string) (hubName, customer string, err error) {
	hubName, customer, ok := strings.Cut(id, "/")
	if !ok || validHubName().find(hubName) != nil || validCustomerID().find(customer) != nil {
		return "", "", fmt.Errorf("%q is not hub/customer, such as acme/globex", id)
	}
	return hubName, customer, nil
}

// splitSetID takes the id of a permission set, hub/name, apart.
func splitSetID(id string) (hubName, name string, err error) {
	hubName, name, err = splitLinkID(id)
	if err != nil {
		return "", "", fmt.Errorf("%q is not hub/name, such as acme/readonly", id)
	}
	return hubName, name, nil
}
