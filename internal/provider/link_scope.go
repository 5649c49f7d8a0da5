// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// A link is for one account, for the accounts of an organization or, where the
// hub is open to anyone, for whichever account comes first.

const (
	scopeAccount      = "account"
	scopeOrganization = "organization"
)

func linkScopeAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{oneOf(scopeAccount, scopeOrganization)},
		MarkdownDescription: "Whose stacks the link is for: those of one `account` (default), or those of an `organization`, whose accounts all launch " +
			"the same template, as a service-managed StackSet. Each account then becomes a role of its own under this customer, each proven by itself. " +
			"StackSets never reach the organization's management account: where it is to be connected too, create the plain stack there, with `url`.",
	}
}

func organizationAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{organizationID()},
		MarkdownDescription: "ID of the customer's organization in AWS Organizations, such as `o-a1b2c3d4e5`: its accounts may phone home. " +
			"Required with `scope = \"organization\"`. Can't change while a stack is live.\n\n" +
			"SNS lets only accounts of the organization publish for it, but doesn't tell who did. Another account that may publish to the hub for a reason " +
			"of its own (another customer's), and that knows this customer's external ID, could register a role of *its own* account under this customer. " +
			"It would get no access to anything; yet what the vendor reads there would be taken for the customer's. Where that matters, list the accounts in `only_account_ids`.",
	}
}

func onlyAccountsAttribute() schema.SetAttribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Accounts of the organization that may register, and no others; default all of them. Changes in place; " +
			"an account that is left out keeps a live stack until its owner deletes it.",
		Validators: []validator.Set{setvalidator.SizeBetween(1, 2000), setvalidator.ValueStringsAre(accountID())},
	}
}

// validateScope checks what can be said of a link's scope without its hub.
func (m linkModel) validateScope(diags *diag.Diagnostics) {
	if m.Scope.IsUnknown() {
		return
	}
	if m.Scope.ValueString() == scopeOrganization {
		if m.OrganizationID.IsNull() {
			diags.AddAttributeError(path.Root("organization_id"), "The organization's ID is missing",
				`With scope = "organization" the accounts of an organization may phone home, and organization_id says of which. Ask the customer; it looks like o-a1b2c3d4e5.`)
		}
		return
	}
	for name, value := range map[string]interface{ IsNull() bool }{"organization_id": m.OrganizationID, "only_account_ids": m.OnlyAccountIDs} {
		if !value.IsNull() {
			diags.AddAttributeError(path.Root(name), "Only for organizations",
				name+` has a meaning only for a link with scope = "organization". Set that, or leave `+name+` out.`)
		}
	}
}

// expect takes over whose stacks the model is for, on a hub as it is or will be.
func (w *wanted) expect(ctx context.Context, m linkModel, diags *diag.Diagnostics) {
	var err error
	if text := m.AccountID.ValueString(); text != "" {
		if w.account, err = account.ParseID(text); err != nil {
			diags.AddAttributeError(path.Root("account_id"), "Not an AWS account ID", sentence(err.Error()))
		}
	}
	if m.Scope.ValueString() != scopeOrganization {
		w.expectOne(m, diags)
		return
	}
	w.scope = onboarding.ScopeOrganization
	if w.organization, err = account.ParseOrganizationID(m.OrganizationID.ValueString()); err != nil {
		diags.AddAttributeError(path.Root("organization_id"), "Not the ID of an organization", sentence(err.Error()))
	}
	var only []string
	diags.Append(m.OnlyAccountIDs.ElementsAs(ctx, &only, false)...)
	for _, text := range only {
		id, err := account.ParseID(text)
		if err != nil {
			diags.AddAttributeError(path.Root("only_account_ids"), "Not an AWS account ID", sentence(err.Error()))
		}
		w.onlyAccounts = append(w.onlyAccounts, id)
	}
	slices.SortFunc(w.onlyAccounts, func(a, b account.ID) int { return strings.Compare(a.String(), b.String()) })
	if w.record.TemplateAccess == onboarding.TemplatesAccounts {
		diags.AddAttributeError(path.Root("organization_id"), "The organization could not read the template", fmt.Sprintf(
			`The template_access of hub %s is "accounts": only accounts that links name may read templates. Use "public" or "presigned" for organizations.`, w.record.Name))
	}
}

// expectOne is a link for one account, named or not.
func (w *wanted) expectOne(m linkModel, diags *diag.Diagnostics) {
	switch {
	case !w.account.IsZero():
	case !w.record.OpenToAnyone():
		diags.Append(accountMissing())
	default:
		w.scope = onboarding.ScopeAnyone
	}
	if !w.record.OpenToAnyone() {
		return
	}
	// Who may publish is everybody, so what a stranger can learn must not open
	// a link forever, and nobody but us may choose what opens it.
	if m.ExpiresAt.IsNull() {
		diags.AddAttributeError(path.Root("expires_at"), "A link that anyone may use has to expire", fmt.Sprintf(
			`The publishers of hub %s are "anyone", so expires_at is required: whoever learns of the link could use it until then.`, w.record.Name))
	}
}

// chosenExternalID refuses an external ID of the vendor's own where everybody
// may publish: only one that the hub has made is sure to be unguessable.
func (p *linkPlan) chosenExternalID(publishers onboarding.PublisherScope) {
	kept := p.sameLink() && p.plan.ExternalID.Equal(p.state.ExternalID)
	if publishers == onboarding.AnyAccount && !p.config.ExternalID.IsNull() && !kept {
		p.diags.AddAttributeError(path.Root("external_id"), "Not on a hub that anyone may use",
			`The hub's publishers are "anyone", so external_id can't be chosen: only one that the hub has made is sure to be unguessable. Leave it out.`)
	}
}

// onNewHub checks what can be checked where the hub isn't there yet, but it is
// known who will be its publishers.
func (p *linkPlan) onNewHub(in *intake) {
	in.mu.Lock()
	publishers := in.plannedHub.publishers
	in.mu.Unlock()
	p.chosenExternalID(publishers)
	if publishers == onboarding.KnownAccounts && p.config.AccountID.IsNull() && !p.plan.Scope.IsUnknown() && p.plan.Scope.ValueString() != scopeOrganization {
		p.diags.Append(accountMissing())
	}
}

func accountMissing() diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("account_id"), "The customer's account is missing",
		"account_id is required while the hub's publishers are known_accounts: only accounts that a link names may phone home. "+
			"Ask the customer for their 12-digit AWS account ID.")
}

// expectedBy puts it into the link. The account that a link for anyone is bound
// to stays with it, until the vendor names one.
func (w wanted) expectedBy(link onboarding.Link) onboarding.Link {
	link.Scope, link.Account = w.scope, w.account
	link.Organization, link.OnlyAccounts = w.organization, w.onlyAccounts
	if w.scope != onboarding.ScopeAnyone {
		link.Bound, link.Reservation = account.ID{}, nil
	}
	return link
}

// flattenScope is the way back.
func (m *linkModel) flattenScope(ctx context.Context, link onboarding.Link, diags *diag.Diagnostics) {
	m.AccountID = optional(link.Account.String())
	m.OrganizationID = optional(link.Organization.String())
	m.OnlyAccountIDs = types.SetNull(types.StringType)
	if len(link.OnlyAccounts) > 0 {
		var texts []string
		for _, id := range link.OnlyAccounts {
			texts = append(texts, id.String())
		}
		m.OnlyAccountIDs = stringSet(ctx, texts, diags)
	}
	switch {
	case link.Scope == onboarding.ScopeOrganization:
		m.Scope = types.StringValue(scopeOrganization)
	case m.Scope.ValueString() == scopeOrganization:
		m.Scope = types.StringValue(scopeAccount)
	}
}

// sameScope reports whether both are for the same accounts.
func (m linkModel) sameScope(o linkModel) bool {
	return m.AccountID.Equal(o.AccountID) && m.Scope.Equal(o.Scope) && m.OrganizationID.Equal(o.OrganizationID) && m.OnlyAccountIDs.Equal(o.OnlyAccountIDs)
}

// letPublish sees to it that those whom the link expects may phone home.
func (in *intake) letPublish(ctx context.Context, link onboarding.Link) error {
	if !link.Account.IsZero() {
		if err := in.hub.Permissions().Allow(ctx, link.Shard, link.Account); err != nil {
			return err
		}
	}
	if !link.Organization.IsZero() {
		return in.hub.Permissions().AllowOrganization(ctx, link.Shard, link.Organization)
	}
	return nil
}

// nameMembers gives the accounts of an organization that have a live stack a
// permission of their own, so that they keep it when they leave the organization.
// The next refresh does what this one can't.
func (in *intake) nameMembers(ctx context.Context, c onboarding.Customer, diags *diag.Diagnostics) {
	if c.Link.Scope != onboarding.ScopeOrganization || len(live(c)) == 0 {
		return
	}
	var members []account.ID
	for _, r := range live(c) {
		members = append(members, r.Account)
	}
	if err := in.hub.Permissions().AllowMembers(ctx, c.Link.Shard, members); err != nil {
		diags.AddWarning(fmt.Sprintf("Accounts of %s could not be named one by one", onCustomer(in.name, c.Link.CustomerID)), paragraphs(
			"They may phone home as long as they are in the organization. An account that leaves it before its stack is deleted can't phone home that Delete, and its stack will hang.",
			err.Error()))
	}
}

// letRead sees to it that the account that the link names may read the template.
func (in *intake) letRead(ctx context.Context, record registry.HubRecord, link onboarding.Link) error {
	if link.Account.IsZero() {
		return nil
	}
	return in.hub.Permissions().LetRead(ctx, record, link.Account)
}

// sameWho reports whether two links let the same phone home.
func sameWho(a, b onboarding.Link) bool {
	return a.Account == b.Account && a.Organization == b.Organization
}

// expects names the first attribute in which a link is for other accounts.
func (w wanted) expects(link onboarding.Link) string {
	switch {
	case link.Scope != w.scope:
		return "scope"
	case link.Account != w.account:
		return "account_id"
	case link.Organization != w.organization:
		return "organization_id"
	case !slices.Equal(link.OnlyAccounts, w.onlyAccounts):
		return "only_account_ids"
	}
	return ""
}

// refuseToMove keeps the accounts of a live stack: it may neither become another
// customer's, nor lose its permission to phone home.
func (w wanted) refuseToMove(link onboarding.Link, r onboarding.Registration) diag.Diagnostic {
	if w.scope == onboarding.ScopeOrganization {
		if link.Organization.IsZero() || link.Organization == w.organization {
			return nil
		}
		return diag.NewAttributeErrorDiagnostic(path.Root("organization_id"), fmt.Sprintf("Customer %s has a live stack in organization %s", w.customer, link.Organization), fmt.Sprintf(
			"organization_id can't change while it lives. Ask the customer to delete stack %s first, or declare the other organization as a customer of its own.", r.Stack))
	}
	if r.Account == w.expectedBy(link).Sole() {
		return nil
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("account_id"), fmt.Sprintf("Customer %s has a live stack in account %s", w.customer, r.Account), fmt.Sprintf(
		"account_id can't change while it lives. Ask the customer to delete stack %s first, or declare the other account as a customer of its own.", r.Stack))
}
