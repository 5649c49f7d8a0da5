// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func roleAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Required:            true,
		MarkdownDescription: "The role that the customer's stack creates.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{validRoleName()},
				MarkdownDescription: "Name of the role; default `<hub>-<customer_id>`, so that its ARN is known before a customer launches. 1 to 64 letters, digits and `_+=,.@-`.",
			},
			"path": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString("/"), Validators: []validator.String{validRolePath()},
				MarkdownDescription: "Path of the role; default `/`.",
			},
			"description": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.UTF8LengthBetween(1, 1000)},
				MarkdownDescription: "Description of the role, at most 1000 characters: customers read it.",
			},
			"managed_policy_arns": managedPoliciesAttribute("Managed policies to attach, at most 20 (AWS allows 10 unless the customer raised their quota)."),
			"inline_policies":     inlinePoliciesAttribute("Inline policies by name, as JSON documents. Together they have at most 10,240 characters, white space not counted."),
			"managed_policies": createdPoliciesAttribute("Customer-managed policies by name, as JSON documents, which the stack creates and attaches: for what is too long for inline policies. " +
				"A document over IAM's limit of 6,144 characters is divided by its statements. Each counts as one of the role's managed policies."),
			"permissions_boundary_arn": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validPolicyARN()},
				MarkdownDescription: "ARN of the policy that is the role's permissions boundary. It must exist in the customer's account, or be one of AWS's own.",
			},
			"max_session_duration": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(3600),
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

func trustedPrincipalsAttribute() schema.SetAttribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Roles of the vendor that may assume the customer's role: full ARNs, without wildcards. Default: the vendor's account, " +
			"whose own policies then decide. A role that is deleted and created again stays trusted. The provider must be one of them, or be able to assume one: " +
			"it proves the role.",
		Validators: []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(validRoleARN())},
	}
}

func managedPoliciesAttribute(text string) schema.SetAttribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: text,
		Validators:          []validator.Set{setvalidator.SizeAtMost(20), setvalidator.ValueStringsAre(validPolicyARN())},
	}
}

func inlinePoliciesAttribute(text string) schema.MapAttribute {
	return schema.MapAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: text +
			" A document that IAM would refuse is an error; a risky grant, such as `iam:PassRole` on every role, is a warning in the plan that adds it.",
		Validators: []validator.Map{
			mapvalidator.KeysAre(validPolicyName()),
			mapvalidator.ValueStringsAre(validIdentityPolicy()),
			inlineSum{},
		},
		PlanModifiers: []planmodifier.Map{sameMeaning{}},
	}
}

func createdPoliciesAttribute(text string) schema.MapAttribute {
	return schema.MapAttribute{
		Optional: true, ElementType: types.StringType, MarkdownDescription: text,
		Validators:    []validator.Map{mapvalidator.KeysAre(validPolicyName()), mapvalidator.ValueStringsAre(validManagedPolicy())},
		PlanModifiers: []planmodifier.Map{sameMeaning{}},
	}
}

// roleSpecTypes returns the types of the attributes in role, from the schema.
func roleSpecTypes() map[string]attr.Type {
	object, _ := roleAttribute().GetType().(types.ObjectType)
	return object.AttrTypes
}
