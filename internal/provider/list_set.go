// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	_ list.ListResource              = (*setList)(nil)
	_ list.ListResourceWithConfigure = (*setList)(nil)
)

// setList lists the permission sets of a hub.
type setList struct{ setResource }

type setListModel struct {
	Hub types.String `tfsdk:"hub"`
}

func newSetList() list.ListResource { return &setList{} }

func (l *setList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The permission sets of a hub that Terraform manages, in this state or in any other, sorted by name. " +
			"Those of the onboarding API and the `xacct` command are left out, and so are retired ones.",
		Attributes: map[string]schema.Attribute{"hub": hubOfList()},
	}
}

func (l *setList) List(ctx context.Context, req list.ListRequest, resp *list.ListResultsStream) {
	var config setListModel
	view := l.openList(ctx, req, resp, &config, &config.Hub)
	if view == nil {
		return
	}
	var record registry.HubRecord
	read := func() (all []onboarding.PermissionSet, err error) {
		if record, err = view.Record(ctx); err != nil {
			return nil, err
		}
		all, err = view.Registry.PermissionSets(ctx) // sorted by their keys
		return slices.DeleteFunc(all, func(set onboarding.PermissionSet) bool {
			return set.Retired() || set.Owner != onboarding.OwnerTerraform
		}), err
	}
	streamEach(req, resp, view, "permission sets", read, func(set onboarding.PermissionSet) list.ListResult {
		result := req.NewListResult(ctx)
		result.DisplayName = set.Name
		model := setModel{map[string]attr.Value{"hub": types.StringValue(view.Name), "name": types.StringValue(set.Name)}}
		result.Diagnostics = model.identify(ctx, result.Identity)
		return fill(req, result, func(diags *diag.Diagnostics) {
			model.flattenDeclared(ctx, permissionset.Set{}, diags) // known values, which flatten compares with the record
			model.flatten(ctx, record, set, diags)
			diags.Append(result.Resource.Set(ctx, model.object(diags))...)
		})
	})
}
