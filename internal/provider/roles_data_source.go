// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	_ datasource.DataSource              = (*rolesDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*rolesDataSource)(nil)
)

// rolesDataSource reads the roles of a hub's customers.
type rolesDataSource struct{ configured }

type rolesDataModel struct {
	Hub         types.String `tfsdk:"hub"`
	Status      types.String `tfsdk:"status"`
	CustomerIDs types.Set    `tfsdk:"customer_ids"`
	Outdated    types.Bool   `tfsdk:"outdated"`
	Limit       types.Int64  `tfsdk:"limit"`
	After       types.String `tfsdk:"after"`
	Truncated   types.Bool   `tfsdk:"truncated"`
	Roles       types.List   `tfsdk:"roles"`
	RoleARNs    types.Map    `tfsdk:"role_arns"`
	Additional  types.Map    `tfsdk:"additional_role_arns"`
}

// listedRole is one element of the attribute roles.
type listedRole struct {
	CustomerID types.String `tfsdk:"customer_id"`

	registrationModel
}

func newRolesDataSource() datasource.DataSource { return &rolesDataSource{} }

func (d *rolesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_customer_roles"
}

func (d *rolesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	listed := asData(registrationAttributes())
	listed["customer_id"] = schema.StringAttribute{Computed: true, MarkdownDescription: "The vendor's name for the customer."}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The roles of a hub's customers, those of other Terraform states included: of all whose link is open, and of all who have a live stack.",
		Attributes: map[string]schema.Attribute{
			"hub": schema.StringAttribute{Required: true, Validators: []validator.String{validHubName()}, MarkdownDescription: "Name of the hub."},
			"status": schema.StringAttribute{
				Optional: true, MarkdownDescription: "Only roles of this status: `pending`, `active`, `degraded` or `disconnected`.",
				Validators: []validator.String{stringvalidator.OneOf(string(onboarding.Pending), string(onboarding.Active), string(onboarding.Degraded), string(onboarding.Disconnected))},
			},
			"customer_ids": schema.SetAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Only these customers; no others are read.",
				Validators: []validator.Set{setvalidator.ValueStringsAre(validCustomerID())},
			},
			"outdated": schema.BoolAttribute{Optional: true, MarkdownDescription: "Only roles that are, or are not, outdated."},
			"limit": schema.Int64Attribute{
				Optional: true, MarkdownDescription: "Maximum number of roles, the first by `customer_id`. Not many more customers are read.",
				Validators: []validator.Int64{int64validator.AtLeast(1)},
			},
			"after": schema.StringAttribute{
				Optional: true, MarkdownDescription: "Only customers whose ID sorts after this one: the last one of the previous page.",
				Validators: []validator.String{validCustomerID()},
			},
			"truncated": schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether there are more roles than `limit`."},
			"roles": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The roles, sorted by `customer_id`.",
				NestedObject: schema.NestedAttributeObject{Attributes: listed},
			},
			"role_arns": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "ARNs by customer, of proven roles (`active`) only: every one of them can be assumed. Those of an organization have the key `customer_id/account_id`.",
			},
			"additional_role_arns": schema.MapAttribute{
				Computed: true, ElementType: types.MapType{ElemType: types.StringType},
				MarkdownDescription: "ARNs of additional roles by their keys, by customer as in `role_arns`: of customers who have any, and all of whose roles are proven.",
			},
		},
	}
}

func (d *rolesDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.take(req.ProviderData, &resp.Diagnostics)
}

func (d *rolesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model rolesDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	view := d.view(model.Hub.ValueString(), &resp.Diagnostics)
	if view == nil {
		return
	}
	roles, arns, additional := []listedRole{}, map[string]string{}, map[string]map[string]string{}
	ids, only := model.filter(ctx, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	limit := int(model.Limit.ValueInt64())
	model.Truncated = types.BoolValue(false)
	for customer, err := range view.Walk(ctx, ids, model.part()) {
		if errors.Is(err, registry.ErrNoHub) {
			resp.Diagnostics.Append(noSuchHub(view))
			return
		}
		if err != nil {
			resp.Diagnostics.Append(cannot("read the customers of", hubNamed(view.Name), "", err))
			return
		}
		role := listedRole{CustomerID: types.StringValue(customer.Link.CustomerID)}
		role.flatten(ctx, view, customer, &resp.Diagnostics)
		if customer.Link.Closed && len(customer.Live()) == 0 || !only(role) {
			continue
		}
		if limit > 0 && len(roles) == limit {
			model.Truncated = types.BoolValue(true)
			break
		}
		roles = append(roles, role)
		for name, r := range provenRoles(customer) {
			arns[name] = r.Role.String()
			if len(r.AdditionalRoles) > 0 {
				additional[name] = r.AdditionalRoleARNs()
			}
		}
	}
	list, diags := types.ListValueFrom(ctx, model.Roles.ElementType(ctx), roles)
	resp.Diagnostics.Append(diags...)
	model.Roles, model.RoleARNs = list, stringMap(ctx, arns, &resp.Diagnostics)
	model.Additional, diags = types.MapValueFrom(ctx, types.MapType{ElemType: types.StringType}, additional)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// filter returns the customers that the arguments name, nil if they name none, and a
// function that reports whether a role matches the other arguments.
func (m rolesDataModel) filter(ctx context.Context, diags *diag.Diagnostics) (ids []string, only func(listedRole) bool) {
	if !m.CustomerIDs.IsNull() {
		ids = []string{}
		diags.Append(m.CustomerIDs.ElementsAs(ctx, &ids, false)...)
	}
	return ids, func(r listedRole) bool {
		return (m.Status.IsNull() || m.Status.Equal(r.Status)) && (m.Outdated.IsNull() || m.Outdated.Equal(r.Outdated))
	}
}

// part returns the part of the hub's customers to read. If only some of their roles
// match, the pages are larger, so that few reads are needed.
func (m rolesDataModel) part() registry.Part {
	part := registry.Part{After: m.After.ValueString()}
	if limit := int(m.Limit.ValueInt64()); limit > 0 {
		part.Limit = limit + 1 // one more shows whether there are more
		if !m.Status.IsNull() || !m.Outdated.IsNull() {
			part.Limit = max(part.Limit, minFilteredPage)
		}
	}
	return part
}

// minFilteredPage is the minimum number of customers in one read if the result contains
// only some of them.
const minFilteredPage = 1000
