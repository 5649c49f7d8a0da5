// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub/sets"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Errors and warnings of a set's plan.

// checkPermissions checks the granted permissions, if all of them are known. It needs
// no hub.
func (p *setPlan) checkPermissions(ctx context.Context) {
	if !p.config.declaredKnown() || !p.plan.declaredKnown() {
		return
	}
	var partition account.Partition
	if s := p.resource.session; s.ready() {
		partition = s.clients.Partition()
	}
	granted := p.plan.declared(ctx, p.diags)
	p.diags.Append(fieldErrors(setFields(granted.ValidatePermissions(partition)))...)
	if p.diags.HasError() || p.sameSet() && p.plan.sameDeclared(*p.state) {
		return // a warning in every plan would be ignored
	}
	p.diags.Append(policyWarnings(setWarnings(granted.Review()))...)
}

// checkTrust refuses trusted principals that can't be combined with any hub of the
// provider and, if the principals change, a trust that the provider could never prove.
func (p *setPlan) checkTrust(ctx context.Context) {
	declared, clients := p.plan.declared(ctx, p.diags), p.resource.session.clients
	if p.diags.Append(fieldErrors(declared.ValidateTrust(clients.Account, clients.Partition()))...); p.diags.HasError() {
		return
	}
	var before permissionset.Set
	if p.sameSet() {
		before = p.state.declared(ctx, p.diags)
	}
	if !p.sameSet() || permissionset.Differs(declared.Trust, before.Trust) != "" {
		p.diags.Append(provable(ctx, clients, declared.Provers(clients.Account))...)
	}
	for _, key := range declared.AdditionalKeys() {
		if trust := declared.AdditionalRoles[key].Trust; !p.sameSet() || permissionset.Differs(trust, before.AdditionalRoles[key].Trust) != "" {
			p.diags.Append(provable(ctx, clients, trust.Provers(clients.Account))...)
		}
	}
}

// warnOfSetChange warns, once for all customers of a set, of what they gain and lose
// by a change of the set, and that the change takes effect only when they update their
// stacks.
func warnOfSetChange(before, next onboarding.PermissionSet, was, will permissionset.Set, customers []onboarding.Customer) diag.Diagnostics {
	open, stacks := 0, 0
	for _, c := range customers {
		if !c.Link.Closed {
			open++
		}
		for _, r := range c.Live() {
			if !r.Adopted() && r.TemplateVersion != next.TemplateVersion {
				stacks++
			}
		}
	}
	if before.TemplateVersion == next.TemplateVersion || open+stacks == 0 {
		return nil
	}
	changed := "The granted permissions stay the same; only their notation changes."
	if lines := was.Changes(will); len(lines) > 0 {
		changed = "The role of each customer:\n  - " + strings.Join(lines, "\n  - ")
	}
	if stacks == 0 {
		return diag.Diagnostics{diag.NewWarningDiagnostic("What customers grant changes when they launch their links", fmt.Sprintf(
			"%s to permission set %s, and no live stack has to be updated. %s\n\n"+
				"The links have another url after this: send it to customers who have the former one and have not launched it. "+
				"A stack that is made from the former one is outdated.", referred(open), next.Name, changed))}
	}
	made := onboarding.Counted(stacks, "live stack") + onboarding.Plural(stacks, " was", " were") + " made with another template than this plan's"
	if open > 0 {
		made = fmt.Sprintf("%s to permission set %s, and %s", referred(open), next.Name, made)
	} else {
		made = fmt.Sprintf("No open link refers to permission set %s, but %s", next.Name, made)
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("What customers grant changes when they update their stacks", fmt.Sprintf("%s. %s\n\n"+
		"Applying this changes nothing in customers' accounts: their roles stay as they are, and outdated, until each has updated their stack. "+
		"Send them the update_url of their link afterwards.", made, changed))}
}

// refuseMove refuses another name or path of the role while stacks are live:
// CloudFormation can't replace a role that has a name, so the stacks could not be
// updated.
func refuseMove(before, next onboarding.PermissionSet, customers []onboarding.Customer) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, e := range sets.RefuseMove(before, next, customers) {
		diags.AddAttributeError(path.Root(e.Attribute), fmt.Sprintf("The role of live stacks can't have another %s", strings.TrimPrefix(e.Attribute, "role_")), e.Error())
	}
	return diags
}
