// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// accountModel is one account of a customer: an element of the attribute accounts.
type accountModel struct {
	RoleARN            types.String `tfsdk:"role_arn"`
	StackID            types.String `tfsdk:"stack_id"`
	StackRegion        types.String `tfsdk:"stack_region"`
	Status             types.String `tfsdk:"status"`
	TemplateVersion    types.String `tfsdk:"template_version"`
	Outdated           types.Bool   `tfsdk:"outdated"`
	GrantedPermissions types.Set    `tfsdk:"granted_permissions"`
	Parameters         types.Map    `tfsdk:"parameters"`
	Reported           types.Map    `tfsdk:"reported"`
	AdditionalRoleARNs types.Map    `tfsdk:"additional_role_arns"`
	RegisteredAt       types.String `tfsdk:"registered_at"`
	ProvenAt           types.String `tfsdk:"proven_at"`
}

// accountsAttribute returns the attribute accounts: for each account of a customer,
// the attributes that a single account has.
func accountsAttribute(ofOne map[string]schema.Attribute) schema.MapNestedAttribute {
	attributes := map[string]schema.Attribute{}
	for name := range accountTypes {
		attributes[name] = ofOne[name]
	}
	return schema.MapNestedAttribute{
		Computed: true,
		MarkdownDescription: "The registered accounts, by account ID. Of one account it has at most one element; of an organization one for each account, " +
			"and the attributes beside it that speak of one account are null.",
		NestedObject: schema.NestedAttributeObject{Attributes: attributes},
	}
}

var accountTypes = map[string]attr.Type{
	"role_arn":            types.StringType,
	"stack_id":            types.StringType,
	"stack_region":        types.StringType,
	"status":              types.StringType,
	"template_version":    types.StringType,
	"outdated":            types.BoolType,
	"granted_permissions": types.SetType{ElemType: types.StringType},
	"parameters":          types.MapType{ElemType: types.StringType},
	"reported":            types.MapType{ElemType: types.StringType},

	"additional_role_arns": types.MapType{ElemType: types.StringType},
	"registered_at":        types.StringType,
	"proven_at":            types.StringType,
}

// flattenAccounts copies all current registrations of a customer into the model.
func (m *registrationModel) flattenAccounts(ctx context.Context, c onboarding.Customer, diags *diag.Diagnostics) {
	accounts := map[string]accountModel{}
	for _, r := range c.Current() {
		accounts[r.Account.String()] = accountModel{
			RoleARN:            types.StringValue(r.Role.String()),
			StackID:            optional(r.Stack.String()),
			StackRegion:        optional(r.Stack.Region.String()),
			Status:             types.StringValue(string(r.Status)),
			TemplateVersion:    optional(r.TemplateVersion),
			Outdated:           types.BoolValue(r.Outdated(c.Link)),
			GrantedPermissions: stringSet(ctx, r.GrantedPermissions, diags),
			Parameters:         stringMap(ctx, r.Parameters, diags),
			Reported:           stringMap(ctx, r.Reported, diags),
			AdditionalRoleARNs: stringMap(ctx, r.AdditionalRoleARNs(), diags),
			RegisteredAt:       timeString(r.RegisteredAt),
			ProvenAt:           timeString(r.ProvenAt),
		}
	}
	m.setAccounts(ctx, accounts, diags)
	m.AccountConfirmed = types.BoolValue(confirmed(c.Link))
}

func (m *registrationModel) setAccounts(ctx context.Context, accounts map[string]accountModel, diags *diag.Diagnostics) {
	all, d := types.MapValueFrom(ctx, types.ObjectType{AttrTypes: accountTypes}, accounts)
	diags.Append(d...)
	m.Accounts = all
}

// confirmed reports whether the vendor has named the accounts that the link is for.
func confirmed(link onboarding.Link) bool { return link.Scope != onboarding.ScopeAnyone }

// flattenOrganization copies a summary of the accounts of an organization into the
// model. Attributes of a single account remain null.
func (m *registrationModel) flattenOrganization(c onboarding.Customer) {
	m.StackID, m.StackRegion, m.TemplateVersion = types.StringNull(), types.StringNull(), types.StringNull()
	m.GrantedPermissions, m.Parameters = types.SetNull(types.StringType), types.MapNull(types.StringType)
	m.AdditionalRoleARNs, m.Reported = types.MapNull(types.StringType), types.MapNull(types.StringType)
	m.RegisteredAt, m.ProvenAt = types.StringNull(), types.StringNull()
	m.Status = statusOf(c)
}

// combinedStatus returns one status for several roles: the worst status of the roles
// with a stack.
func combinedStatus(all []onboarding.Registration) onboarding.RegistrationStatus {
	status := onboarding.Pending
	for _, r := range all {
		switch {
		case r.Status == onboarding.Degraded:
			return onboarding.Degraded
		case r.Status == onboarding.Active, status == onboarding.Pending:
			status = r.Status
		}
	}
	return status
}

// provenRoles returns the registrations of a customer whose roles can be assumed, by
// their keys in role_arns: the customer's ID, with the account if there may be
// several.
func provenRoles(c onboarding.Customer) map[string]onboarding.Registration {
	proven := map[string]onboarding.Registration{}
	for _, r := range c.Current() {
		if r.Status != onboarding.Active {
			continue
		}
		name := c.Link.CustomerID
		if c.Link.Scope == onboarding.ScopeOrganization {
			name += "/" + r.Account.String()
		}
		proven[name] = r
	}
	return proven
}
