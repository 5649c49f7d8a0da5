// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// fleetModel is xacct_fleet in configuration, plan and state. It is flat: nested
// objects cost engine and framework more than everything else does.
type fleetModel struct {
	ID            types.String `tfsdk:"id"`
	Hub           types.String `tfsdk:"hub"`
	Name          types.String `tfsdk:"name"`
	PermissionSet types.String `tfsdk:"permission_set"`
	Region        types.String `tfsdk:"region"`
	Customers     types.Map    `tfsdk:"customers"`
	ExpiresAt     types.String `tfsdk:"expires_at"`

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
			"A customer who is taken out of `customers` is offboarded, as by destroying a link: the stack stays as it is, and may still be updated and deleted. " +
			"Put back with the same account, the customer has the same external ID again.\n\n" +
			"An apply that fails half-way keeps what it has done in the state, and the next one goes on from there. " +
			"A customer is in one fleet or has a link of their own, never both. " +
			"A link of one's own, or of another fleet, that says the same is taken over by the fleet that declares its customer, with external ID and launch link: " +
			"so customers move between them without noticing.",
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
				MarkdownDescription: "The `id` of the `xacct_permission_set` that says what is asked of all customers. A change of the set is one write, " +
					"and moves `url_template` in the same apply; another set is a write for each customer.",
			},
			"region": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{validRegion()},
				MarkdownDescription: "Region in which the launch links open the console, one of the hub's `regions`; default the hub's `region`.",
			},
			"customers": schema.MapAttribute{
				Required: true, ElementType: types.StringType, Validators: []validator.Map{validCustomers{}},
				MarkdownDescription: "The account ID of each customer, by your own name for the customer: 12 digits, by 1 to 64 letters, digits and `._-`. " +
					"A customer's account can't change while a stack of theirs is live.",
			},
			"expires_at": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validTime()}, PlanModifiers: []planmodifier.String{sameInstant()},
				MarkdownDescription: "Time by RFC 3339, such as `2030-01-31T18:00:00Z`, from which on all links of the fleet are refused to new stacks. Live stacks don't mind.",
			},
			"external_ids": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The external ID of each customer: unguessable, unique, the same again after a crash, and no secret.",
			},
			"topics": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The topic's number of those customers who don't speak to the one that `url_template` gives them, because the hub has grown since they came. Null if there is none.",
			},
			"url_template": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "What the launch links of all customers have in common. The function `fleet_url` makes each customer's of it. " +
					"Null if the hub's `template_access` is `presigned`: `xacct link` prints links then.",
			},
			"incarnation": incarnationAttribute("fleet"),
		},
	}
}
