// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// desired returns the link that the model declares. Everything that the model declares
// must be known.
func (m linkModel) desired(ctx context.Context, record registry.HubRecord, creating bool, diags *diag.Diagnostics) customers.Desired {
	d := customers.Desired{
		Record:      record,
		CustomerID:  m.CustomerID.ValueString(),
		Owner:       onboarding.OwnerTerraform,
		Version:     m.version(),
		Declaration: m.declared(ctx, diags),
		Creating:    creating,
	}
	if text := m.ExternalID.ValueString(); text != "" {
		var err error
		if d.ExternalID, err = account.ParseExternalID(text); err != nil {
			diags.AddAttributeError(path.Root("external_id"), "Invalid external ID", sentence(err.Error()))
		}
	}
	d.Scope = m.expandScope(ctx, record, diags)
	return d
}

// refused returns the core's reasons for not issuing a link, each on its attribute.
func refused(hubName, customer string, err error) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, reason := range customers.Reasons(err) {
		var (
			field   permissionset.FieldError
			refusal *customers.Refusal
			differs *customers.DiffersError
			owned   *customers.OwnedError
			inFleet *customers.InFleetError
			render  *customers.RenderError
		)
		switch {
		case errors.As(reason, &field):
			diags.Append(fieldErrors([]permissionset.FieldError{field})...)
		case errors.As(reason, &refusal) && refusal.Field == "":
			diags.AddError(refusal.Summary, refusal.Detail)
		case errors.As(reason, &refusal):
			diags.AddAttributeError(path.Root(refusal.Field), refusal.Summary, refusal.Detail)
		case errors.As(reason, &inFleet):
			diags.Append(inAnotherFleet(path.Root("customer_id"), inFleet))
		case errors.As(reason, &differs):
			diags.Append(linkDiffers(hubName, customer, differs.Field))
		case errors.As(reason, &owned):
			diags.Append(linkOwned(owned))
		case errors.As(reason, &render):
			diags.Append(cannot("render the template of", customerNamed(hubName, customer), "", render.Err))
		default:
			diags.Append(cannot("issue the link of", customerNamed(hubName, customer), "", reason))
		}
	}
	return diags
}
