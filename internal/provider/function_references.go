// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

var (
	_ function.Function = (*parameterFunction)(nil)
	_ function.Function = (*referenceFunction)(nil)
)

// referenceUsage describes in which attributes a reference can be used.
const referenceUsage = "It can be used in resources and condition values of policies, and in ARNs, alone or as part of a text: through `jsonencode`, and in the statements of `aws_iam_policy_document` too. " +
	"Anywhere else it is an error."

// parameterFunction returns the reference to a value that the customer enters.
type parameterFunction struct{}

func newCustomerParameterFunction() function.Function { return parameterFunction{} }

func (parameterFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "customer_parameter"
}

func (parameterFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary:             "A reference to a value that the customer enters",
		MarkdownDescription: "A fixed text that stands for the value of one of the `customer_parameters`; the template has the parameter in its place. " + referenceUsage,
		Parameters:          []function.Parameter{function.StringParameter{Name: "name", MarkdownDescription: "Key of the parameter in `customer_parameters`."}},
		Return:              function.StringReturn{},
	}
}

func (parameterFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var name string
	if resp.Error = req.Arguments.Get(ctx, &name); resp.Error != nil {
		return
	}
	if !permissionset.ValidSwitchKey(name) {
		resp.Error = function.NewArgumentFuncError(0, fmt.Sprintf("%q is no key of customer_parameters: 1 to 41 lower-case letters, digits and underscores, beginning with a letter", name))
		return
	}
	resp.Error = resp.Result.Set(ctx, permissionset.ParameterReference(name))
}

// referenceFunction returns a reference to a value that every account has, such as its
// ID.
type referenceFunction struct{ name, summary, what, text string }

func newCustomerAccountFunction() function.Function {
	return referenceFunction{
		"customer_account_id", "A reference to the customer's account ID", "A fixed text that stands for the ID of the account in which the customer creates the stack.",
		permissionset.AccountReference,
	}
}

func newCustomerPartitionFunction() function.Function {
	return referenceFunction{
		"customer_partition", "A reference to the customer's partition", "A fixed text that stands for the partition of the customer's account, such as `aws` or `aws-us-gov`.",
		permissionset.PartitionReference,
	}
}

func (f referenceFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = f.name
}

func (f referenceFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{Summary: f.summary, MarkdownDescription: f.what + " " + referenceUsage, Return: function.StringReturn{}}
}

func (f referenceFunction) Run(ctx context.Context, _ function.RunRequest, resp *function.RunResponse) {
	resp.Error = resp.Result.Set(ctx, f.text)
}
