// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// Warnings of configurations that Terraform and AWS accept, but that fail later, at a
// customer. A warning is added only if its cause is new or has changed, because a
// warning in every plan would be ignored.

// checkGrants warns of a role without permissions.
func (p *linkPlan) checkGrants(granted permissionset.Set) {
	if granted.Role.Grants().IsEmpty() && len(granted.OptionalPermissions) == 0 {
		p.diags.AddAttributeWarning(path.Root("role"), "The role grants nothing",
			"It has no policy, so customers would create a role that may do nothing. If you have written policies, check the names of the attributes: "+
				"Terraform silently leaves misspelt ones out of role and optional_permissions. They are managed_policy_arns, inline_policies and managed_policies.")
	}
}

// checkForeignPolicies refuses managed policies and a boundary of another account than
// the customer's. If the link is for many accounts, it warns of policies of a single
// account, because IAM accepts only policies of the role's own account and of AWS.
func (p *linkPlan) checkForeignPolicies(granted permissionset.Set) {
	arns := map[string][]string{
		"role.managed_policy_arns":      granted.Role.ManagedPolicyARNs,
		"role.permissions_boundary_arn": {granted.Role.PermissionsBoundaryARN},
	}
	for key, optional := range granted.OptionalPermissions {
		arns[fmt.Sprintf("optional_permissions[%q].managed_policy_arns", key)] = optional.ManagedPolicyARNs
	}
	if !fullyKnown(p.plan.AccountID) || !fullyKnown(p.plan.Scope) {
		return
	}
	for _, field := range slices.Sorted(maps.Keys(arns)) {
		at := path.Root(strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' })[0])
		for _, arn := range arns[field] {
			owner := policyOwner(arn)
			switch named := p.plan.AccountID.ValueString(); {
			case owner == "", owner == named && p.plan.Scope.ValueString() != scopeOrganization:
			case named != "" && p.plan.Scope.ValueString() != scopeOrganization:
				p.diags.AddAttributeError(at, "Managed policy of another account", fmt.Sprintf(
					"%s has %s, which is in account %s, and the role will be in the customer's account %s: IAM takes only policies of that account and of AWS, so the customer's stack would fail. "+
						"Put customer_account_id() in the place of the account if every customer has such a policy.", field, arn, owner, named))
			default:
				p.diags.AddAttributeWarning(at, "Managed policy of one account", fmt.Sprintf(
					"%s has %s, which is in account %s: the stack fails in every other account, because IAM takes only policies of the role's own account and of AWS.", field, arn, owner))
			}
		}
	}
}

// policyOwner returns the account in a policy's ARN; empty if the policy is AWS's, or
// if the ARN refers to the customer's own account.
func policyOwner(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		if id, err := account.ParseID(parts[4]); err == nil {
			return id.String()
		}
	}
	return ""
}

// checkAccount warns of a link for the vendor's own account.
func (p *linkPlan) checkAccount() {
	clients := p.resource.session.clients
	if p.plan.AccountID.ValueString() == clients.Account.String() && (p.state == nil || !p.state.AccountID.Equal(p.plan.AccountID)) {
		p.diags.AddAttributeWarning(path.Root("account_id"), "The link is for your own account", fmt.Sprintf(
			"Account %s is the one that the provider works in. That is fine for a trial; a customer's account ID belongs here otherwise.", clients.Account))
	}
}

// checkAwaited warns of a link whose customers may create the role without a stack, if
// such a role would never be registered.
func (p *linkPlan) checkAwaited(link onboarding.Link) {
	if p.sameLink() && p.plan.PermissionSet.Equal(p.state.PermissionSet) {
		return
	}
	if why := link.NeverAwaited(p.resource.session.clients.Account); why != "" {
		p.diags.AddWarning(fmt.Sprintf("Customer %s needs the stack", link.CustomerID), fmt.Sprintf(
			"register_without_stack is set, but a role that this customer makes without the stack is never registered: %s. The launch link works as for any other customer.", why))
	}
}

// checkOnce refuses a second new link of the same customer in one plan.
func (p *linkPlan) checkOnce(view *hubview.View) {
	customer := p.plan.CustomerID.ValueString()
	if p.state == nil && p.resource.session.isDuplicate(view.Planned.CountCreations(customer)) {
		p.diags.AddAttributeError(path.Root("customer_id"), fmt.Sprintf("Two links for customer %s of hub %s", customer, view.Name),
			"Another xacct_onboarding_link of this configuration has the same hub and customer_id, and a customer has one link. Give this one an ID of its own.")
	}
}

// checkOnceUnknownHub is checkOnce for a hub whose name isn't known yet: it only warns.
func (p *linkPlan) checkOnceUnknownHub() {
	customer := p.plan.CustomerID
	if p.state == nil && !customer.IsUnknown() && p.resource.session.isDuplicate(p.resource.session.countNewLinks(customer.ValueString())) {
		p.diags.AddAttributeWarning(path.Root("customer_id"), fmt.Sprintf("Two links for customer %s", customer.ValueString()),
			"Another xacct_onboarding_link of this configuration has the same customer_id. If both are of the same new hub, the apply will have one take over the other: a customer has one link.")
	}
}

// checkNeighbours warns if another customer in the same account has a role of the same
// name: IAM compares names without regard to case.
func (p *linkPlan) checkNeighbours(ctx context.Context, view *hubview.View, before *onboarding.Customer, link onboarding.Link) {
	if link.Account.IsZero() || before != nil && !before.Link.Closed && before.Link.Account == link.Account && strings.EqualFold(before.Link.RoleName, link.RoleName) {
		return
	}
	customers, err := view.InAccount(ctx, link.Account, link.CustomerID)
	if err != nil {
		p.diags.Append(cannot("read the customers of", hubNamed(view.Name), "", err))
		return
	}
	others := map[string]string{}
	for _, c := range customers {
		if !c.Link.Closed || len(c.Live()) > 0 {
			others[c.Link.CustomerID] = c.Link.RoleName
		}
	}
	for _, l := range view.Planned.InAccount(link.Account, link.CustomerID) {
		others[l.CustomerID] = l.RoleName
	}
	for _, other := range slices.Sorted(maps.Keys(others)) {
		if strings.EqualFold(others[other], link.RoleName) {
			p.diags.AddAttributeWarning(path.Root("role").AtName("name"), "Two customers with the same role in one account", fmt.Sprintf(
				"Customers %s and %s have account %s and the role names %s and %s, which are the same to IAM: the second stack fails. Give them different values of role.name.",
				link.CustomerID, other, link.Account, link.RoleName, others[other]))
			return
		}
	}
}

// checkLeft warns if the link belonged to another, connected customer until now.
func (p *linkPlan) checkLeft(ctx context.Context) {
	if p.state == nil || p.sameLink() || p.plan.CustomerID.IsUnknown() || p.plan.CustomerID.Equal(p.state.CustomerID) {
		return
	}
	view := p.resource.view(p.state.Hub.ValueString(), p.diags)
	if view == nil {
		return
	}
	found, err := view.Find(ctx, p.state.CustomerID.ValueString())
	if err == nil && found != nil && !found.Link.Closed && found.Link.HeldBy(p.state.Incarnation.ValueString()) {
		p.diags.Append(warnOfClosing(*found)...)
	}
}
