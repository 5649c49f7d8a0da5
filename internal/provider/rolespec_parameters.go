// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

func customerParametersAttribute() schema.MapNestedAttribute {
	length := func(text string) schema.Int64Attribute {
		return schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.Between(1, 4096)}, MarkdownDescription: text}
	}
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: fmt.Sprintf("Values that the customer enters when they create the stack, such as the name of a bucket. Policies and ARNs refer to them by the function `customer_parameter`. "+
			"The values are in the `parameters` of `xacct_customer_role`: they are the customer's own text about their own account. "+
			"Keys have 1 to 41 lower-case letters, digits and underscores, and begin with a letter. At most %d.", permissionset.MaxCustomerParameters),
		Validators: []validator.Map{mapvalidator.SizeAtMost(permissionset.MaxCustomerParameters), mapvalidator.KeysAre(validPermissionKey())},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"description": schema.StringAttribute{
				Required: true, Validators: []validator.String{stringvalidator.UTF8LengthBetween(1, permissionset.MaxSwitchText)},
				MarkdownDescription: fmt.Sprintf("What the customer has to enter, in one line of at most %d characters: they read it beside the field.", permissionset.MaxSwitchText),
			},
			"default": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Value that the field has unless the customer changes it. `\"\"`: the customer may leave the field empty; then the parameter is only referred to in optional permissions " +
					"that name it in `when_parameter`. Without a default the customer has to enter a value.",
			},
			"allowed_values": schema.SetAttribute{
				Optional: true, ElementType: types.StringType, Validators: []validator.Set{setvalidator.SizeAtLeast(1)},
				MarkdownDescription: "Values among which the customer chooses.",
			},
			"allowed_pattern": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "Regular expression that the whole value matches; default: letters, digits and `.-_/`. A pattern that lets `* ? $ { }`, quotes or backslashes pass is refused, " +
					"and so is one that CloudFormation interprets differently.",
			},
			"min_length": length("Shortest value, in characters; default 1."),
			"max_length": length("Longest value, in characters; default 128. Each reference counts as this many characters of its policy."),
		}},
	}
}
