// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	_ datasource.DataSource              = (*roleDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*roleDataSource)(nil)
)

// roleDataSource reads one customer's role.
type roleDataSource struct{ configured }

type roleDataModel struct {
	Hub        types.String `tfsdk:"hub"`
	CustomerID types.String `tfsdk:"customer_id"`

	registrationModel
}

func newRoleDataSource() datasource.DataSource { return &roleDataSource{} }

func (d *roleDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_customer_role"
}

func (d *roleDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := asData(registrationAttributes())
	attributes["hub"] = schema.StringAttribute{Required: true, Validators: []validator.String{validHubName()}, MarkdownDescription: "Name of the hub."}
	attributes["customer_id"] = schema.StringAttribute{
		Required: true, Validators: []validator.String{validCustomerID()}, MarkdownDescription: "The vendor's name for the customer.",
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "One customer's role. A customer for whom the hub has no link is an error; one who has not launched yet is `pending`.",
		Attributes:          attributes,
	}
}

func (d *roleDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.take(req.ProviderData, &resp.Diagnostics)
}

func (d *roleDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model roleDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	view := d.view(model.Hub.ValueString(), &resp.Diagnostics)
	if view == nil {
		return
	}
	found, err := view.Customer(ctx, model.CustomerID.ValueString())
	switch {
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noSuchHub(view))
	case errors.Is(err, registry.ErrNoLink):
		resp.Diagnostics.Append(noSuchCustomer(view.Name, model.CustomerID.ValueString()))
	case err != nil:
		resp.Diagnostics.Append(cannot("read", customerNamed(view.Name, model.CustomerID.ValueString()), "", err))
	}
	if err != nil {
		return
	}
	model.flatten(ctx, view, found, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}
