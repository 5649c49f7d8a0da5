// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// ModifyPlan shows what is known of the role before it is applied, so that later
// changes can plan what refers to it, and warns if no registrar is running that would
// answer the customer.
func (r *roleResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	defer r.session.plans()()
	if req.Plan.Raw.IsNull() || !r.session.ready() {
		return
	}
	p, ok := r.newPlan(ctx, req, &resp.Diagnostics)
	if !ok {
		return
	}
	before := p.plan
	if err := p.find(ctx); err != nil {
		resp.Diagnostics.Append(cannot("plan the role of", customerNamed(p.view.Name, p.customerID), "", err))
		return
	}
	if p.customer != nil {
		p.plan.refuseMinimum(*p.customer, p.diags)
	}
	if p.state == nil {
		p.planNew(ctx)
	} else {
		p.planChange(ctx)
	}
	if !sameModel(before, p.plan) {
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &p.plan)...)
	}
	explainToDestroy(!req.State.Raw.IsNull(), &resp.Diagnostics)
}

// rolePlan is the plan of one role while ModifyPlan makes it.
type rolePlan struct {
	view       *hubview.View
	customerID string
	plan       roleModel
	state      *roleModel // nil: a new role
	diags      *diag.Diagnostics

	// customer is the customer in the registry, with the link as planned; nil if
	// nothing is known, or if link and hub do not change.
	customer *onboarding.Customer
	// linkUnknown is set if the link changes, and this plan doesn't know how.
	linkUnknown bool
}

// newPlan reads what is to be planned; false if the link isn't known yet, or with a
// diagnostic if the read fails.
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
			p.state = nil // another link means another role
		}
	}
	p.view, p.customerID = r.open(p.plan.Link, diags)
	return p, p.view != nil
}

// find reads the customer. For a role that exists it does so only if this plan changes
// the link.
func (p *rolePlan) find(ctx context.Context) error {
	planned, changes := p.view.Planned.Link(p.customerID)
	p.linkUnknown = changes && !planned.Known || p.view.Planned.HubIsNew()
	if p.linkUnknown || !changes && p.state != nil && !p.view.Fleets.AnyUnknown() {
		return nil
	}
	found, err := p.view.Find(ctx, p.customerID)
	if errors.Is(err, registry.ErrNoHub) {
		return nil
	}
	if err != nil {
		return err
	}
	if !changes {
		if p.followSet(found); p.linkUnknown || p.state != nil {
			return nil
		}
	}
	if changes {
		if found == nil {
			found = &onboarding.Customer{}
		}
		found.Link = planned.Link
	}
	p.customer = found
	return nil
}

// followSet completes a customer whose link has no plan of its own: its permission set
// or its fleet may change it nevertheless.
func (p *rolePlan) followSet(found *onboarding.Customer) {
	p.linkUnknown = p.view.Fleets.LinkUnknown(found)
	if found == nil || p.linkUnknown {
		return
	}
	link, known := p.view.Sets.Follow(found.Link)
	found.Link, p.linkUnknown = link, !known
}

// planNew plans a role that will be created. Its ARN, account and status are known,
// unless the apply waits for the role: other resources may select roles by status.
// Other values that a stack reports are unknown, because the customer may act while
// the apply runs.
func (p *rolePlan) planNew(ctx context.Context) {
	p.plan.registrationModel = unknownRegistration()
	waits := p.plan.Wait.IsUnknown() || p.plan.Wait.ValueBool()
	if p.customer == nil {
		p.warnOfNoLink()
		return
	}
	arrived := p.plan.arrived()(*p.customer)
	if p.plan.flattenIdentity(*p.customer, p.view.Clients().Partition()); !waits || arrived {
		p.plan.Status = statusOf(*p.customer)
		p.plan.AccountConfirmed = types.BoolValue(confirmed(p.customer.Link))
	} else if p.plan.AccountID.IsNull() {
		p.plan.RoleARN, p.plan.AccountID = types.StringUnknown(), types.StringUnknown() // of the first account that registers
	}
	if p.plan.RoleARN.IsNull() && p.customer.Link.ChoosesPath() {
		p.plan.RoleARN = types.StringUnknown()
	}
	if !waits && !p.view.RegistrarAlive(ctx) {
		p.diags.Append(noRegistrar(path.Root("wait"), p.view.Name))
	}
	if waits && !arrived && p.view.Planned.CountWaiting(p.customerID) == parallelism+1 {
		p.diags.Append(manyWait())
	}
}

// warnOfNoLink warns that the role's link doesn't exist, unless this plan creates it.
// Otherwise the missing link would be reported only when the apply fails.
func (p *rolePlan) warnOfNoLink() {
	if p.linkUnknown {
		return
	}
	p.diags.AddAttributeWarning(path.Root("link"), fmt.Sprintf("No link for customer %s of hub %s yet", p.customerID, p.view.Name), fmt.Sprintf(
		"Nothing about this role is known in the plan, and the apply fails if the customer's link still does not exist then. "+
			"If this configuration creates the link, refer to it by its id, so that Terraform creates it first: link = xacct_onboarding_link.example.id. "+
			"Otherwise check %q, and the provider's region and credentials.", p.plan.Link.ValueString()))
}

// planChange plans a role that exists. It remains as it is in the state, except for
// the effects of a changed link and for values that the apply waits for.
func (p *rolePlan) planChange(ctx context.Context) {
	p.plan.registrationModel = p.state.registrationModel
	there := p.state.live() && p.plan.MinimumAccounts.ValueInt64() <= 1
	if p.plan.Wait.ValueBool() && !p.state.Wait.ValueBool() && !there {
		p.plan.registrationModel = unknownRegistration()
		p.plan.ExternalID = p.state.ExternalID
		if !p.state.AccountID.IsNull() {
			p.plan.RoleARN, p.plan.AccountID = p.state.RoleARN, p.state.AccountID
			if p.plan.RoleARN.IsNull() { // the customer chooses the role's path
				p.plan.RoleARN = types.StringUnknown()
			}
		}
	}
	if p.linkUnknown {
		p.followUnknownLink(ctx)
	} else if p.customer != nil {
		p.followLink(ctx)
	}
}

// followLink plans the effects of the planned link: if no stack is live, which role
// there will be; if one is, whether it will be outdated.
func (p *rolePlan) followLink(ctx context.Context) {
	link := p.customer.Link
	p.plan.AccountConfirmed = types.BoolValue(confirmed(link))
	if !p.state.live() {
		p.plan.flattenIdentity(onboarding.Customer{Link: link}, p.view.Clients().Partition())
		return
	}
	p.plan.followTemplate(ctx, p.view, link, p.diags)
}

// followUnknownLink plans the effects of the planned link if the link's own plan isn't
// complete.
func (p *rolePlan) followUnknownLink(ctx context.Context) {
	p.plan.AccountConfirmed = types.BoolUnknown()
	if p.state.live() {
		p.plan.setVersionUnknown(ctx, p.diags)
		return
	}
	p.plan.RoleARN, p.plan.AccountID, p.plan.ExternalID = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
}

// parallelism is how many resources Terraform applies at the same time by default.
const parallelism = 10

func manyWait() diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(path.Root("wait"), fmt.Sprintf("More than %d roles wait for their customers", parallelism), fmt.Sprintf(
		"Terraform works on %d resources at the same time, unless -parallelism is set, and a role that waits takes one of these places until its customer has launched. "+
			"Phone-homes of all customers are answered meanwhile, so no customer is refused, but the apply may wait for one customer after the other. "+
			"For many customers set wait = false and run 'xacct registrar': then an apply is short, and each refresh shows which customers have connected.", parallelism))
}
