// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Errors and warnings of a link's plan. A check adds its findings to the plan's
// diagnostics.

// checkPermissions checks the granted permissions, if all of them are known. It needs
// no hub.
func (p *linkPlan) checkPermissions(ctx context.Context) {
	if p.plan.refers() || !fullyKnown(p.config.Role) || !p.config.choicesKnown() || p.diags.HasError() {
		return
	}
	var partition account.Partition
	if s := p.resource.session; s.ready() {
		partition = s.clients.Partition()
	}
	granted := permissionset.Set{
		Role:      expandRole(ctx, p.plan.Role, p.diags),
		Choices:   p.plan.choices(ctx, p.diags),
		Additions: p.plan.additions(ctx, p.diags),
	}
	p.diags.Append(fieldErrors(granted.ValidatePermissions(partition))...)
	if p.diags.HasError() || p.sameLink() && p.plan.Role.Equal(p.state.Role) && p.plan.equal(p.state.askedModel) {
		return // a warning in every plan would be ignored
	}
	p.checkGrants(granted)
	p.checkForeignPolicies(granted)
	p.diags.Append(policyWarnings(granted.Review())...)
}

// checkPartition refuses a Region and trusted principals that can't be combined with
// any hub of the provider, whether the hub exists already or not.
func (p *linkPlan) checkPartition(ctx context.Context) {
	partition := p.resource.session.clients.Partition()
	if region, err := account.ParseRegion(p.config.Region.ValueString()); err == nil && region.Partition() != partition {
		p.diags.Append(otherPartition(path.Root("region"), region, partition))
	}
	p.checkAccount()
	p.principals(ctx)
}

// principals returns the trusted roles, validated, as which the provider proves the
// role; nil if they aren't known.
func (p *linkPlan) principals(ctx context.Context) []account.RoleARN {
	if !fullyKnown(p.plan.TrustedPrincipalARNs) || !fullyKnown(p.plan.TrustedAccountIDs) {
		return nil
	}
	trusted, clients := p.plan.trust(ctx, p.diags), p.resource.session.clients
	p.diags.Append(fieldErrors(trusted.Validate(clients.Account, clients.Partition()))...)
	return trusted.Provers(clients.Account)
}

// checkProvable refuses a trust that the provider could never prove, because the
// provider is none of the trusted principals and can't assume any of them.
func (p *linkPlan) checkProvable(ctx context.Context) {
	principals, clients := p.principals(ctx), p.resource.session.clients
	if p.diags.HasError() {
		return
	}
	p.diags.Append(provable(ctx, clients, principals)...)
	if fullyKnown(p.plan.AdditionalRoles) {
		for _, role := range p.plan.additions(ctx, p.diags).AdditionalRoles {
			p.diags.Append(provable(ctx, clients, role.Provers(clients.Account))...)
		}
	}
}

// checkPublishers checks a link whose hub doesn't exist yet, if the hub's publishers
// are known.
func (p *linkPlan) checkPublishers(view *hubview.View) {
	publishers := view.Planned.NewHubPublishers()
	p.checkExternalID(publishers)
	if publishers == onboarding.KnownAccounts && p.config.AccountID.IsNull() && !p.plan.Scope.IsUnknown() && p.plan.Scope.ValueString() != scopeOrganization {
		p.diags.Append(accountMissing())
	}
}

// checkExternalID refuses an external ID of the vendor's own if every AWS account may
// publish: only an external ID that the hub has generated is certain to be
// unguessable.
func (p *linkPlan) checkExternalID(publishers onboarding.PublisherScope) {
	kept := p.sameLink() && p.plan.ExternalID.Equal(p.state.ExternalID)
	if publishers == onboarding.AnyAccount && !p.config.ExternalID.IsNull() && !kept {
		p.diags.AddAttributeError(path.Root("external_id"), "external_id can't be chosen",
			`The hub's publishers are "anyone", so any account that can guess the external ID could register. Leave external_id out, and the hub issues one that can't be guessed.`)
	}
}

// checkUnique refuses an external ID that another customer has, in this plan or in the
// hub.
func (p *linkPlan) checkUnique(ctx context.Context, view *hubview.View, link onboarding.Link) {
	if p.config.ExternalID.IsNull() {
		return
	}
	if other, found := view.Planned.OwnerOfExternalID(link.CustomerID, link.ExternalID); found {
		p.diags.Append(externalIDTaken(other, link.ExternalID.String()))
		return
	}
	others, err := view.OwnersOfExternalID(ctx, link.ExternalID, link.CustomerID)
	if err != nil {
		p.diags.Append(cannot("read the customers of", hubNamed(view.Name), "", err))
	}
	for _, other := range others {
		p.diags.Append(externalIDTaken(other, link.ExternalID.String()))
	}
}

// reserve records the planned link for the plans of its role and of other links. It
// refuses a link whose account doesn't fit in the bucket's policy any more.
func (p *linkPlan) reserve(ctx context.Context, view *hubview.View, record registry.HubRecord, link onboarding.Link) {
	plan := hubview.LinkPlan{Link: link, Known: true}
	if record.TemplateAccess != onboarding.TemplatesAccounts {
		view.Planned.SetLink(link.CustomerID, plan)
		return
	}
	customers, err := view.Customers(ctx)
	if err != nil {
		p.diags.Append(cannot("read the customers of", hubNamed(view.Name), "", err))
		return
	}
	readers := readersOf(customers, view.Now())
	room := roomForReaders(record.Name, record.Bucket, record.Account, record.Region)
	fits := view.Planned.SetLinkIf(link.CustomerID, plan, func(others []account.ID) bool {
		for _, id := range others {
			readers[id] = true
		}
		return readers[link.Account] || len(readers) < room
	})
	if !fits {
		p.diags.Append(noRoom(view.Name, link.CustomerID, len(readers), room))
	}
}
