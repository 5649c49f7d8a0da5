// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// askedModel is a permission set without its role: who may assume the role, and what
// the customer decides.
type askedModel struct {
	TrustedPrincipalARNs types.Set    `tfsdk:"trusted_principal_arns"`
	TrustedAccountIDs    types.Set    `tfsdk:"trusted_account_ids"`
	AllowSessionTags     types.Bool   `tfsdk:"allow_session_tags"`
	AllowSourceIdentity  types.Bool   `tfsdk:"allow_source_identity"`
	CustomerParameters   types.Map    `tfsdk:"customer_parameters"`
	CustomerChooses      types.Set    `tfsdk:"customer_chooses"`
	OptionalPermissions  types.Map    `tfsdk:"optional_permissions"`
	AdditionalRoles      types.Map    `tfsdk:"additional_roles"`
	TemplateResources    types.String `tfsdk:"template_resources"`
	TemplateOutputs      types.String `tfsdk:"template_outputs"`
	RegisterWithoutStack types.Bool   `tfsdk:"register_without_stack"`
}

// askedAttributes returns the attributes of askedModel. None has a default of its own:
// in a state that an earlier release wrote they are null, and an upgrade must plan no
// change.
func askedAttributes() map[string]schema.Attribute {
	attributes := map[string]schema.Attribute{
		"customer_parameters": customerParametersAttribute(),
		"customer_chooses": schema.SetAttribute{
			Optional: true, ElementType: types.StringType,
			Validators: []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(stringvalidator.OneOf(permissionset.Choosable...))},
			MarkdownDescription: "What the customer can choose when they create the stack: `permissions_boundary` (a policy of their own, in place of the one that you declare) and " +
				"`role_path` (the one that you declare is the default; `role_arn` is not known before the role exists). The choice is in `parameters` of `xacct_customer_role`.",
		},
		"optional_permissions": optionalPermissionsAttribute(),
		"additional_roles":     additionalRolesAttribute(),
		"template_resources":   templateResourcesAttribute(),
		"template_outputs":     templateOutputsAttribute(),
		"register_without_stack": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Whether customers may create the role without the stack, from the plain IAM resources that `terraform_snippet(url, \"iam\")` and `xacct link --format terraform-iam` print; default `false`. See the guide \"Roles without a stack\". " +
				"Registrars then try the role of every open link that names one account, at intervals that grow from a minute to a day, and register a role that passes the full proof; `xacct verify` does it at once. " +
				"(If the link has a role of its own instead of a permission set, they try once in each daily round.) " +
				"A role that is refused for a week is `disconnected`. Only for links whose external ID the hub has issued, and not with `role_path` in `customer_chooses`.",
		},
	}
	maps.Copy(attributes, trustAttributes())
	return attributes
}

// trustAttributes returns the attributes that define who may assume a role.
func trustAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"trusted_principal_arns": trustedPrincipalsAttribute(),
		"trusted_account_ids": schema.SetAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Other AWS accounts of the vendor that may assume the customer's role, 12 digits each, all with the external ID. The hub's own account stays trusted, because it proves the role. " +
				"If `trusted_principal_arns` names roles of an account, only those may. Customers read the accounts in the template's description. " +
				"All of them must exist, or every customer's stack fails.",
			Validators: []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(validAccountID())},
		},
		"allow_session_tags": schema.BoolAttribute{
			Optional: true, MarkdownDescription: "Whether sessions of the role may have tags (`sts:TagSession`); default `false`.",
		},
		"allow_source_identity": schema.BoolAttribute{
			Optional: true, MarkdownDescription: "Whether sessions of the role may have a source identity (`sts:SetSourceIdentity`); default `false`.",
		},
	}
}

// values returns the attributes by their names.
func (m askedModel) values() map[string]attr.Value {
	return map[string]attr.Value{
		"trusted_principal_arns": m.TrustedPrincipalARNs, "trusted_account_ids": m.TrustedAccountIDs,
		"allow_session_tags": m.AllowSessionTags, "allow_source_identity": m.AllowSourceIdentity,
		"customer_parameters": m.CustomerParameters, "customer_chooses": m.CustomerChooses, "optional_permissions": m.OptionalPermissions,
		"additional_roles":       m.AdditionalRoles,
		"template_resources":     m.TemplateResources,
		"template_outputs":       m.TemplateOutputs,
		"register_without_stack": m.RegisterWithoutStack,
	}
}

// known reports whether all values are known.
func (m askedModel) known() bool {
	for _, value := range m.values() {
		if !fullyKnown(value) {
			return false
		}
	}
	return true
}

// choicesKnown reports whether all values are known that the customer decides, or that
// the stack has besides the role.
func (m askedModel) choicesKnown() bool {
	return !m.TemplateResources.IsUnknown() && !m.TemplateOutputs.IsUnknown() && fullyKnown(m.AdditionalRoles) && fullyKnown(m.CustomerParameters) && fullyKnown(m.CustomerChooses) && fullyKnown(m.OptionalPermissions)
}

func (m askedModel) equal(o askedModel) bool {
	return maps.EqualFunc(m.values(), o.values(), func(a, b attr.Value) bool { return a.Equal(b) })
}

// trust returns who may assume the role. All values must be known.
func (m askedModel) trust(ctx context.Context, diags *diag.Diagnostics) permissionset.Trust {
	var declared permissionset.Trust
	expandAttributes(ctx, m.values(), &declared, diags)
	return declared
}

// choices returns what the customer decides. All values must be known.
func (m askedModel) choices(ctx context.Context, diags *diag.Diagnostics) permissionset.Choices {
	var declared permissionset.Choices
	expandAttributes(ctx, m.values(), &declared, diags)
	return declared
}

// additions returns what the stack has besides the role. All values must be known.
func (m askedModel) additions(ctx context.Context, diags *diag.Diagnostics) permissionset.Additions {
	var declared permissionset.Additions
	expandAttributes(ctx, m.values(), &declared, diags)
	return declared
}

// flattenAsked returns the model of a set without its role.
func flattenAsked(ctx context.Context, set permissionset.Set, diags *diag.Diagnostics) askedModel {
	known := map[string]attr.Type{}
	for name, attribute := range askedAttributes() {
		known[name] = attribute.GetType()
	}
	values := flattenAttributes(ctx, set.Trust, known, diags)
	maps.Copy(values, flattenAttributes(ctx, set.Choices, known, diags))
	maps.Copy(values, flattenAttributes(ctx, set.Additions, known, diags))
	var m askedModel
	m.TrustedPrincipalARNs, _ = values["trusted_principal_arns"].(types.Set)
	m.TrustedAccountIDs, _ = values["trusted_account_ids"].(types.Set)
	m.AllowSessionTags, _ = values["allow_session_tags"].(types.Bool)
	m.AllowSourceIdentity, _ = values["allow_source_identity"].(types.Bool)
	m.CustomerParameters, _ = values["customer_parameters"].(types.Map)
	m.CustomerChooses, _ = values["customer_chooses"].(types.Set)
	m.OptionalPermissions, _ = values["optional_permissions"].(types.Map)
	m.AdditionalRoles, _ = values["additional_roles"].(types.Map)
	m.TemplateResources, _ = values["template_resources"].(types.String)
	m.TemplateOutputs, _ = values["template_outputs"].(types.String)
	m.RegisterWithoutStack, _ = values["register_without_stack"].(types.Bool)
	return m
}
