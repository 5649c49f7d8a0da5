// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// ModifyPlan shows the ARN that the role will have, and warns if no registrar
// would answer the customer.
func (r *roleResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || !r.session.ready() {
		return
	}
	p, ok := r.newPlan(ctx, req, &resp.Diagnostics)
	if !ok {
		return
	}
	if err := p.foresee(ctx); err != nil {
		resp.Diagnostics.Append(cannot("plan the role of", customerNamed(p.view.Name, p.customerID), "", err))
		return
	}
	p.keepState()
	p.followLink()
	p.leaveAccountOpen()
	p.followChanges(ctx)
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &p.plan)...)
	p.warnWithoutRegistrar(ctx)
}

// rolePlan is one role's plan in the making.
type rolePlan struct {
	view       *hubview.View
	customerID string
	plan       roleModel
	state      *roleModel // nil: a new role
	diags      *diag.Diagnostics

	// customer is what is known of the customer as they will be when the role is
	// applied; nil: nothing, or nothing new.
	customer *onboarding.Customer
}

// newPlan reads what is to be planned; false if nothing can be: the link isn't
// known yet, or it was said what is wrong.
func (r *roleResource) newPlan(ctx context.Context, req resource.ModifyPlanRequest, diags *diag.Diagnostics) (*rolePlan, bool) {
	p := &rolePlan{diags: diags}
	diags.Append(req.Plan.Get(ctx, &p.plan)...)
	if p.plan.Link.IsUnknown() || diags.HasError() {
		return nil, false
	}
	if !req.State.Raw.IsNull() {
		p.state = &roleModel{}
		diags.Append(req.State.Get(ctx, p.state)...)
		if !p.state.Link.Equal(p.plan.Link) {
			p.state = nil // another link is another role
		}
	}
	p.view, p.customerID = r.open(p.plan.Link, diags)
	return p, p.view != nil
}

// foresee finds the customer as they will be when the role is applied: with the
// link as it is planned in this process, otherwise as the registry has it. For
// a role that exists, only a planned link is news.
func (p *rolePlan) foresee(ctx context.Context) error {
	planned, ok := p.view.Planned.Link(p.customerID)
	switch {
	case ok && !planned.Known, !ok && p.state != nil, p.view.Planned.HubIsNew():
		return nil
	}
	found, err := p.view.Find(ctx, p.customerID)
	if errors.Is(err, registry.ErrNoHub) {
		return nil
	}
	if err != nil {
		return err
	}
	if ok {
		if found == nil {
			found = &onboarding.Customer{}
		}
		found.Link = planned.Link
	}
	p.customer = found
	return nil
}

// keepState leaves a role that exists as it is, and says nothing yet of a new one.
func (p *rolePlan) keepState() {
	if p.state != nil {
		p.plan.RoleARN, p.plan.AccountID, p.plan.ExternalID = p.state.RoleARN, p.state.AccountID, p.state.ExternalID
		return
	}
	p.plan.setUnknown()
	p.plan.RoleARN, p.plan.AccountID, p.plan.ExternalID = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
}

// followLink takes over what the link says of the role, and refuses to wait for
// more accounts than the link is for.
func (p *rolePlan) followLink() {
	if p.customer == nil {
		return
	}
	p.plan.flattenIdentity(*p.customer, p.view.Clients().Partition())
	p.plan.refuseMinimum(*p.customer, p.diags)
}

// leaveAccountOpen is for a link that is for no account yet: the first account
// that registers before apply is the one.
func (p *rolePlan) leaveAccountOpen() {
	if p.plan.AccountID.IsNull() && p.plan.Status.IsUnknown() {
		p.plan.RoleARN, p.plan.AccountID = types.StringUnknown(), types.StringUnknown()
	}
}

// followChanges plans an update of a role that exists if its link changes in
// this very plan.
func (p *rolePlan) followChanges(ctx context.Context) {
	if p.state != nil && (!p.plan.sameIdentity(p.state.registrationModel) || p.updateDiffers(ctx) || p.confirmationDiffers()) {
		p.plan.setUnknown()
	}
}

// updateDiffers reports whether the link as planned asks for another update of
// the customer's stack than the state says.
func (p *rolePlan) updateDiffers(ctx context.Context) bool {
	return p.customer != nil && (outdated(*p.customer) != p.state.Outdated.ValueBool() ||
		!updateURL(ctx, p.view, *p.customer, p.diags).Equal(p.state.UpdateURL))
}

// confirmationDiffers reports whether the link as planned names its account and
// did not before, or the other way round.
func (p *rolePlan) confirmationDiffers() bool {
	return p.customer != nil && confirmed(p.customer.Link) != p.state.AccountConfirmed.ValueBool()
}

// warnWithoutRegistrar warns if neither this apply nor a registrar will answer
// the customer of a new role.
func (p *rolePlan) warnWithoutRegistrar(ctx context.Context) {
	waits := p.plan.Wait.IsUnknown() || p.plan.Wait.ValueBool()
	if p.state == nil && !waits && p.customer != nil && !p.view.RegistrarAlive(ctx) {
		p.diags.Append(noRegistrar(path.Root("wait"), p.view.Name))
	}
}
