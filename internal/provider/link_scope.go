// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// A link is for one account, for the accounts of an organization or, if the hub
// accepts every account, for the first account that uses it.

const (
	scopeAccount      = "account"
	scopeOrganization = "organization"
)

func linkScopeAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{oneOf(scopeAccount, scopeOrganization)},
		MarkdownDescription: "Whose stacks the link is for: those of one `account` (default), or those of an `organization`, whose accounts all launch " +
			"the same template, as a service-managed StackSet. Each account then becomes a role of its own under this customer, each proven by itself. " +
			"StackSets never reach the organization's management account: to connect it too, create the plain stack there, with `url`.",
	}
}

func organizationAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{validOrganizationID()},
		MarkdownDescription: "ID of the customer's organization in AWS Organizations, such as `o-a1b2c3d4e5`: its accounts may phone home. " +
			"Required with `scope = \"organization\"`. Can't change while a stack is live.\n\n" +
			"SNS lets only accounts of the organization publish for it, but doesn't report which one did. Another account that may publish to the hub for a reason " +
			"of its own (another customer's), and that knows this customer's external ID, could register a role of *its own* account under this customer. " +
			"It would get no access to anything; yet what the vendor reads there would be taken for the customer's. If that matters, list the accounts in `only_account_ids`.",
	}
}

func onlyAccountsAttribute() schema.SetAttribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Accounts of the organization that may register, and no others; default all of them. Changes in place; " +
			"an account that is left out keeps a live stack until its owner deletes it.",
		Validators: []validator.Set{setvalidator.SizeBetween(1, 2000), setvalidator.ValueStringsAre(validAccountID())},
	}
}

// validateScope checks the scope of a link as far as that is possible without its hub.
func (m linkModel) validateScope(diags *diag.Diagnostics) {
	if m.Scope.IsUnknown() {
		return
	}
	if m.Scope.ValueString() == scopeOrganization {
		if m.OrganizationID.IsNull() {
			diags.AddAttributeError(path.Root("organization_id"), "organization_id is required",
				`With scope = "organization" the accounts of an organization may phone home, and organization_id names it. Ask the customer for its ID, which looks like o-a1b2c3d4e5.`)
		}
		return
	}
	for name, value := range map[string]attr.Value{"organization_id": m.OrganizationID, "only_account_ids": m.OnlyAccountIDs} {
		if !value.IsNull() && !value.IsUnknown() {
			diags.AddAttributeError(path.Root(name), fmt.Sprintf("%s requires an organization", name),
				name+` applies only to a link with scope = "organization". Set that, or leave `+name+` out.`)
		}
	}
}

// expandScope returns the scope of the model's link, for a hub as it is or will be.
func (m linkModel) expandScope(ctx context.Context, record registry.HubRecord, diags *diag.Diagnostics) customers.Scope {
	var s customers.Scope
	var err error
	if text := m.AccountID.ValueString(); text != "" {
		if s.Account, err = account.ParseID(text); err != nil {
			diags.AddAttributeError(path.Root("account_id"), "Invalid AWS account ID", sentence(err.Error()))
		}
	}
	if m.Scope.ValueString() != scopeOrganization {
		return m.expandAccountScope(s, record, diags)
	}
	s.Kind = onboarding.ScopeOrganization
	if s.Organization, err = account.ParseOrganizationID(m.OrganizationID.ValueString()); err != nil {
		diags.AddAttributeError(path.Root("organization_id"), "Invalid organization ID", sentence(err.Error()))
	}
	var only []string
	diags.Append(m.OnlyAccountIDs.ElementsAs(ctx, &only, false)...)
	for _, text := range only {
		id, err := account.ParseID(text)
		if err != nil {
			diags.AddAttributeError(path.Root("only_account_ids"), "Invalid AWS account ID", sentence(err.Error()))
		}
		s.OnlyAccounts = append(s.OnlyAccounts, id)
	}
	slices.SortFunc(s.OnlyAccounts, func(a, b account.ID) int { return strings.Compare(a.String(), b.String()) })
	if record.TemplateAccess == onboarding.TemplatesAccounts {
		diags.AddAttributeError(path.Root("organization_id"), "Templates must be readable by the organization", fmt.Sprintf(
			`The template_access of hub %s is "accounts": only accounts that links name may read templates. Use "public" or "presigned" for organizations.`, record.Name))
	}
	return s
}

// expandAccountScope completes the scope of a link for one account, which the vendor
// may or may not have named.
func (m linkModel) expandAccountScope(s customers.Scope, record registry.HubRecord, diags *diag.Diagnostics) customers.Scope {
	switch {
	case !s.Account.IsZero():
	case !record.OpenToAnyone():
		diags.Append(accountMissing())
	default:
		s.Kind = onboarding.ScopeAnyone
	}
	// If every account may publish, a link without an account must expire: otherwise a
	// stranger who learns its URL could use it at any time.
	if record.OpenToAnyone() && m.ExpiresAt.IsNull() {
		diags.AddAttributeError(path.Root("expires_at"), "expires_at is required", fmt.Sprintf(
			`The publishers of hub %s are "anyone", so expires_at is required: anyone who learns of the link could use it until then.`, record.Name))
	}
	return s
}

// flattenScope copies a link's scope into the model.
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

// sameScope reports whether both models are for the same accounts.
func (m linkModel) sameScope(o linkModel) bool {
	return m.AccountID.Equal(o.AccountID) && m.Scope.Equal(o.Scope) && m.OrganizationID.Equal(o.OrganizationID) && m.OnlyAccountIDs.Equal(o.OnlyAccountIDs)
}
