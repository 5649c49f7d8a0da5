// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
)

var _ function.Function = (*launchFunction)(nil)

// launchFunction formats a launch link for customers who don't launch stacks in the
// console.
type launchFunction struct {
	name, summary, description string
	write                      func(quickcreate.Link) (string, error)
	// formats are alternatives to write, by the value of the function's second
	// argument.
	formats map[string]func(context.Context, quickcreate.Link) (string, error)
}

func newCLICommandFunction() function.Function {
	return launchFunction{
		name: "cli_command", summary: "A launch link as an AWS CLI command",
		description: "The `aws cloudformation create-stack` command that launches what a link launches: the same template with the same parameters, " +
			"in the Region of the link. It is quoted for POSIX shells, so it is safe to paste. The customer runs it with credentials of their own.",
		write: launch.CreateCommand,
	}
}

func newTerraformSnippetFunction() function.Function {
	return launchFunction{
		name: "terraform_snippet", summary: "A launch link as Terraform configuration for the customer",
		description: "The `aws_cloudformation_stack` resource that launches what a link launches: the same template with the same parameters, " +
			"in the Region of the link. It is for customers who manage everything with Terraform.\n\n" +
			"With `\"iam\"` as the second argument: the role and its policies as plain IAM resources, for customers who do not want a stack. They are made from the published template, " +
			"which must be public (`template_access = \"public\"`); `xacct link --format terraform-iam` prints the same in any case. " +
			"Registrars look for the role if the permission set has `register_without_stack`. The link's `url` is then unknown in a plan that publishes another template, " +
			"so that the function is called once the template is there; without it, such a plan fails.",
		write:   launch.TerraformSnippet,
		formats: map[string]func(context.Context, quickcreate.Link) (string, error){"iam": iamSnippet},
	}
}

// iamSnippet formats the role of a link as plain IAM resources.
func iamSnippet(ctx context.Context, link quickcreate.Link) (string, error) {
	template, err := hub.FetchTemplate(ctx, link.TemplateURL)
	if err != nil {
		return "", fmt.Errorf("the link's template can't be read without credentials: it is not published yet, or the hub's template_access is not \"public\". With register_without_stack on its permission set the function waits until it is published. "+
			"`xacct link --format terraform-iam` prints the resources in any case: %w", err)
	}
	return launch.IAMSnippet(template, link)
}

func (f launchFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = f.name
}

func (f launchFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		VariadicParameter:   f.formatParameter(),
		Summary:             f.summary,
		MarkdownDescription: f.description,
		Parameters:          []function.Parameter{urlParameter()},
		Return:              function.StringReturn{},
	}
}

// formatParameter returns the second parameter, which selects one of the formats.
func (f launchFunction) formatParameter() function.Parameter {
	if len(f.formats) == 0 {
		return nil
	}
	return function.StringParameter{Name: "format", MarkdownDescription: "At most one value: what to write instead of the stack. `\"iam\"`: plain IAM resources."}
}

// arguments returns the link's URL and the function that formats the link.
func (f launchFunction) arguments(ctx context.Context, req function.RunRequest) (url string, write func(context.Context, quickcreate.Link) (string, error), problem *function.FuncError) {
	write = func(_ context.Context, link quickcreate.Link) (string, error) { return f.write(link) }
	if len(f.formats) == 0 {
		return url, write, req.Arguments.Get(ctx, &url)
	}
	var formats []string
	if problem = req.Arguments.Get(ctx, &url, &formats); problem != nil || len(formats) == 0 {
		return url, write, problem
	}
	named, known := f.formats[formats[0]]
	if !known || len(formats) > 1 {
		return url, nil, function.NewArgumentFuncError(1, fmt.Sprintf("There is no such format: leave the second argument out, or use one of %q.", slices.Sorted(maps.Keys(f.formats))))
	}
	return url, named, nil
}

func (f launchFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	url, write, problem := f.arguments(ctx, req)
	if problem != nil {
		resp.Error = problem
		return
	}
	link, problem := readURL(url)
	if problem != nil {
		resp.Error = problem
		return
	}
	text, err := write(ctx, link)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, text)
}
