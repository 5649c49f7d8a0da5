// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
)

var _ function.Function = (*launchFunction)(nil)

// launchFunction writes a link for customers who don't launch stacks in the
// console.
type launchFunction struct {
	name, summary, description string
	write                      func(quickcreate.Link) (string, error)
}

func newCLICommandFunction() function.Function {
	return launchFunction{
		name: "cli_command", summary: "A launch link as a command of the AWS command line",
		description: "The `aws cloudformation create-stack` command that launches what a link launches: the same template with the same parameters, " +
			"in the Region of the link. It is quoted for POSIX shells, so it is safe to paste. The customer runs it with credentials of their own.",
		write: launch.CreateCommand,
	}
}

func newTerraformSnippetFunction() function.Function {
	return launchFunction{
		name: "terraform_snippet", summary: "A launch link as Terraform of the customer's own",
		description: "The `aws_cloudformation_stack` resource that launches what a link launches: the same template with the same parameters, " +
			"in the Region of the link. It is for customers who keep everything in a Terraform configuration of their own.",
		write: launch.TerraformSnippet,
	}
}

func (f launchFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = f.name
}

func (f launchFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary:             f.summary,
		MarkdownDescription: f.description,
		Parameters:          []function.Parameter{urlParameter()},
		Return:              function.StringReturn{},
	}
}

func (f launchFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var url string
	if resp.Error = req.Arguments.Get(ctx, &url); resp.Error != nil {
		return
	}
	link, problem := readURL(url)
	if problem != nil {
		resp.Error = problem
		return
	}
	text, err := f.write(link)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, text)
}
