// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// The resources of the customer's stack besides the roles are a string of
// CloudFormation's own JSON.

func templateResourcesAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{validObject()}, PlanModifiers: []planmodifier.String{sameObject{}},
		MarkdownDescription: "Further resources that the customer's stack creates: a JSON object of CloudFormation's resources by their logical IDs, such as of `jsonencode`. " +
			"Their types are `AWS::S3::Bucket` and `BucketPolicy`, `AWS::SQS::Queue` and `QueuePolicy`, `AWS::SNS::Topic`, `TopicPolicy` and `Subscription`, `AWS::Events::Rule` and `AWS::Logs::LogGroup`. " +
			"A resource has `Type`, `Properties`, `DependsOn`, `DeletionPolicy` (required of buckets, queues and log groups) and `UpdateReplacePolicy` (default: the value of `DeletionPolicy`). " +
			"In properties stand references (`customer_parameter`, `customer_account_id`, `customer_partition`), `Ref` and `Fn::GetAtt` of these resources, `Ref` of `AWS::AccountId`, `AWS::Partition`, `AWS::Region` and `AWS::URLSuffix`, and `Fn::Join`. " +
			"A physical name needs a reference in it. The stack makes them before it phones home, and deletes them after that. At most 20, and 32 KB.",
	}
}

func templateOutputsAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{validObject()}, PlanModifiers: []planmodifier.String{sameObject{}},
		MarkdownDescription: fmt.Sprintf("What the stack reports of `template_resources`: a JSON object of values by name, each a text with references, `Ref`, `Fn::GetAtt` or `Fn::Join`. "+
			"They are in `reported` of `xacct_customer_role`, as the customer's stack reports them. Names have 1 to 41 lower-case letters, digits and underscores, and begin with a letter. At most %d.", permissionset.MaxTemplateOutputs),
	}
}

func validObject() check {
	return check{"a JSON object", "Invalid JSON object", permissionset.CheckJSON}
}

// sameObject keeps the state's text if the configuration's text is the same JSON
// object.
type sameObject struct{}

var _ planmodifier.String = sameObject{}

func (sameObject) Description(context.Context) string {
	return "the same JSON in another spelling is not a change"
}
func (s sameObject) MarkdownDescription(ctx context.Context) string { return s.Description(ctx) }

func (sameObject) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.PlanValue.IsNull() || req.PlanValue.IsUnknown() {
		return
	}
	if permissionset.SameJSON(req.StateValue.ValueString(), req.PlanValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}
