// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"

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

func roleSchema(ctx context.Context) schema.Schema {
	attributes := registrationAttributes()
	maps.Copy(attributes, map[string]schema.Attribute{
		"link": schema.StringAttribute{
			Required: true, Validators: []validator.String{validLinkID()},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			MarkdownDescription: "The onboarding link's `id`. Forces replacement.",
		},
		"wait": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Whether the apply waits until the role is registered; default `false`. Turning it on is an update that waits. " +
				"A waiting role occupies one of Terraform's `-parallelism` slots, 10 by default, until its customer has launched: for many customers leave it `false` and run `xacct registrar`.",
		},
		"timeouts": timeouts.Attributes(ctx, timeouts.Opts{
			Create:            true,
			Update:            true,
			CreateDescription: "How long a create with `wait = true` waits for the customer; default `60m`.",
			UpdateDescription: "How long an update that turns `wait` on waits for the customer; default `60m`.",
		}),
		"minimum_accounts": schema.Int64Attribute{
			Optional: true, Validators: []validator.Int64{int64validator.AtLeast(1)},
			MarkdownDescription: "For a link with `scope = \"organization\"`: number of accounts that `wait = true` waits for; default 1. " +
				"Raising it does not wait if the role exists already; `-replace` does.",
		},
	})
	return schema.Schema{
		MarkdownDescription: "One customer's role, as it was registered by the customer's stack.\n\n" +
			"With `wait = false` it returns at once, and each refresh shows what the customer did. With `wait = true` " +
			"the apply waits for the customer, and answers the phone-home itself. An action of the customer changes `status` " +
			"and never removes the resource; destroying it removes the role from the state, and changes nothing in the customer's account.",
		Attributes: attributes,
	}
}
