// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// roleModel is xacct_customer_role in configuration, plan and state.
type roleModel struct {
	Link     types.String   `tfsdk:"link"`
	Wait     types.Bool     `tfsdk:"wait"`
	Timeouts timeouts.Value `tfsdk:"timeouts"`

	MinimumAccounts types.Int64 `tfsdk:"minimum_accounts"`

	registrationModel
}

// registrationModel is what is known of a customer's role: the part that the
// resource and both data sources share.
type registrationModel struct {
	RoleARN            types.String `tfsdk:"role_arn"`
	AccountID          types.String `tfsdk:"account_id"`
	ExternalID         types.String `tfsdk:"external_id"`
	StackID            types.String `tfsdk:"stack_id"`
	StackRegion        types.String `tfsdk:"stack_region"`
	GrantedPermissions types.Set    `tfsdk:"granted_permissions"`
	TemplateVersion    types.String `tfsdk:"template_version"`
	Outdated           types.Bool   `tfsdk:"outdated"`
	UpdateURL          types.String `tfsdk:"update_url"`
	Status             types.String `tfsdk:"status"`
	RegisteredAt       types.String `tfsdk:"registered_at"`
	ProvenAt           types.String `tfsdk:"proven_at"`
	Accounts           types.Map    `tfsdk:"accounts"`
	AccountConfirmed   types.Bool   `tfsdk:"account_confirmed"`
}

// What the attributes of a registration mean, for resource and data sources.
var registrationTexts = map[string]string{
	"role_arn": "ARN of the customer's role. Before the customer launched it is the ARN that the role will have; " +
		"nobody can assume it until the role is there.",
	"account_id":          "The customer's AWS account.",
	"external_id":         "External ID to assume the role with.",
	"stack_id":            "ARN of the customer's stack; null before it phoned home.",
	"stack_region":        "Region of the customer's stack.",
	"granted_permissions": "Optional permissions that the customer switched on, as the stack reported them.",
	"template_version":    "Version of the template that the stack was made with, as it reported.",
	"outdated":            "Whether the stack was made with another version than the link's of today.",
	"update_url": "While the stack is `outdated`: the link that opens its update in the customer's console, with today's template filled in. " +
		"The customer's parameters stay as they are. Null where there is nothing to update.",
	"status": "`pending` (nobody has launched), `active` (the role is proven), `degraded` (there, but not proven now) " +
		"or `disconnected` (the customer deleted the stack). Of an organization: `active` if all its accounts with a stack are, `degraded` if one is, " +
		"`disconnected` if none has a stack any more, and `pending` if none ever had.",
	"registered_at": "When the stack registered the role, by RFC 3339.",
	"account_confirmed": "Whether the account is one that the vendor named or let in as part of an organization. False while a link that anyone may use has no `account_id`, " +
		"whoever has registered.",
	"accounts": "The registered accounts, by account ID. Of one account it has at most one element; of an organization one for each account, " +
		"and the attributes beside it that speak of one account are null.",
	"proven_at": "When the role was last proven with another result than before, by RFC 3339.",
}

func roleSchema(ctx context.Context) schema.Schema {
	known := func(name string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: registrationTexts[name]}
	}
	return schema.Schema{
		MarkdownDescription: "One customer's role, as it was registered by the customer's stack.\n\n" +
			"With `wait = false` it returns at once, and each refresh shows what the customer did. With `wait = true` " +
			"the apply waits for the customer, and answers the phone-home itself. What a customer does changes `status` " +
			"and never removes the resource; destroying it forgets the role, and changes nothing with the customer.",
		Attributes: map[string]schema.Attribute{
			"link": schema.StringAttribute{
				Required: true, Validators: []validator.String{linkID()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "The onboarding link's `id`. Forces replacement.",
			},
			"wait": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether the apply waits until the role is registered; default `false`. Turning it on is an update that waits.",
			},
			"timeouts": timeouts.Attributes(ctx, timeouts.Opts{
				Create:            true,
				Update:            true,
				CreateDescription: "How long a create with `wait = true` waits for the customer; default `60m`.",
				UpdateDescription: "How long an update that turns `wait` on waits for the customer; default `60m`.",
			}),
			"role_arn":         known("role_arn"),
			"account_id":       known("account_id"),
			"external_id":      known("external_id"),
			"stack_id":         known("stack_id"),
			"stack_region":     known("stack_region"),
			"template_version": known("template_version"),
			"update_url":       known("update_url"),
			"status":           known("status"),
			"registered_at":    known("registered_at"),
			"proven_at":        known("proven_at"),
			"granted_permissions": schema.SetAttribute{
				Computed: true, ElementType: types.StringType, MarkdownDescription: registrationTexts["granted_permissions"],
			},
			"outdated": schema.BoolAttribute{Computed: true, MarkdownDescription: registrationTexts["outdated"]},
			"minimum_accounts": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.AtLeast(1)},
				MarkdownDescription: "Of a link with `scope = \"organization\"`: how many accounts `wait = true` waits for; default 1. " +
					"Turning it up waits no more once the role is there: `-replace` does.",
			},
			"account_confirmed": schema.BoolAttribute{Computed: true, MarkdownDescription: registrationTexts["account_confirmed"]},
			"accounts":          accountsAttribute(),
		},
	}
}
