// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// linkModel is xacct_onboarding_link in configuration, plan and state.
type linkModel struct {
	ID                   types.String `tfsdk:"id"`
	Hub                  types.String `tfsdk:"hub"`
	CustomerID           types.String `tfsdk:"customer_id"`
	AccountID            types.String `tfsdk:"account_id"`
	Scope                types.String `tfsdk:"scope"`
	OrganizationID       types.String `tfsdk:"organization_id"`
	OnlyAccountIDs       types.Set    `tfsdk:"only_account_ids"`
	Role                 types.Object `tfsdk:"role"`
	TrustedPrincipalARNs types.Set    `tfsdk:"trusted_principal_arns"`
	StackName            types.String `tfsdk:"stack_name"`
	Region               types.String `tfsdk:"region"`
	ExternalID           types.String `tfsdk:"external_id"`
	ExpiresAt            types.String `tfsdk:"expires_at"`
	OptionalPermissions  types.Map    `tfsdk:"optional_permissions"`

	URL             types.String `tfsdk:"url"`
	TemplateURL     types.String `tfsdk:"template_url"`
	TemplateVersion types.String `tfsdk:"template_version"`
	Status          types.String `tfsdk:"status"`
	UpdateURL       types.String `tfsdk:"update_url"`
}

// roleSpecModel is the link's role attribute.
type roleSpecModel struct {
	Name                   types.String `tfsdk:"name"`
	Path                   types.String `tfsdk:"path"`
	Description            types.String `tfsdk:"description"`
	ManagedPolicyARNs      types.Set    `tfsdk:"managed_policy_arns"`
	InlinePolicies         types.Map    `tfsdk:"inline_policies"`
	PermissionsBoundaryARN types.String `tfsdk:"permissions_boundary_arn"`
	MaxSessionDuration     types.Int64  `tfsdk:"max_session_duration"`
	Tags                   types.Map    `tfsdk:"tags"`
}

func linkSchema() schema.Schema {
	replace := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	return schema.Schema{
		MarkdownDescription: "One customer's onboarding link: a CloudFormation quick-create URL that the customer opens in their own console, " +
			"with the template, the external ID and the permission to phone home behind it. Everything of it is deterministic, " +
			"so where the hub exists the plan shows the link already.\n\n" +
			"Destroying a link closes it: nobody can use it any more. The customer's stack stays as it is, " +
			"and may still be updated and deleted.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true, MarkdownDescription: "`hub/customer_id`."},
			"hub": schema.StringAttribute{
				Required: true, PlanModifiers: replace, Validators: []validator.String{hubName()},
				MarkdownDescription: "The hub's `id`. Forces replacement.",
			},
			"customer_id": schema.StringAttribute{
				Required: true, PlanModifiers: replace, Validators: []validator.String{customerID()},
				MarkdownDescription: "The vendor's own name for the customer: 1 to 64 letters, digits and `._-`, beginning with a letter or digit. " +
					"The customer sees it. Forces replacement.",
			},
			"account_id": schema.StringAttribute{
				Optional: true, Validators: []validator.String{accountID()},
				MarkdownDescription: "The customer's AWS account, the only one that may use the link: 12 digits. Required while the hub's `publishers` are " +
					"`known_accounts`. Can't change while a stack is live. With `publishers = \"anyone\"` it may be left out: the first account that registers " +
					"then has the link, and setting `account_id` to it confirms that it is the customer's. With `scope = \"organization\"` it is not needed; " +
					"it may name the management account.",
			},
			"scope":                linkScopeAttribute(),
			"organization_id":      organizationAttribute(),
			"only_account_ids":     onlyAccountsAttribute(),
			"role":                 roleAttribute(),
			"optional_permissions": optionalPermissionsAttribute(),
			"trusted_principal_arns": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Roles of the vendor that may assume the customer's role: full ARNs, without wildcards. Default: the vendor's account, " +
					"whose own policies then decide. A role that is deleted and created again stays trusted. The provider must be one of them, or be able to assume one: " +
					"it proves the role.",
				Validators: []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(roleARN())},
			},
			"stack_name": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{stackName()},
				MarkdownDescription: "Name that the link proposes for the stack; default `<hub>-access`.",
			},
			"region": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{awsRegion()},
				MarkdownDescription: "Region in which the link opens the console, one of the hub's `regions`; default the hub's `region`. " +
					"Customers may choose another of the hub's Regions in the console.",
			},
			"external_id": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{externalID()},
				MarkdownDescription: "External ID that the role asks for: unguessable, unique to the customer, and the same again after a crash. " +
					"It is no secret. Set it only to adopt a role that exists already; it can't change while a stack is live.",
			},
			"expires_at": schema.StringAttribute{
				Optional: true, Validators: []validator.String{instant()},
				MarkdownDescription: "Time by RFC 3339, such as `2030-01-31T18:00:00Z`, from which on the link is refused to new stacks. Live stacks don't mind.",
			},
			"url":              schema.StringAttribute{Computed: true, MarkdownDescription: "The launch link, to be sent to the customer. Null where the hub's `template_access` is `presigned`: `xacct link` prints it then."},
			"template_url":     schema.StringAttribute{Computed: true, MarkdownDescription: "Address of the template. It is named after its content, and customers with the same role share it. When the role changes, the address does; the template before it stays readable for as long as a live stack was made with it, and for at least 7 days. Null where the hub's `template_access` is `presigned`."},
			"template_version": schema.StringAttribute{Computed: true, MarkdownDescription: "Digest of role and trust. It changes with what the customer grants, and with nothing else."},
			"status":           schema.StringAttribute{Computed: true, MarkdownDescription: "`open`, `expired` or `closed`."},
			"update_url": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "While the customer's stack was made with another `template_version`: the link that opens its update in the customer's console, " +
					"with today's template filled in. Null where there is nothing to update.",
			},
		},
	}
}

// What a role is where a link doesn't say: its schema says so to the resource,
// and the data source that renders templates does the same.
const (
	defaultRolePath        = "/"
	defaultSessionDuration = int64(time.Hour / time.Second)
)

func roleAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Required:            true,
		MarkdownDescription: "The role that the customer's stack creates.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{roleName()},
				MarkdownDescription: "Name of the role; default `<hub>-<customer_id>`, so that its ARN is known before anybody launches. 1 to 64 letters, digits and `_+=,.@-`.",
			},
			"path": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(defaultRolePath), Validators: []validator.String{rolePath()},
				MarkdownDescription: "Path of the role; default `/`.",
			},
			"description": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.UTF8LengthBetween(1, 1000)},
				MarkdownDescription: "Description of the role, at most 1000 characters: customers read it.",
			},
			"managed_policy_arns": managedPoliciesAttribute("Managed policies to attach, at most 20 (AWS allows 10 unless the customer raised their quota)."),
			"inline_policies":     inlinePoliciesAttribute("Inline policies by name, as JSON documents. Together they have at most 10,240 characters, white space not counted."),
			"permissions_boundary_arn": schema.StringAttribute{
				Optional: true, Validators: []validator.String{policyARN()},
				MarkdownDescription: "ARN of the policy that is the role's permissions boundary. It must exist in the customer's account, or be one of AWS's own.",
			},
			"max_session_duration": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(defaultSessionDuration),
				MarkdownDescription: "Longest session of the role, in seconds: 3600 (default) to 43200.",
				Validators:          []validator.Int64{int64validator.Between(3600, 43200)},
			},
			"tags": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Tags of the role, at most 50.",
				Validators: []validator.Map{
					mapvalidator.SizeAtMost(50),
					mapvalidator.KeysAre(stringvalidator.UTF8LengthBetween(1, 128)),
					mapvalidator.ValueStringsAre(stringvalidator.UTF8LengthAtMost(256)),
				},
			},
		},
	}
}

func managedPoliciesAttribute(text string) schema.SetAttribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: text,
		Validators:          []validator.Set{setvalidator.SizeAtMost(20), setvalidator.ValueStringsAre(policyARN())},
	}
}

func inlinePoliciesAttribute(text string) schema.MapAttribute {
	return schema.MapAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: text +
			" What IAM would refuse is an error, and what a reviewer would frown at, such as `iam:PassRole` on every role, is a warning of the plan that brings it.",
		Validators: []validator.Map{
			mapvalidator.KeysAre(policyName()),
			mapvalidator.ValueStringsAre(identityPolicy()),
			inlineSum{},
		},
		PlanModifiers: []planmodifier.Map{sameMeaning{}},
	}
}

// sameMeaning keeps the state's policies where the configuration's differ from
// them in nothing but spelling: white space, the order of a list.
type sameMeaning struct{}

var _ planmodifier.Map = sameMeaning{}

func (sameMeaning) Description(context.Context) string {
	return "policies that mean the same are not a change"
}
func (s sameMeaning) MarkdownDescription(ctx context.Context) string { return s.Description(ctx) }

func (sameMeaning) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	if req.StateValue.IsNull() || !fullyKnown(req.PlanValue) || len(req.StateValue.Elements()) != len(req.PlanValue.Elements()) {
		return
	}
	var state, plan map[string]string
	resp.Diagnostics.Append(req.StateValue.ElementsAs(ctx, &state, false)...)
	resp.Diagnostics.Append(req.PlanValue.ElementsAs(ctx, &plan, false)...)
	if resp.Diagnostics.HasError() {
		return
	}
	for name, document := range plan {
		before, ok := state[name]
		if !ok {
			return
		}
		if same, err := iampolicy.Equivalent(before, document); err != nil || !same {
			return
		}
	}
	resp.PlanValue = req.StateValue
}

// roleSpecTypes are the types of the role attribute, which the schema knows.
func roleSpecTypes() map[string]attr.Type {
	object, _ := roleAttribute().GetType().(types.ObjectType)
	return object.AttrTypes
}
