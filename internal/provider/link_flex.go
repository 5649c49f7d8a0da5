// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// declared is the model's declaration; everything in it is known.
func (m linkModel) declared(ctx context.Context, diags *diag.Diagnostics) declaration.Declaration {
	d := declaration.Declaration{
		StackName: m.StackName.ValueString(),
		Region:    m.Region.ValueString(),
		ExpiresAt: m.ExpiresAt.ValueString(),
		Role:      m.role(ctx, diags).declared(ctx, diags),
		Choices:   permissionset.Choices{OptionalPermissions: m.optionalPermissions(ctx, diags)},
	}
	diags.Append(m.TrustedPrincipalARNs.ElementsAs(ctx, &d.TrustedPrincipals, false)...)
	slices.Sort(d.TrustedPrincipals)
	return d
}

func (m linkModel) role(ctx context.Context, diags *diag.Diagnostics) roleSpecModel {
	var role roleSpecModel
	diags.Append(m.Role.As(ctx, &role, basetypes.ObjectAsOptions{})...)
	return role
}

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

// flatten takes a link's record into the model. Where the model declares the
// same already, it keeps its own spelling of it.
func (m *linkModel) flatten(ctx context.Context, in *intake, link onboarding.Link, diags *diag.Diagnostics) {
	record, err := in.record(ctx)
	if err != nil {
		diags.Append(cannot("read", onCustomer(link.Hub, link.CustomerID), "", err))
		return
	}
	found, err := declaration.Of(link)
	if err != nil {
		diags.Append(cannot("read", onCustomer(link.Hub, link.CustomerID), "The link's record in the registry is damaged: restore the table from a backup.", err))
		return
	}
	m.URL, m.TemplateURL, err = addresses(record, link, found, in.session.console)
	if err != nil {
		diags.Append(cannot("make the launch link of", onCustomer(link.Hub, link.CustomerID), "", err))
		return
	}
	if m.Role.IsNull() || !fullyKnown(m.Role) || !fullyKnown(m.OptionalPermissions) || m.declared(ctx, diags).DiffersFrom(found) != "" {
		m.flattenDeclaration(ctx, found, diags)
	}
	m.ID = types.StringValue(link.ID())
	m.Hub = types.StringValue(link.Hub)
	m.CustomerID = types.StringValue(link.CustomerID)
	m.flattenScope(ctx, link, diags)
	m.ExternalID = types.StringValue(link.ExternalID.String())
	m.TemplateVersion = types.StringValue(link.TemplateVersion)
	m.Status = types.StringValue(string(link.Status(in.session.now())))
}

func (m *linkModel) flattenDeclaration(ctx context.Context, d declaration.Declaration, diags *diag.Diagnostics) {
	m.StackName = types.StringValue(d.StackName)
	m.Region = types.StringValue(d.Region)
	m.ExpiresAt = optional(d.ExpiresAt)
	m.TrustedPrincipalARNs = nullableSet(ctx, d.TrustedPrincipals, diags)
	m.OptionalPermissions = flattenOptional(ctx, d.OptionalPermissions, diags)
	role := roleSpecModel{
		Name:                   types.StringValue(d.Role.Name),
		Path:                   types.StringValue(d.Role.Path),
		Description:            optional(d.Role.Description),
		ManagedPolicyARNs:      nullableSet(ctx, d.Role.ManagedPolicyARNs, diags),
		InlinePolicies:         nullableMap(ctx, d.Role.InlinePolicies, diags),
		PermissionsBoundaryARN: optional(d.Role.PermissionsBoundaryARN),
		MaxSessionDuration:     types.Int64Value(d.Role.MaxSessionDuration),
		Tags:                   nullableMap(ctx, d.Role.Tags, diags),
	}
	m.setRole(ctx, role, diags)
}

func (m *linkModel) setRole(ctx context.Context, role roleSpecModel, diags *diag.Diagnostics) {
	object, d := types.ObjectValueFrom(ctx, roleSpecTypes(), role)
	diags.Append(d...)
	m.Role = object
}

func nullableSet(ctx context.Context, values []string, diags *diag.Diagnostics) types.Set {
	if values == nil {
		return types.SetNull(types.StringType)
	}
	return stringSet(ctx, values, diags)
}

func nullableMap(ctx context.Context, values map[string]string, diags *diag.Diagnostics) types.Map {
	if values == nil {
		return types.MapNull(types.StringType)
	}
	return stringMap(ctx, values, diags)
}
