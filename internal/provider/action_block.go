// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

var (
	_ action.ActionWithConfigure = (*blockAction)(nil)
	_ action.ActionWithConfigure = (*unblockAction)(nil)
)

// blockAction refuses a customer's requests, as xacct block does.
type blockAction struct{ actionBase }

type blockModel struct {
	Hub        types.String `tfsdk:"hub"`
	CustomerID types.String `tfsdk:"customer_id"`
	Reason     types.String `tfsdk:"reason"`
}

func newBlockAction() action.Action { return &blockAction{} }

func (a *blockAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_block_customer"
}

func (a *blockAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Refuses a customer's requests from the next message on, as `xacct block` does: a Create fails at once, an Update is rolled back, and a Delete succeeds as always. " +
			"Live stacks are not affected, the role stays registered, and its trusted principals can still assume it. The block stays through every change of the link, until `xacct_unblock_customer` or `xacct unblock` ends it. " +
			"Blocking again changes the reason.",
		Attributes: map[string]schema.Attribute{
			"hub":         hubOfAction(),
			"customer_id": customerOfAction(),
			"reason": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.UTF8LengthAtMost(onboarding.MaxBlockReason)},
				MarkdownDescription: "The reason, for the operators of the hub, at most 500 characters. Customers never read it.",
			},
		},
	}
}

func (a *blockAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var config blockModel
	view, _, ok := a.openAction(ctx, req, resp, &config, &config.Hub)
	if !ok {
		return
	}
	link, changed, err := customers.Edit(ctx, view.Registry, config.CustomerID.ValueString(), func(l *onboarding.Link) bool {
		return l.Block(oneLine(config.Reason.ValueString()), view.Now())
	})
	switch {
	case err != nil:
		resp.Diagnostics.Append(cannotChange("block", view, config.CustomerID.ValueString(), err))
	case changed:
		view.WroteLink(link)
		progress(resp, "Customer %s is blocked, from the next message on.", link.CustomerID)
	default:
		progress(resp, "Customer %s was blocked already.", link.CustomerID)
	}
}

// unblockAction ends a block, as xacct unblock does.
type unblockAction struct{ actionBase }

type unblockModel struct {
	Hub        types.String `tfsdk:"hub"`
	CustomerID types.String `tfsdk:"customer_id"`
}

func newUnblockAction() action.Action { return &unblockAction{} }

func (a *unblockAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_unblock_customer"
}

func (a *unblockAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Ends the block of a customer, as `xacct unblock` does. Requests that were refused meanwhile stay refused: the customer has to create or update the stack again.",
		Attributes:          map[string]schema.Attribute{"hub": hubOfAction(), "customer_id": customerOfAction()},
	}
}

func (a *unblockAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var config unblockModel
	view, _, ok := a.openAction(ctx, req, resp, &config, &config.Hub)
	if !ok {
		return
	}
	link, changed, err := customers.Edit(ctx, view.Registry, config.CustomerID.ValueString(), (*onboarding.Link).Unblock)
	switch {
	case err != nil:
		resp.Diagnostics.Append(cannotChange("unblock", view, config.CustomerID.ValueString(), err))
	case changed:
		view.WroteLink(link)
		progress(resp, "Customer %s is no longer blocked.", link.CustomerID)
	default:
		progress(resp, "Customer %s was not blocked.", link.CustomerID)
	}
}
