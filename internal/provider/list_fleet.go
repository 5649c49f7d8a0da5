// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

var (
	_ list.ListResource              = (*fleetList)(nil)
	_ list.ListResourceWithConfigure = (*fleetList)(nil)
)

// fleetList lists the fleets of a hub.
type fleetList struct{ fleetResource }

type fleetListModel struct {
	Hub types.String `tfsdk:"hub"`
}

func newFleetList() list.ListResource { return &fleetList{} }

func (l *fleetList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The fleets of a hub, in this Terraform state or in any other, sorted by name. Closed fleets are left out.",
		Attributes:          map[string]schema.Attribute{"hub": hubOfList()},
	}
}

func (l *fleetList) List(ctx context.Context, req list.ListRequest, resp *list.ListResultsStream) {
	var config fleetListModel
	view := l.openList(ctx, req, resp, &config, &config.Hub)
	if view == nil {
		return
	}
	read := func() ([]onboarding.Fleet, error) {
		if _, err := view.Record(ctx); err != nil {
			return nil, err
		}
		all, err := view.Registry.Fleets(ctx)
		return slices.DeleteFunc(all, onboarding.Fleet.Closed), err
	}
	streamEach(req, resp, view, "fleets", read, func(fleet onboarding.Fleet) list.ListResult {
		result := req.NewListResult(ctx)
		result.DisplayName = fleet.Name
		model := fleetModel{Hub: types.StringValue(view.Name), Name: types.StringValue(fleet.Name)}
		result.Diagnostics = model.identify(ctx, result.Identity)
		return fill(req, result, func(diags *diag.Diagnostics) {
			model.flatten(ctx, view, fleet, diags)
			model.Incarnation = optional(fleet.Incarnation.ID)
			diags.Append(result.Resource.Set(ctx, model)...)
		})
	})
}
