// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// fleetModel is xacct_fleet in configuration, plan and state. It has no nested
// objects: with thousands of customers, these would take more time in the engine and
// the framework than everything else.
type fleetModel struct {
	ID            types.String `tfsdk:"id"`
	Hub           types.String `tfsdk:"hub"`
	Name          types.String `tfsdk:"name"`
	PermissionSet types.String `tfsdk:"permission_set"`
	Region        types.String `tfsdk:"region"`
	Customers     types.Map    `tfsdk:"customers"`
	ExpiresAt     types.String `tfsdk:"expires_at"`

	ExternalIDVersion types.Int64 `tfsdk:"external_id_version"`

	ExternalIDs types.Map    `tfsdk:"external_ids"`
	Topics      types.Map    `tfsdk:"topics"`
	URLTemplate types.String `tfsdk:"url_template"`
	Incarnation types.String `tfsdk:"incarnation"`
}

func fleetSchema() schema.Schema {
	replace := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	return schema.Schema{
		MarkdownDescription: "Many customers of one permission set, in one resource: an onboarding link for each, with an external ID of its own, " +
			"the permission to phone home, and a launch link that the function `fleet_url` gives. " +
			"It is for hundreds or thousands of customers whose accounts are known: ten thousand are planned and applied in less than a minute, " +
			"and only what changed is written. If a customer needs something of their own (another role, an expiry, an organization, an account that isn't known yet), " +
			"declare an `xacct_onboarding_link` for them instead.\n\n" +
			"Customers of a fleet are like all others: `xacct_customer_role`, `xacct_customer_roles` and the commands of `xacct` know them by their ID. " +
			"A customer who is removed from `customers` is offboarded, as by destroying a link: the stack stays as it is, and can still be updated and deleted. " +
			"If the customer is added again with the same account, the external ID is the same as before.\n\n" +
			"If an apply fails part-way, the state keeps what was done, and the next apply continues from there. " +
			"A customer is in one fleet or has a link of their own, never both. " +
			"If the customer has an open link with the same arguments, of another fleet or an `xacct_onboarding_link`, the fleet takes it over with its external ID and launch link: " +
			"customers do not notice the move.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true, MarkdownDescription: "`hub/name`."},
			"hub": schema.StringAttribute{
				Required: true, PlanModifiers: replace, Validators: []validator.String{validHubName()},
				MarkdownDescription: "The hub's `id`; its `publishers` are `known_accounts`. Forces replacement.",
			},
			"name": schema.StringAttribute{
				Required: true, PlanModifiers: replace, Validators: []validator.String{validFleetName()},
				MarkdownDescription: "Name of the fleet in its hub: 1 to 64 letters, digits and `._-`, beginning with a letter or digit. Forces replacement.",
			},
			"permission_set": schema.StringAttribute{
				Required: true, Validators: []validator.String{validSetID()},
				MarkdownDescription: "The `id` of the `xacct_permission_set` that all customers are asked to grant. A change of the set is one write, " +
					"and changes `url_template` in the same apply; switching to another set is one write per customer.",
			},
			"region": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{validRegion()},
				MarkdownDescription: "Region in which the launch links open the console, one of the hub's `regions`; default the hub's `region`.",
			},
			"customers": schema.MapAttribute{
				Required: true, ElementType: types.StringType, Validators: []validator.Map{validCustomers{}},
				MarkdownDescription: "Account IDs (12 digits) by customer ID: your own identifier for the customer, 1 to 64 letters, digits and `._-`. " +
					"A customer's account can't change while a stack of theirs is live.",
			},
			"expires_at": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validTime()}, PlanModifiers: []planmodifier.String{sameInstant()},
				MarkdownDescription: "RFC 3339 time, such as `2030-01-31T18:00:00Z`, after which the fleet's links can't be used for new stacks. Live stacks are not affected.",
			},
			"external_id_version": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 1000)},
				MarkdownDescription: "Raise it to give all customers of the fleet a new external ID, also those who are connected; default 1; without it, each keeps the one that they have. " +
					"The links have the new IDs at once, and no new stack may have an old one. A connected customer keeps the registered ID until they update their stack: " +
					"`xacct link HUB/CUSTOMER --update --format cli` prints the command for each. A customer who has a later version already keeps it. " +
					"It can't be lowered. To rotate the ID of one customer alone, declare an `xacct_onboarding_link` for them with a version of its own, after they were taken out of the fleet.",
			},
			"external_ids": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The external ID of each customer: unguessable, unique, the same again if an apply is repeated, and not a secret.",
			},
			"topics": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Topic numbers of the customers who publish to another topic than the one in `url_template`, because the hub has grown since they were added. Null if there are none.",
			},
			"url_template": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "The part that the launch links of all customers share. The function `fleet_url` builds each customer's link from it. " +
					"Null if the hub's `template_access` is `presigned`: `xacct link` prints links then.",
			},
			"incarnation": incarnationAttribute("fleet"),
		},
	}
}
