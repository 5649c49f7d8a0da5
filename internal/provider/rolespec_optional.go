// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

func optionalPermissionsAttribute() schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: fmt.Sprintf("Grants that the customer switches on or off in the console, each with a parameter of the stack, Yes or No: "+
			"when they create the stack, and in any later update of it. `granted_permissions` of `xacct_customer_role` lists those that are switched on. "+
			"Keys have 1 to 41 lower-case letters, digits and underscores, begin with a letter, and stay the same when others are added or removed. At most %d.",
			permissionset.MaxOptionalPermissions),
		Validators: []validator.Map{
			mapvalidator.SizeAtMost(permissionset.MaxOptionalPermissions),
			mapvalidator.KeysAre(validPermissionKey()),
		},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"description": schema.StringAttribute{
				Required: true, Validators: []validator.String{stringvalidator.UTF8LengthBetween(1, permissionset.MaxSwitchText)},
				MarkdownDescription: fmt.Sprintf("What the customer grants, in one line of at most %d characters: they read it beside the switch.", permissionset.MaxSwitchText),
			},
			"default_enabled": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether the switch is on unless the customer turns it off; default `false`. Existing stacks keep their setting.",
			},
			"when_parameter": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validPermissionKey()},
				MarkdownDescription: "Key of a customer parameter whose default is `\"\"`: the permission is granted when the customer fills the field in, and has no switch of its own. Its policies may refer to the parameter.",
			},
			"managed_policies":    createdPoliciesAttribute("Customer-managed policies by name, as JSON documents, which the stack creates and attaches while it is switched on."),
			"managed_policy_arns": managedPoliciesAttribute("Managed policies to attach while it is switched on. The role has at most 20 with everything switched on."),
			"inline_policies":     inlinePoliciesAttribute("Inline policies by name, as JSON documents, that the role has while it is switched on. A name occurs once in the role and all optional permissions, and together they keep the limit of the role's."),
		}},
	}
}

func validPermissionKey() check {
	return check{"1 to 41 lower-case letters, digits and underscores, beginning with a letter", "Invalid optional permission key", func(s string) error {
		if !permissionset.ValidSwitchKey(s) {
			return fmt.Errorf("got %q; the stack's parameter is named after it: write it like billing or restart_hosts", s)
		}
		return nil
	}}
}
