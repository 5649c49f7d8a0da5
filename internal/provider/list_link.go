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
	_ list.ListResource              = (*linkList)(nil)
	_ list.ListResourceWithConfigure = (*linkList)(nil)
)

// linkList lists the onboarding links of a hub.
type linkList struct{ linkResource }

type linkListModel struct {
	Hub         types.String `tfsdk:"hub"`
	CustomerIDs types.List   `tfsdk:"customer_ids"`
	Status      types.String `tfsdk:"status"`
}

func newLinkList() list.ListResource { return &linkList{} }

func (l *linkList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The onboarding links of a hub that Terraform manages, in this state or in any other, sorted by `customer_id`. " +
			"Links of fleets are left out, because the fleet is the resource that they belong to; so are those of the onboarding API and the `xacct` command, and closed links.",
		Attributes: map[string]schema.Attribute{
			"hub":          hubOfList(),
			"customer_ids": customersAttribute(),
			"status": schema.StringAttribute{
				Optional: true, MarkdownDescription: "Only links of this status: `open` or `expired`.",
				Validators: []validator.String{stringvalidator.OneOf(string(onboarding.LinkOpen), string(onboarding.LinkExpired))},
			},
		},
	}
}

func (l *linkList) List(ctx context.Context, req list.ListRequest, resp *list.ListResultsStream) {
	var config linkListModel
	view := l.openList(ctx, req, resp, &config, &config.Hub)
	if view == nil {
		return
	}
	all := walked{
		view: view, what: "links", ids: config.CustomerIDs, some: true,
		wanted: func(c onboarding.Customer) bool {
			return !c.Link.Closed && c.Link.Fleet == "" && c.Link.Owner == onboarding.OwnerTerraform &&
				(config.Status.IsNull() || config.Status.ValueString() == string(c.Link.Status(view.Now())))
		},
		result: func(c onboarding.Customer) list.ListResult {
			result := req.NewListResult(ctx)
			result.DisplayName = c.Link.CustomerID
			model := linkModel{Hub: types.StringValue(view.Name), CustomerID: types.StringValue(c.Link.CustomerID)}
			result.Diagnostics = model.identify(ctx, result.Identity)
			return fill(req, result, func(diags *diag.Diagnostics) {
				l.show(ctx, view, &model, c, diags)
				model.Incarnation = optional(c.Link.Incarnation.ID)
				diags.Append(result.Resource.Set(ctx, model)...)
			})
		},
	}
	all.stream(ctx, req, resp)
}
