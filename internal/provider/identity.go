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

// Identities are an alternative to the composite import ID: import blocks of newer
// engines can name a resource by them. Older engines ignore them.

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

// importedHub returns the name of the hub to import.
func importedHub(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) string {
	if req.ID != "" || req.Identity == nil {
		return req.ID
	}
	var identity hubIdentity
	diags.Append(req.Identity.Get(ctx, &identity)...)
	return identity.Name.ValueString()
}

// importedCustomer returns the ID, hub/customer, of the link or role to import.
func importedCustomer(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) string {
	if req.ID != "" || req.Identity == nil {
		return req.ID
	}
	var identity customerIdentity
	diags.Append(req.Identity.Get(ctx, &identity)...)
	return identity.Hub.ValueString() + "/" + identity.CustomerID.ValueString()
}

// splitLinkID splits the ID of a link, hub/customer.
func splitLinkID(id string) (hubName, customer string, err error) {
	hubName, customer, ok := strings.Cut(id, "/")
	if !ok || validHubName().find(hubName) != nil || validCustomerID().find(customer) != nil {
		return "", "", fmt.Errorf("%q is not in the form hub/customer, such as acme/globex", id)
	}
	return hubName, customer, nil
}

// splitSetID splits the ID of a permission set, hub/name.
func splitSetID(id string) (hubName, name string, err error) {
	hubName, name, err = splitLinkID(id)
	if err != nil {
		return "", "", fmt.Errorf("%q is not in the form hub/name, such as acme/readonly", id)
	}
	return hubName, name, nil
}
