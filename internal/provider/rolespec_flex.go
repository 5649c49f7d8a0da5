// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// declared returns what the model declares; everything in it is known.
func (m roleSpecModel) declared(ctx context.Context, diags *diag.Diagnostics) permissionset.Role {
	d := permissionset.Role{
		Name:                   m.Name.ValueString(),
		Path:                   m.Path.ValueString(),
		Description:            m.Description.ValueString(),
		PermissionsBoundaryARN: m.PermissionsBoundaryARN.ValueString(),
		MaxSessionDuration:     m.MaxSessionDuration.ValueInt64(),
	}
	diags.Append(m.ManagedPolicyARNs.ElementsAs(ctx, &d.ManagedPolicyARNs, false)...)
	diags.Append(m.InlinePolicies.ElementsAs(ctx, &d.InlinePolicies, false)...)
	diags.Append(m.Tags.ElementsAs(ctx, &d.Tags, false)...)
	slices.Sort(d.ManagedPolicyARNs)
	return d
}

// flattenRoleSpec returns the model of what was declared.
func flattenRoleSpec(ctx context.Context, d permissionset.Role, diags *diag.Diagnostics) roleSpecModel {
	return roleSpecModel{
		Name:                   types.StringValue(d.Name),
		Path:                   types.StringValue(d.Path),
		Description:            optional(d.Description),
		ManagedPolicyARNs:      nullableSet(ctx, d.ManagedPolicyARNs, diags),
		InlinePolicies:         nullableMap(ctx, d.InlinePolicies, diags),
		PermissionsBoundaryARN: optional(d.PermissionsBoundaryARN),
		MaxSessionDuration:     types.Int64Value(d.MaxSessionDuration),
		Tags:                   nullableMap(ctx, d.Tags, diags),
	}
}
