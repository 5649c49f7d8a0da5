// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// current is the registration that speaks for the customer today. Nobody speaks
// for an organization alone.
func current(c onboarding.Customer) (onboarding.Registration, bool) {
	all := c.Current()
	if len(all) == 0 || c.Link.Scope == onboarding.ScopeOrganization {
		return onboarding.Registration{}, false
	}
	return all[0], true
}

// flatten takes what is known of a customer's role into the model.
func (m *registrationModel) flatten(ctx context.Context, in *intake, c onboarding.Customer, diags *diag.Diagnostics) {
	m.expect(c, in.session.clients.Partition())
	m.UpdateURL = in.updateURL(ctx, c, diags)
	m.flattenAccounts(ctx, c, diags)
	m.Outdated = types.BoolValue(outdated(c))
	if c.Link.Scope == onboarding.ScopeOrganization {
		m.flattenOrganization(c)
		return
	}
	r, ok := current(c)
	m.GrantedPermissions = stringSet(ctx, r.GrantedPermissions, diags)
	if !ok {
		m.StackID, m.StackRegion = types.StringNull(), types.StringNull()
		m.TemplateVersion = types.StringNull()
		m.Status = types.StringValue(string(onboarding.Pending))
		m.RegisteredAt, m.ProvenAt = types.StringNull(), types.StringNull()
		return
	}
	m.StackID = optional(r.Stack.String())
	m.StackRegion = optional(r.Stack.Region.String())
	m.TemplateVersion = optional(r.TemplateVersion)
	m.Status = types.StringValue(string(r.Status))
	m.RegisteredAt, m.ProvenAt = timeString(r.RegisteredAt), timeString(r.ProvenAt)
}

// outdated reports whether a stack of the customer was made with another
// version of the template than the link's of today.
func outdated(c onboarding.Customer) bool {
	return slices.ContainsFunc(c.Current(), func(r onboarding.Registration) bool { return r.Outdated(c.Link) })
}

// updateURL is where the customer brings their stack up to date; null where
// there is nothing to update, or where the address would have to be signed.
func (in *intake) updateURL(ctx context.Context, c onboarding.Customer, diags *diag.Diagnostics) types.String {
	r, _ := current(c)
	if !r.Outdated(c.Link) {
		return types.StringNull()
	}
	record, known, err := in.expected(ctx)
	if err != nil {
		diags.Append(cannot("read", onHub(in.name), "", err))
	}
	if !known || record.TemplateAccess.Signed() {
		return types.StringNull()
	}
	url, err := launch.UpdateURL(c.Link, r, in.session.console)
	if err != nil {
		diags.Append(cannot("make the update link of", onCustomer(c.Link.Hub, c.Link.CustomerID), "", err))
	}
	return optional(url)
}

// expect is the part that a plan knows: what the link says, until a live stack
// says otherwise. No one account is an organization's, and nobody's is that of a
// link that anyone may use, until one has come.
func (m *registrationModel) expect(c onboarding.Customer, partition account.Partition) {
	role, externalID := c.Link.Role(partition), c.Link.ExternalID
	if r, ok := current(c); ok && r.Live() {
		role, externalID = r.Role, r.ExternalID
	}
	m.ExternalID = types.StringValue(externalID.String())
	m.RoleARN, m.AccountID = types.StringNull(), types.StringNull()
	if sole := c.Link.Sole(); !sole.IsZero() {
		m.RoleARN, m.AccountID = types.StringValue(role.String()), types.StringValue(sole.String())
	}
}

// unknown is what no plan can know.
func (m *registrationModel) unknown() {
	m.StackID, m.StackRegion = types.StringUnknown(), types.StringUnknown()
	m.GrantedPermissions = types.SetUnknown(types.StringType)
	m.TemplateVersion, m.Outdated, m.UpdateURL = types.StringUnknown(), types.BoolUnknown(), types.StringUnknown()
	m.Accounts, m.AccountConfirmed = types.MapUnknown(types.ObjectType{AttrTypes: accountTypes}), types.BoolUnknown()
	m.Status = types.StringUnknown()
	m.RegisteredAt, m.ProvenAt = types.StringUnknown(), types.StringUnknown()
}

func timeString(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.UTC().Format(time.RFC3339))
}
