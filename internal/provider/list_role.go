// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

var (
	_ list.ListResource              = (*roleList)(nil)
	_ list.ListResourceWithConfigure = (*roleList)(nil)
)

// roleList lists the roles of a hub's customers.
type roleList struct{ roleResource }

type roleListModel struct {
	Hub         types.String `tfsdk:"hub"`
	CustomerIDs types.List   `tfsdk:"customer_ids"`
	Status      types.String `tfsdk:"status"`
	Outdated    types.Bool   `tfsdk:"outdated"`
}

func newRoleList() list.ListResource { return &roleList{} }

func (l *roleList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The roles of a hub's customers, sorted by `customer_id`: of all whose link is open, and of all who have a live stack, whichever tool of the vendor issued the link.",
		Attributes: map[string]schema.Attribute{
			"hub":          hubOfList(),
			"customer_ids": customersAttribute(),
			"status": schema.StringAttribute{
				Optional: true, MarkdownDescription: "Only roles of this status: `pending`, `active`, `degraded` or `disconnected`.",
				Validators: []validator.String{stringvalidator.OneOf(string(onboarding.Pending), string(onboarding.Active), string(onboarding.Degraded), string(onboarding.Disconnected))},
			},
			"outdated": schema.BoolAttribute{Optional: true, MarkdownDescription: "Only roles that are, or are not, outdated."},
		},
	}
}

func (l *roleList) List(ctx context.Context, req list.ListRequest, resp *list.ListResultsStream) {
	var config roleListModel
	view := l.openList(ctx, req, resp, &config, &config.Hub)
	if view == nil {
		return
	}
	all := walked{
		view: view, what: "roles", ids: config.CustomerIDs, some: !config.Status.IsNull() || !config.Outdated.IsNull(),
		wanted: func(c onboarding.Customer) bool {
			return (!c.Link.Closed || len(c.Live()) > 0) && (config.Status.IsNull() || config.Status.Equal(statusOf(c))) &&
				(config.Outdated.IsNull() || config.Outdated.ValueBool() == outdated(c))
		},
		result: func(c onboarding.Customer) list.ListResult {
			result := req.NewListResult(ctx)
			result.DisplayName = c.Link.CustomerID + " (" + statusOf(c).ValueString() + ")"
			result.Diagnostics = roleModel{Link: types.StringValue(c.Link.ID())}.identify(ctx, result.Identity)
			return fill(req, result, func(diags *diag.Diagnostics) {
				var model roleModel
				setImported(ctx, result.Resource, c.Link.ID(), diags)
				diags.Append(result.Resource.Get(ctx, &model)...)
				if diags.HasError() {
					return
				}
				model.flatten(ctx, view, c, diags)
				diags.Append(result.Resource.Set(ctx, model)...)
			})
		},
	}
	all.stream(ctx, req, resp)
}
