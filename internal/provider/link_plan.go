// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/roleproof"
)

// ModifyPlan makes a link's plan as complete as it can be: where the hub is
// there, everything of the link is known before anything is created, because
// everything of it is deterministic. Where the hub definitely isn't there yet,
// the values stay unknown; any other reason for not knowing is an error.
func (r *linkResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return // destroying closes the link; no stack depends on its being open
	}
	p := linkPlan{resource: r, diags: &resp.Diagnostics, replace: func(at path.Path) { resp.RequiresReplace.Append(at) }}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &p.plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &p.config)...)
	if !req.State.Raw.IsNull() {
		p.state = &linkModel{}
		resp.Diagnostics.Append(req.State.Get(ctx, p.state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	p.defaults(ctx)
	p.roleAlone(ctx)
	if r.session.ready() {
		if p.reachable(ctx); !resp.Diagnostics.HasError() {
			p.onHub(ctx)
		}
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &p.plan)...)
}

// linkPlan is one link's plan in the making.
type linkPlan struct {
	resource     *linkResource
	plan, config linkModel
	state        *linkModel // nil: a new link
	diags        *diag.Diagnostics
	replace      func(path.Path)
}

// defaults fills in what follows from hub and customer alone.
func (p *linkPlan) defaults(ctx context.Context) {
	hub, customer := p.plan.Hub, p.plan.CustomerID
	if !hub.IsUnknown() && !customer.IsUnknown() {
		p.plan.ID = types.StringValue(hub.ValueString() + "/" + customer.ValueString())
	}
	if p.config.StackName.IsNull() {
		p.plan.StackName = types.StringUnknown()
		if !hub.IsUnknown() {
			p.plan.StackName = types.StringValue(hub.ValueString() + "-access")
		}
	}
	if p.sameLink() { // what the configuration leaves open stays as it is
		if p.config.Region.IsNull() {
			p.plan.Region = p.state.Region
		}
		if p.config.ExternalID.IsNull() {
			p.plan.ExternalID = p.state.ExternalID
		}
	}
	if p.plan.Role.IsUnknown() || p.config.Role.IsUnknown() {
		return
	}
	var declared roleSpecModel
	p.diags.Append(p.config.Role.As(ctx, &declared, basetypes.ObjectAsOptions{})...)
	role := p.plan.role(ctx, p.diags)
	if declared.Name.IsNull() {
		role.Name = types.StringUnknown()
		if !hub.IsUnknown() && !customer.IsUnknown() {
			role.Name = types.StringValue(hub.ValueString() + "-" + customer.ValueString())
		}
	}
	if name := role.Name.ValueString(); name != "" && account.CheckRoleName(name) != nil {
		p.diags.AddAttributeError(path.Root("role").AtName("name"), "The default role name is too long", fmt.Sprintf(
			"Without role.name the role is called %q, which has %d characters, and IAM allows 64. Set role.name.", name, len(name)))
	}
	p.plan.setRole(ctx, role, p.diags)
}

// roleAlone checks what is granted before the hub is there, as far as it is known.
func (p *linkPlan) roleAlone(ctx context.Context) {
	if !fullyKnown(p.config.Role) || !fullyKnown(p.config.OptionalPermissions) || p.diags.HasError() {
		return
	}
	var partition account.Partition
	if s := p.resource.session; s.ready() {
		partition = s.clients.Partition()
	}
	granted := permissionset.Set{
		Role:    p.plan.role(ctx, p.diags).declared(ctx, p.diags),
		Choices: permissionset.Choices{OptionalPermissions: p.plan.optionalPermissions(ctx, p.diags)},
	}
	p.diags.Append(onAttributes(granted.ValidatePermissions(partition))...)
	if p.diags.HasError() || p.sameLink() && p.plan.Role.Equal(p.state.Role) && p.plan.OptionalPermissions.Equal(p.state.OptionalPermissions) {
		return // a warning that comes at every plan is one that nobody reads
	}
	p.diags.Append(frownedAt(granted.Review())...)
}

// reachable refuses a Region and trusted principals that no hub of the provider
// could ever go with, whether it is there already or not.
func (p *linkPlan) reachable(ctx context.Context) {
	partition := p.resource.session.clients.Partition()
	if region, err := account.ParseRegion(p.config.Region.ValueString()); err == nil && region.Partition() != partition {
		p.diags.Append(otherPartition(path.Root("region"), region, partition))
	}
	p.principals(ctx)
}

// onHub plans the link on its hub.
func (p *linkPlan) onHub(ctx context.Context) {
	if p.plan.ID.IsUnknown() {
		return
	}
	in := p.resource.intake(p.plan.Hub.ValueString(), p.diags)
	if in == nil {
		return
	}
	if p.state != nil && in.beingCreated() {
		p.anew()
		return
	}
	if p.sameLink() {
		in.remember(p.plan.CustomerID.ValueString())
		if p.state.Status.ValueString() == string(onboarding.LinkClosed) {
			// Somebody else closed it. What was known of it opens nothing any
			// more, so it is made anew, like that of any customer who comes back.
			p.anew()
			in.planLink(p.plan.CustomerID.ValueString(), plannedLink{})
			return
		}
		if !p.addressMoves(ctx, in) && p.unchanged() || p.diags.HasError() {
			return
		}
	}
	if p.provable(ctx); p.diags.HasError() {
		return
	}
	record, ok, err := in.expected(ctx)
	if err != nil {
		p.diags.Append(cannot("plan the link of", onCustomer(in.name, p.plan.CustomerID.ValueString()), "", err))
		return
	}
	if !ok {
		p.onNewHub(in)
		in.planLink(p.plan.CustomerID.ValueString(), plannedLink{})
		return
	}
	if p.plan.Region.IsUnknown() && p.config.Region.IsNull() {
		p.plan.Region = types.StringValue(record.Region.String())
	}
	p.foresee(ctx, in, record)
}

// sameLink reports whether the plan is to change the link that the state has,
// rather than to make one.
func (p *linkPlan) sameLink() bool { return p.state != nil && p.plan.ID.Equal(p.state.ID) }

// anew plans to replace the link, of which nothing can be known before.
func (p *linkPlan) anew() {
	p.plan.ID = types.StringUnknown()
	p.plan.URL, p.plan.TemplateURL, p.plan.TemplateVersion = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	p.plan.Status, p.plan.UpdateURL = types.StringUnknown(), types.StringUnknown()
	if p.config.ExternalID.IsNull() {
		p.plan.ExternalID = types.StringUnknown()
	}
	p.replace(path.Root("id"))
}

// unchanged reports whether the link's inputs are those of the state, and then
// keeps the state, without a look at the registry.
func (p *linkPlan) unchanged() bool {
	same := p.plan.sameScope(*p.state) && p.plan.ExternalID.Equal(p.state.ExternalID) && p.plan.declaredKnown() &&
		p.plan.Role.Equal(p.state.Role) && p.plan.OptionalPermissions.Equal(p.state.OptionalPermissions) && p.plan.TrustedPrincipalARNs.Equal(p.state.TrustedPrincipalARNs) &&
		p.plan.StackName.Equal(p.state.StackName) && p.plan.Region.Equal(p.state.Region) && p.plan.ExpiresAt.Equal(p.state.ExpiresAt)
	if same {
		p.plan = *p.state
	}
	return same
}

// foresee computes what apply will write.
func (p *linkPlan) foresee(ctx context.Context, in *intake, record registry.HubRecord) {
	customer := p.plan.CustomerID.ValueString()
	existing, err := in.find(ctx, customer)
	if err != nil {
		p.diags.Append(cannot("plan the link of", onCustomer(in.name, customer), "", err))
		return
	}
	if existing != nil && !p.sameLink() && in.isOurs(customer) {
		// It is being replaced: when it is created, it has been closed.
		closed := *existing
		closed.Link.Closed = true
		existing = &closed
	}
	if !p.plan.declaredKnown() || p.config.ExternalID.IsUnknown() {
		p.partly(in, customer, record, existing)
		return
	}
	if p.config.ExternalID.IsNull() && !p.sameLink() {
		p.plan.ExternalID = types.StringNull() // the hub issues it
	}
	p.chosenExternalID(record.PublisherScope)
	w := p.plan.wanted(ctx, record, !p.sameLink(), p.diags)
	if p.diags.HasError() {
		return
	}
	todo, d := issueLink(w, existing)
	if p.diags.Append(d...); p.diags.HasError() {
		return
	}
	if existing != nil && !todo.adopt {
		p.diags.Append(customersHaveToUpdate(*existing, todo.link, w.declaration)...)
	}
	if todo.link.Status(p.resource.session.now()) == onboarding.LinkExpired {
		p.diags.AddAttributeWarning(path.Root("expires_at"), "The link is expired",
			"expires_at is in the past: whoever launches the link is refused. Stacks that are live don't mind. A later time opens it again.")
	}
	p.unique(ctx, in, todo.link)
	p.plan.URL, p.plan.TemplateURL, err = addresses(record, todo.link, w.declaration, p.resource.session.console)
	if err != nil {
		p.diags.AddError(fmt.Sprintf("No launch link for %s", onCustomer(in.name, customer)), sentence(err.Error()))
		return
	}
	p.plan.ExternalID = types.StringValue(todo.link.ExternalID.String())
	p.plan.TemplateVersion = types.StringValue(todo.link.TemplateVersion)
	p.plan.Status, p.plan.UpdateURL = types.StringUnknown(), types.StringUnknown()
	p.room(ctx, in, record, todo.link)
}

// partly plans a link some of whose arguments have no value yet: its external
// ID doesn't depend on them, unless the customer was here before.
func (p *linkPlan) partly(in *intake, customer string, record registry.HubRecord, existing *onboarding.Customer) {
	in.planLink(customer, plannedLink{})
	p.plan.URL, p.plan.TemplateURL, p.plan.TemplateVersion = unknownAddresses(record), unknownAddresses(record), types.StringUnknown()
	p.plan.Status, p.plan.UpdateURL = types.StringUnknown(), types.StringUnknown()
	if p.plan.ExternalID.IsUnknown() && p.config.ExternalID.IsNull() && existing == nil {
		p.plan.ExternalID = types.StringValue(onboarding.ExternalID(record.Key.Bytes(), record.Name, customer, 0).String())
	}
}

// unique refuses one external ID for two customers, of this plan or of the hub.
func (p *linkPlan) unique(ctx context.Context, in *intake, link onboarding.Link) {
	if p.config.ExternalID.IsNull() {
		return
	}
	if other, found := in.sameExternalID(link.CustomerID, link.ExternalID.String()); found {
		p.diags.Append(externalIDTaken(other, link.ExternalID.String()))
		return
	}
	customers, err := in.all(ctx)
	if err != nil {
		p.diags.Append(cannot("read the customers of", onHub(in.name), "", err))
		return
	}
	for _, c := range customers {
		if c.Link.CustomerID != link.CustomerID && c.Link.ExternalID == link.ExternalID {
			p.diags.Append(externalIDTaken(c.Link.CustomerID, link.ExternalID.String()))
		}
	}
}

// principals are the trusted roles, checked; none where they aren't known.
func (p *linkPlan) principals(ctx context.Context) []account.RoleARN {
	if !fullyKnown(p.plan.TrustedPrincipalARNs) || p.plan.TrustedPrincipalARNs.IsNull() {
		return nil
	}
	trusted := permissionset.Trust{}
	p.diags.Append(p.plan.TrustedPrincipalARNs.ElementsAs(ctx, &trusted.TrustedPrincipals, false)...)
	clients := p.resource.session.clients
	p.diags.Append(onAttributes(trusted.Validate(clients.Account, clients.Partition()))...)
	principals, _ := trusted.Principals() // validated
	return principals
}

// provable refuses a trust that the provider could never prove: it is none of
// the trusted principals, and may assume none of them.
func (p *linkPlan) provable(ctx context.Context) {
	clients, principals := p.resource.session.clients, p.principals(ctx)
	if len(principals) == 0 {
		return
	}
	if p.diags.HasError() || roleproof.CanProve(clients.CallerARN, clients.Account, principals) {
		return
	}
	var last error
	for _, principal := range principals {
		if _, last = clients.Assume(ctx, principal); last == nil {
			return
		}
	}
	p.diags.AddAttributeError(path.Root("trusted_principal_arns"), "Nobody here could prove the role", paragraphs(fmt.Sprintf(
		"Roles are proven before they are registered, by somebody that they trust. The provider runs as %s, which is none of the trusted principals and may assume none of them. "+
			"Add a role that the provider uses or may assume.", clients.CallerARN), last.Error()))
}

// declaredKnown reports whether all that is declared of a link is known.
func (m linkModel) declaredKnown() bool {
	return fullyKnown(m.AccountID) && fullyKnown(m.Scope) && fullyKnown(m.OrganizationID) && fullyKnown(m.OnlyAccountIDs) &&
		fullyKnown(m.Role) && fullyKnown(m.OptionalPermissions) && fullyKnown(m.TrustedPrincipalARNs) && fullyKnown(m.StackName) &&
		fullyKnown(m.Region) && fullyKnown(m.ExpiresAt)
}
