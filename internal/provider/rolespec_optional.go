// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// optionalPermissionModel is one element of a link's optional_permissions.
type optionalPermissionModel struct {
	Description       types.String `tfsdk:"description"`
	DefaultEnabled    types.Bool   `tfsdk:"default_enabled"`
	ManagedPolicyARNs types.Set    `tfsdk:"managed_policy_arns"`
	InlinePolicies    types.Map    `tfsdk:"inline_policies"`
}

func optionalPermissionsAttribute() schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: fmt.Sprintf("Grants that the customer switches on or off in the console, each with a parameter of the stack, Yes or No: "+
			"when they create the stack, and in any later update of it. What is switched on is in the `granted_permissions` of `xacct_customer_role`. "+
			"Keys have 1 to 41 lower-case letters, digits and underscores, begin with a letter, and stay as they are when others come and go. At most %d.",
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
				MarkdownDescription: "Whether the switch is on unless the customer turns it off; default `false`. Stacks that exist keep their position.",
			},
			"managed_policy_arns": managedPoliciesAttribute("Managed policies to attach while it is switched on. The role has at most 20 with everything switched on."),
			"inline_policies":     inlinePoliciesAttribute("Inline policies by name, as JSON documents, that the role has while it is switched on. A name occurs once in the role and all optional permissions, and together they keep the limit of the role's."),
		}},
	}
}

func validPermissionKey() check {
	return check{"1 to 41 lower-case letters, digits and underscores, beginning with a letter", "Not a key of an optional permission", func(s string) error {
		if !permissionset.ValidSwitchKey(s) {
			return fmt.Errorf("%q is not: the stack's parameter is named after it, so it looks like billing or restart_hosts", s)
		}
		return nil
	}}
}

// expandOptional returns the declared form of the attribute, all of it known.
func expandOptional(ctx context.Context, permissions types.Map, diags *diag.Diagnostics) map[string]permissionset.OptionalPermission {
	if permissions.IsNull() {
		return nil
	}
	var models map[string]optionalPermissionModel
	diags.Append(permissions.ElementsAs(ctx, &models, false)...)
	declared := make(map[string]permissionset.OptionalPermission, len(models))
	for key, model := range models {
		permission := permissionset.OptionalPermission{
			Description: model.Description.ValueString(), DefaultEnabled: model.DefaultEnabled.ValueBool(),
		}
		diags.Append(model.ManagedPolicyARNs.ElementsAs(ctx, &permission.ManagedPolicyARNs, false)...)
		diags.Append(model.InlinePolicies.ElementsAs(ctx, &permission.InlinePolicies, false)...)
		slices.Sort(permission.ManagedPolicyARNs)
		declared[key] = permission
	}
	return declared
}

// flattenOptional returns the attribute of what was declared.
func flattenOptional(ctx context.Context, declared map[string]permissionset.OptionalPermission, diags *diag.Diagnostics) types.Map {
	element := optionalPermissionType()
	if declared == nil {
		return types.MapNull(element)
	}
	models := make(map[string]optionalPermissionModel, len(declared))
	for key, permission := range declared {
		models[key] = optionalPermissionModel{
			Description:       types.StringValue(permission.Description),
			DefaultEnabled:    types.BoolValue(permission.DefaultEnabled),
			ManagedPolicyARNs: nullableSet(ctx, permission.ManagedPolicyARNs, diags),
			InlinePolicies:    nullableMap(ctx, permission.InlinePolicies, diags),
		}
	}
	value, d := types.MapValueFrom(ctx, element, models)
	diags.Append(d...)
	return value
}

// optionalPermissionType is the type of one, which the schema knows.
func optionalPermissionType() attr.Type {
	return optionalPermissionsAttribute().NestedObject.Type()
}
