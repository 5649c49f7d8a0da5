// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// setIdentity is the identity of a permission set or a fleet in import blocks.
type setIdentity struct {
	Hub  types.String `tfsdk:"hub"`
	Name types.String `tfsdk:"name"`
}

func setIdentitySchema() identityschema.Schema { return namedIdentitySchema("permission set") }

// namedIdentitySchema returns the identity schema of a resource that has a name in its
// hub: a permission set or a fleet.
func namedIdentitySchema(what string) identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"hub":  identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the hub."},
		"name": identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the " + what + "."},
	}}
}

// importedSet returns the ID, hub/name, of the permission set or fleet to import.
func importedSet(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) string {
	if req.ID != "" || req.Identity == nil {
		return req.ID
	}
	var identity setIdentity
	diags.Append(req.Identity.Get(ctx, &identity)...)
	return identity.Hub.ValueString() + "/" + identity.Name.ValueString()
}
