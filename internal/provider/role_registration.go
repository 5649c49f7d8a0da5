// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// registrationModel is the data of a customer's role that the resource and both data
// sources share.
type registrationModel struct {
	RoleARN            types.String `tfsdk:"role_arn"`
	AccountID          types.String `tfsdk:"account_id"`
	ExternalID         types.String `tfsdk:"external_id"`
	StackID            types.String `tfsdk:"stack_id"`
	StackRegion        types.String `tfsdk:"stack_region"`
	GrantedPermissions types.Set    `tfsdk:"granted_permissions"`
	Parameters         types.Map    `tfsdk:"parameters"`
	Reported           types.Map    `tfsdk:"reported"`
	AdditionalRoleARNs types.Map    `tfsdk:"additional_role_arns"`
	TemplateVersion    types.String `tfsdk:"template_version"`
	Outdated           types.Bool   `tfsdk:"outdated"`
	UpdateURL          types.String `tfsdk:"update_url"`
	Status             types.String `tfsdk:"status"`
	RegisteredAt       types.String `tfsdk:"registered_at"`
	ProvenAt           types.String `tfsdk:"proven_at"`
	Accounts           types.Map    `tfsdk:"accounts"`
	AccountConfirmed   types.Bool   `tfsdk:"account_confirmed"`
}

// registrationAttributes returns the attributes of a registration for the resource.
// The data sources convert them.
func registrationAttributes() map[string]schema.Attribute {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	attributes := map[string]schema.Attribute{
		"role_arn": text("ARN of the customer's role. Before the customer launched it is the ARN that the role will have; " +
			"it can't be assumed until the role exists."),
		"additional_role_arns": schema.MapAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "ARNs of the stack's `additional_roles`, by their keys, as they were proven. Empty before the customer launched. To assume one, set `role_key` of `xacct_customer_credentials`.",
		},
		"account_id":   text("The customer's AWS account."),
		"external_id":  text("External ID that is needed to assume the role."),
		"stack_id":     text("ARN of the customer's stack; null before it phoned home."),
		"stack_region": text("Region of the customer's stack."),
		"granted_permissions": schema.SetAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "Optional permissions that the customer switched on, as the stack reported them.",
		},
		"parameters": schema.MapAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "What the customer entered for the link's `customer_parameters`, as the stack reported it, without fields that were left empty. " +
				"It is the customer's text and is not checked: show it, but build no command or policy of your own from it.",
		},
		"reported": schema.MapAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "What the stack reported by its `template_outputs`: at most 1,024 bytes of each, 8 KB together. Empty values are not in it. " +
				"It comes from the customer's account, and is not checked: show it, and build no command or policy of your own from it.",
		},
		"template_version": text("Version of the template that the stack was made with, as it reported."),
		"outdated":         schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the stack was created with another version than the link's current one."},
		"update_url": text("Link that opens the update of the stack in the customer's console, with the current template filled in, while the stack is `outdated`. " +
			"The customer's parameters stay as they are. Null if there is nothing to update."),
		"status": text("`pending` (not launched yet), `active` (the role is proven), `degraded` (there, but not proven now) " +
			"or `disconnected` (the customer deleted the stack, or removed its phone-home resource). Of an organization: `active` if all its accounts with a stack are, `degraded` if one is, " +
			"`disconnected` if no account has a stack any more, and `pending` if none ever had one."),
		"registered_at": text("When the stack registered the role, as an RFC 3339 time."),
		"account_confirmed": schema.BoolAttribute{
			Computed: true,
			MarkdownDescription: "Whether the account is one that the vendor named or let in as part of an organization. False while a link that anyone may use has no `account_id`, " +
				"even if an account has registered.",
		},
		"proven_at": text("When the result of the role's proof last changed, as an RFC 3339 time."),
	}
	attributes["accounts"] = accountsAttribute(attributes)
	return attributes
}

// flatten copies the data of a customer's role into the model.
func (m *registrationModel) flatten(ctx context.Context, view *hubview.View, c onboarding.Customer, diags *diag.Diagnostics) {
	m.flattenIdentity(c, view.Clients().Partition())
	m.UpdateURL = updateURL(ctx, view, c, diags)
	m.flattenAccounts(ctx, c, diags)
	m.Outdated = types.BoolValue(outdated(c))
	if c.Link.Scope == onboarding.ScopeOrganization {
		m.flattenOrganization(c)
		return
	}
	m.Status = statusOf(c)
	r, ok := c.SoleRegistration()
	m.GrantedPermissions = stringSet(ctx, r.GrantedPermissions, diags)
	m.Parameters = stringMap(ctx, r.Parameters, diags)
	m.Reported = stringMap(ctx, r.Reported, diags)
	m.AdditionalRoleARNs = stringMap(ctx, r.AdditionalRoleARNs(), diags)
	if !ok {
		m.StackID, m.StackRegion = types.StringNull(), types.StringNull()
		m.TemplateVersion = types.StringNull()
		m.RegisteredAt, m.ProvenAt = types.StringNull(), types.StringNull()
		return
	}
	m.StackID = optional(r.Stack.String())
	m.StackRegion = optional(r.Stack.Region.String())
	m.TemplateVersion = optional(r.TemplateVersion)
	m.RegisteredAt, m.ProvenAt = timeString(r.RegisteredAt), timeString(r.ProvenAt)
}

// outdated reports whether a stack of the customer was created from another version of
// the template than the link's current one.
func outdated(c onboarding.Customer) bool {
	return slices.ContainsFunc(c.Current(), func(r onboarding.Registration) bool { return r.Outdated(c.Link) })
}

// flattenIdentity copies the values that a plan knows into the model: the link's,
// until a live stack reports others. Organization links have no single account; open
// links have none until the first account registers.
func (m *registrationModel) flattenIdentity(c onboarding.Customer, partition account.Partition) {
	role, externalID := c.Link.Role(partition), c.Link.ExternalID
	if r, ok := c.SoleRegistration(); ok && r.Live() {
		role, externalID = r.Role, r.ExternalID
	}
	m.ExternalID = types.StringValue(externalID.String())
	m.RoleARN, m.AccountID = types.StringNull(), types.StringNull()
	if sole := c.Link.SoleAccount(); !sole.IsZero() {
		m.RoleARN, m.AccountID = types.StringValue(role.String()), types.StringValue(sole.String())
		if r, ok := c.SoleRegistration(); c.Link.ChoosesPath() && !(ok && r.Live()) {
			m.RoleARN = types.StringNull() // the customer chooses the role's path
		}
	}
}

// statusOf returns the status of a customer's role.
func statusOf(c onboarding.Customer) types.String {
	if c.Link.Scope == onboarding.ScopeOrganization {
		return types.StringValue(string(combinedStatus(c.Current())))
	}
	if r, ok := c.SoleRegistration(); ok {
		return types.StringValue(string(r.Status))
	}
	return types.StringValue(string(onboarding.Pending))
}

// live reports whether the role had a stack at the last refresh.
func (m registrationModel) live() bool { return liveStatus(m.Status) }

func liveStatus(text types.String) bool {
	status := onboarding.RegistrationStatus(text.ValueString())
	return status == onboarding.Active || status == onboarding.Degraded
}

// unknownRegistration returns a model whose values are all unknown.
func unknownRegistration() registrationModel {
	text := types.StringUnknown()
	return registrationModel{
		RoleARN: text, AccountID: text, ExternalID: text, StackID: text, StackRegion: text, TemplateVersion: text, UpdateURL: text,
		Status: text, RegisteredAt: text, ProvenAt: text, GrantedPermissions: types.SetUnknown(types.StringType), Parameters: types.MapUnknown(types.StringType), AdditionalRoleARNs: types.MapUnknown(types.StringType), Reported: types.MapUnknown(types.StringType), Outdated: types.BoolUnknown(),
		Accounts: types.MapUnknown(types.ObjectType{AttrTypes: accountTypes}), AccountConfirmed: types.BoolUnknown(),
	}
}

// followTemplate updates the model for another template of the link, from what the
// state contains about the stack: see knownStack.
func (m *registrationModel) followTemplate(ctx context.Context, view *hubview.View, link onboarding.Link, diags *diag.Diagnostics) {
	var sole knownStack
	if m.live() {
		sole = knownStack{ID: m.StackID.ValueString(), Version: m.TemplateVersion.ValueString(), ExternalID: m.ExternalID.ValueString()}
	}
	m.UpdateURL = sole.updateURL(ctx, view, link, diags)
	outdated := sole.outdatedBy(link)
	if m.Accounts.IsUnknown() {
		m.Outdated = types.BoolValue(outdated)
		return
	}
	accounts := map[string]accountModel{}
	diags.Append(m.Accounts.ElementsAs(ctx, &accounts, false)...)
	for id, a := range accounts {
		stack := knownStack{ID: a.StackID.ValueString(), Version: a.TemplateVersion.ValueString()}
		a.Outdated = types.BoolValue(liveStatus(a.Status) && stack.outdatedBy(link))
		outdated = outdated || a.Outdated.ValueBool()
		accounts[id] = a
	}
	m.Outdated = types.BoolValue(outdated)
	m.setAccounts(ctx, accounts, diags)
}

// setVersionUnknown makes the attributes unknown that change with the link's template.
func (m *registrationModel) setVersionUnknown(ctx context.Context, diags *diag.Diagnostics) {
	m.TemplateVersion, m.Outdated, m.UpdateURL = types.StringUnknown(), types.BoolUnknown(), types.StringUnknown()
	accounts := map[string]accountModel{}
	if m.Accounts.IsUnknown() {
		return
	}
	diags.Append(m.Accounts.ElementsAs(ctx, &accounts, false)...)
	for id, a := range accounts {
		a.TemplateVersion, a.Outdated = types.StringUnknown(), types.BoolUnknown()
		accounts[id] = a
	}
	m.setAccounts(ctx, accounts, diags)
}

// keep copies all known values from the plan, because Terraform requires that an apply
// returns them. The next refresh shows what has changed since.
func (m *registrationModel) keep(ctx context.Context, planned registrationModel, diags *diag.Diagnostics) {
	found := map[string]accountModel{}
	diags.Append(m.Accounts.ElementsAs(ctx, &found, false)...)
	to, from := reflect.ValueOf(m).Elem(), reflect.ValueOf(planned)
	for n := range from.NumField() {
		if !from.Field(n).Interface().(attr.Value).IsUnknown() {
			to.Field(n).Set(from.Field(n))
		}
	}
	if planned.Accounts.IsUnknown() {
		return
	}
	accounts := map[string]accountModel{}
	diags.Append(planned.Accounts.ElementsAs(ctx, &accounts, false)...)
	for id, a := range accounts {
		if a.Outdated.IsUnknown() { // see setVersionUnknown
			a.TemplateVersion, a.Outdated = found[id].TemplateVersion, found[id].Outdated
		}
		accounts[id] = a
	}
	m.setAccounts(ctx, accounts, diags)
}
