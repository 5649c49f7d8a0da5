// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// linkModel is xacct_onboarding_link in configuration, plan and state.
type linkModel struct {
	ID             types.String `tfsdk:"id"`
	Hub            types.String `tfsdk:"hub"`
	CustomerID     types.String `tfsdk:"customer_id"`
	AccountID      types.String `tfsdk:"account_id"`
	Scope          types.String `tfsdk:"scope"`
	OrganizationID types.String `tfsdk:"organization_id"`
	OnlyAccountIDs types.Set    `tfsdk:"only_account_ids"`
	PermissionSet  types.String `tfsdk:"permission_set"`
	Role           types.Object `tfsdk:"role"`
	askedModel
	StackName  types.String `tfsdk:"stack_name"`
	Region     types.String `tfsdk:"region"`
	ExternalID types.String `tfsdk:"external_id"`
	ExpiresAt  types.String `tfsdk:"expires_at"`

	ExternalIDVersion types.Int64 `tfsdk:"external_id_version"`

	URL             types.String `tfsdk:"url"`
	TemplateURL     types.String `tfsdk:"template_url"`
	TemplateVersion types.String `tfsdk:"template_version"`
	Status          types.String `tfsdk:"status"`
	UpdateURL       types.String `tfsdk:"update_url"`
	Incarnation     types.String `tfsdk:"incarnation"`

	UpdateCommand      types.String `tfsdk:"update_command"`
	PreviousExternalID types.String `tfsdk:"previous_external_id"`
}

func linkSchema() schema.Schema {
	replace := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	linked := schema.Schema{
		MarkdownDescription: "One customer's onboarding link: a CloudFormation quick-create URL that the customer opens in their own console, " +
			"with the template, the external ID and the permission to phone home behind it. Everything in it is deterministic, " +
			"so if the hub exists, the plan already shows the link.\n\n" +
			"Destroying a link closes it: it can't be used any more. The customer's stack stays as it is, " +
			"and can still be updated and deleted. If the link is created again for the same account, it has the same external ID; " +
			"for another account, it gets a new one.\n\n" +
			"If the customer has an open link with the same arguments, creating the resource takes it over with its external ID and URL: so renaming, re-keying and replacing the resource " +
			"closes nothing, in whichever order Terraform does it. The state that managed the link before can no longer close it, and its plans warn.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true, MarkdownDescription: "`hub/customer_id`."},
			"hub": schema.StringAttribute{
				Required: true, PlanModifiers: replace, Validators: []validator.String{validHubName()},
				MarkdownDescription: "The hub's `id`. Forces replacement.",
			},
			"customer_id": schema.StringAttribute{
				Required: true, PlanModifiers: replace, Validators: []validator.String{validCustomerID()},
				MarkdownDescription: "The vendor's own name for the customer: 1 to 64 letters, digits and `._-`, beginning with a letter or digit. " +
					"The customer sees it. Forces replacement.",
			},
			"account_id": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validAccountID()},
				MarkdownDescription: "The customer's AWS account, the only one that may use the link: 12 digits. Required while the hub's `publishers` are " +
					"`known_accounts`. Can't change while a stack is live. With `publishers = \"anyone\"` it may be left out: the first account that registers " +
					"then owns the link, and setting `account_id` to it confirms that it is the customer's. With `scope = \"organization\"` it is not needed; " +
					"it may name the management account.",
			},
			"scope":            linkScopeAttribute(),
			"organization_id":  organizationAttribute(),
			"only_account_ids": onlyAccountsAttribute(),
			"permission_set":   permissionSetAttribute(),
			"role":             ownRoleAttribute(),
			"stack_name": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{validStackName()},
				MarkdownDescription: "Name that the link proposes for the stack; default `<hub>-access`.",
			},
			"region": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{validRegion()},
				MarkdownDescription: "Region in which the link opens the console, one of the hub's `regions`; default the hub's `region`. " +
					"Customers may choose another of the hub's Regions in the console.",
			},
			"external_id": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{validExternalID()},
				MarkdownDescription: "External ID that the role requires: unguessable, unique to the customer, and the same again if an apply is repeated. " +
					"It is not a secret. Set it only to adopt an existing role; it can't change while a stack is live.",
			},
			"external_id_version": externalIDVersionAttribute(),
			"expires_at": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validTime()}, PlanModifiers: []planmodifier.String{sameInstant()},
				MarkdownDescription: "RFC 3339 time, such as `2030-01-31T18:00:00Z`, after which the link can't be used for new stacks. Live stacks are not affected.",
			},
			"url":              schema.StringAttribute{Computed: true, MarkdownDescription: "The launch link to send to the customer. Null if the hub's `template_access` is `presigned`: `xacct link` prints it then."},
			"template_url":     schema.StringAttribute{Computed: true, MarkdownDescription: "URL of the template. It contains a hash of the content, and customers with the same role share it. If the role changes, so does the URL; the previous template stays readable while any live stack was created from it, and for at least 7 days. Null if the hub's `template_access` is `presigned`."},
			"template_version": schema.StringAttribute{Computed: true, MarkdownDescription: "Digest of role and trust. It changes only if what the customer grants changes."},
			"incarnation":      incarnationAttribute("link"),
			"status":           schema.StringAttribute{Computed: true, MarkdownDescription: "`open`, `expired` or `closed`."},
			"update_url": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "Link that opens the update of the customer's stack in the customer's console, while the stack was created with another `template_version` or has another external ID: " +
					"the current template is filled in. The console keeps the values of parameters, so the customer has to enter a new external ID. Null if there is nothing to update.",
			},
			"update_command":       updateCommandAttribute(),
			"previous_external_id": previousExternalIDAttribute(),
		},
	}
	maps.Copy(linked.Attributes, askedAttributes())
	return linked
}
