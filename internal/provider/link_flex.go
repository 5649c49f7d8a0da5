// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// declared returns the model's declaration. Everything that the model declares must be
// known.
func (m linkModel) declared(ctx context.Context, diags *diag.Diagnostics) declaration.Declaration {
	d := declaration.Declaration{
		StackName: m.StackName.ValueString(),
		Region:    m.Region.ValueString(),
		ExpiresAt: m.ExpiresAt.ValueString(),
		Role:      expandRole(ctx, m.Role, diags),
		Trust:     m.trust(ctx, diags),
		Choices:   m.choices(ctx, diags),
		Additions: m.additions(ctx, diags),
	}
	return d
}

// flatten copies a link's record into the model. If the model declares the same
// already, it keeps its own spelling.
func (m *linkModel) flatten(ctx context.Context, view *hubview.View, link onboarding.Link, diags *diag.Diagnostics) {
	record, err := view.Record(ctx)
	if err != nil {
		diags.Append(cannot("read", customerNamed(link.Hub, link.CustomerID), "", err))
		return
	}
	found, err := declaration.Proposed(link)
	if err != nil {
		diags.Append(cannot("read", customerNamed(link.Hub, link.CustomerID), "The link's record in the registry is damaged: restore the table from a backup.", err))
		return
	}
	m.URL, m.TemplateURL, err = addresses(record, link, found, view.Console())
	if err != nil {
		diags.Append(cannot("make the launch link of", customerNamed(link.Hub, link.CustomerID), "", err))
		return
	}
	if link.Set != nil {
		m.flattenReference(ctx, link, found, diags)
	} else if m.Role.IsNull() || !fullyKnown(m.Role) || !m.choicesKnown() || m.declared(ctx, diags).DiffersFrom(found) != "" {
		m.flattenDeclaration(ctx, found, diags)
	}
	m.ID = types.StringValue(link.ID())
	m.Hub = types.StringValue(link.Hub)
	m.CustomerID = types.StringValue(link.CustomerID)
	m.flattenScope(ctx, link, diags)
	m.ExternalID = types.StringValue(link.ExternalID.String())
	m.flattenVersion(link)
	m.TemplateVersion = types.StringValue(link.TemplateVersion)
	m.Status = types.StringValue(string(link.Status(view.Now())))
}

func (m *linkModel) flattenDeclaration(ctx context.Context, d declaration.Declaration, diags *diag.Diagnostics) {
	m.PermissionSet = types.StringNull()
	m.StackName = types.StringValue(d.StackName)
	m.Region = types.StringValue(d.Region)
	m.ExpiresAt = optional(d.ExpiresAt)
	m.askedModel = flattenAsked(ctx, d.Set(), diags)
	m.Role = flattenRole(ctx, d.Role, diags)
}
