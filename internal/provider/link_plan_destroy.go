// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// planDestroy warns if a connected customer's link will be destroyed. It refuses
// nothing, because no stack depends on an open link.
func (r *linkResource) planDestroy(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state linkModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() || !r.session.ready() {
		return
	}
	customer := state.CustomerID.ValueString()
	view := r.view(state.Hub.ValueString(), &resp.Diagnostics)
	if view == nil {
		return
	}
	view.Planned.SetHeld(customer, state.Incarnation.ValueString())
	found, err := view.Find(ctx, customer)
	if err != nil || found == nil {
		return // the refresh has added this error already
	}
	if !found.Link.Closed && found.Link.HeldBy(state.Incarnation.ValueString()) {
		resp.Diagnostics.Append(warnOfClosing(*found)...)
	}
}

// warnOfClosing warns that a link with live stacks will be closed: it names the
// stacks, and what their owners will see. The summary is the same for all customers.
func warnOfClosing(c onboarding.Customer) diag.Diagnostics {
	var stacks []string
	for _, r := range c.Live() {
		if r.Adopted() {
			stacks = append(stacks, "role "+r.Role.String()+", which was adopted and is given up")
			continue
		}
		stacks = append(stacks, "stack "+r.Stack.String())
	}
	if len(stacks) == 0 {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The link of a connected customer closes", fmt.Sprintf(
		"Customer %s of hub %s has\n%s\n\n"+
			"The stacks and their roles stay as they are, can be assumed with the external ID, and phone home when their owner deletes or updates them. The link can no longer be launched: "+
			"the customer reads that it is closed. To end the access, ask the customer to delete the stack. "+
			"If this plan has the link of the same customer at another address, that one takes it over, and nothing is closed.",
		c.Link.CustomerID, c.Link.Hub, onboarding.SomeLines("  - ", stacks)))}
}
