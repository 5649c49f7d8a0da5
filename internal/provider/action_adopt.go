// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

var _ action.ActionWithConfigure = (*adoptAction)(nil)

// adoptAction registers a role that exists already, as xacct adopt does.
type adoptAction struct{ actionBase }

type adoptModel struct {
	Hub        types.String `tfsdk:"hub"`
	CustomerID types.String `tfsdk:"customer_id"`
	RoleARN    types.String `tfsdk:"role_arn"`
	Release    types.Bool   `tfsdk:"release"`
}

func newAdoptAction() action.Action { return &adoptAction{} }

func (a *adoptAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_adopt_role"
}

func (a *adoptAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Registers a role that a customer has already, without a stack, as `xacct adopt` does. The customer needs a link first, with `external_id` set to the one that the role requires. " +
			"The role goes through the same proof as any other: it must be assumable with the external ID, and refused without it and with a wrong one. It is then `active`, with no stack. " +
			"If the customer launches the link later, the stack's role replaces this one. Adopting the same role again proves it again.",
		Attributes: map[string]schema.Attribute{
			"hub":         hubOfAction(),
			"customer_id": customerOfAction(),
			"role_arn": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validRoleARN()},
				MarkdownDescription: "ARN of the role; default the one that the link's stack would create.",
			},
			"release": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether the adopted role is released instead: the customer is then `disconnected`. Default `false`. Destroying the link releases it, too.",
			},
		},
	}
}

func (a *adoptAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var config adoptModel
	view, record, ok := a.openAction(ctx, req, resp, &config, &config.Hub)
	if !ok {
		return
	}
	customer := config.CustomerID.ValueString()
	var role account.RoleARN
	if text := config.RoleARN.ValueString(); text != "" {
		var err error
		if role, err = account.ParseRoleARN(text); err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("role_arn"), "Invalid role ARN", sentence(err.Error()))
			return
		}
	}
	adoption := customers.Adoption{
		Registry: view.Registry, Prover: registrar.NewProver(view.Clients(), record), Partition: view.Clients().Partition(), Clock: view.Now,
	}
	do, change, done := "adopt the role of", adoption.Adopt, "Role %s of customer %s is proven and registered."
	if config.Release.ValueBool() {
		do, change, done = "release the role of", adoption.Release, "Role %s of customer %s is released."
	}
	reg, err := change(ctx, customer, role)
	var unproven *customers.NotAdoptableError
	switch {
	case errors.As(err, &unproven):
		resp.Diagnostics.AddError("Could not adopt the role of "+customerNamed(view.Name, customer), sentence(err.Error()))
	case errors.Is(err, customers.ErrNoAccount):
		resp.Diagnostics.AddAttributeError(path.Root("role_arn"), fmt.Sprintf("No role named for %s", customerNamed(view.Name, customer)),
			"The customer's link names no account, so there is no default: set role_arn.")
	case errors.Is(err, customers.ErrNotAdopted):
		resp.Diagnostics.AddError(fmt.Sprintf("No adopted role of %s", customerNamed(view.Name, customer)),
			"Only a role that was adopted can be released. A role that a stack created goes with the stack: ask the customer to delete it.")
	case err != nil:
		resp.Diagnostics.Append(cannotChange(do, view, customer, err))
	default:
		view.Forget()
		progress(resp, done, reg.Role, customer)
		sendEvents(ctx, view, record, resp)
	}
}
