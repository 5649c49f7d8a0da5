// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Actions do from Terraform (1.14 or later) what the operator of a hub does with the
// xacct command, with the same code. Terraform runs an action on its own (apply
// -invoke), or after it created or updated a resource. It shows no warnings of an
// action that succeeds, so an action reports its result as progress.

// actionBase is embedded by every action.
type actionBase struct{ configured }

// Configure takes the session from the provider.
func (a *actionBase) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.take(req.ProviderData, &resp.Diagnostics)
}

func hubOfAction() schema.StringAttribute {
	return schema.StringAttribute{Required: true, Validators: []validator.String{validHubName()}, MarkdownDescription: "Name of the hub."}
}

func customerOfAction() schema.StringAttribute {
	return schema.StringAttribute{Required: true, Validators: []validator.String{validCustomerID()}, MarkdownDescription: "The vendor's name for the customer."}
}

// openAction reads the arguments of an action into config, and returns the hub that
// they name, with its record; false with a diagnostic if it fails.
func (a *actionBase) openAction(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse, config any, hub *types.String) (*hubview.View, registry.HubRecord, bool) {
	resp.Diagnostics.Append(req.Config.Get(ctx, config)...)
	if resp.Diagnostics.HasError() {
		return nil, registry.HubRecord{}, false
	}
	view := a.view(hub.ValueString(), &resp.Diagnostics)
	if view == nil {
		return nil, registry.HubRecord{}, false
	}
	record, err := view.Record(ctx)
	switch {
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noSuchHub(view))
	case err != nil:
		resp.Diagnostics.Append(cannot("read", hubNamed(view.Name), "", err))
	}
	return view, record, err == nil
}

// progress shows a line while an action runs.
func progress(resp *action.InvokeResponse, format string, args ...any) {
	resp.SendProgress(action.InvokeProgressEvent{Message: fmt.Sprintf(format, args...)})
}

// cannotChange returns the diagnostic for an action that failed to change something of
// a customer.
func cannotChange(do string, view *hubview.View, customer string, err error) diag.Diagnostic {
	if errors.Is(err, registry.ErrNoLink) {
		return noSuchCustomer(view.Name, customer)
	}
	return cannot(do, customerNamed(view.Name, customer), "", err)
}

// sendEvents sends the hub's waiting events, including those that the action has caused,
// because no registrar may be running. If some can't be sent, it warns in the
// progress.
func sendEvents(ctx context.Context, view *hubview.View, record registry.HubRecord, resp *action.InvokeResponse) {
	if record.EventBus.IsZero() {
		return
	}
	if err := registrar.NewPublisher(view.Clients(), view.Registry, view.Now, nil).Sweep(ctx, 0); err != nil {
		progress(resp, "Events wait for the next registrar: %s", oneLine(err.Error()))
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
