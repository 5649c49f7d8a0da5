// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
)

var _ function.Function = (*quickCreateURLFunction)(nil)

// quickCreateURLFunction returns the link into another Region, given a link into one
// Region. A link contains everything that is needed for that, so no state has to keep
// a link for every Region.
type quickCreateURLFunction struct{}

func newQuickCreateURLFunction() function.Function { return quickCreateURLFunction{} }

func (quickCreateURLFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "quick_create_url"
}

func (quickCreateURLFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The same launch link for another Region",
		MarkdownDescription: "A link's `url`, opening the console in another of the hub's Regions: for customers who don't work in the one that the link proposes. " +
			"Use one of the hub's Regions: the function reads nothing from AWS, and in any other Region the template fails to launch.",
		Parameters: []function.Parameter{
			urlParameter(),
			function.StringParameter{Name: "region", MarkdownDescription: "One of the hub's `regions`."},
		},
		Return: function.StringReturn{},
	}
}

func (quickCreateURLFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text, name string
	if resp.Error = req.Arguments.Get(ctx, &text, &name); resp.Error != nil {
		return
	}
	link, problem := readURL(text)
	if problem != nil {
		resp.Error = problem
		return
	}
	region, err := account.ParseRegion(name)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(1, err.Error())
		return
	}
	if was := link.Region.Partition(); region.Partition() != was {
		resp.Error = function.NewArgumentFuncError(1, fmt.Sprintf(
			"Region %s is in partition %s, and the link is for %s. A hub works in one partition: create a hub in each", region, region.Partition(), was))
		return
	}
	link.Region = region
	url, err := link.URL(quickcreate.Console(text))
	if err != nil {
		resp.Error = function.NewFuncError(err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, url)
}

// The engine ends the text of an argument's error with a full stop.

// The engine ends the text of an argument's error with a full stop.

// urlParameter returns the first parameter of all functions that convert a link.
func urlParameter() function.Parameter {
	return function.StringParameter{
		Name:                "url",
		MarkdownDescription: "The `url` of an onboarding link. Links of a hub with `template_access = \"presigned\"` have none in Terraform: `xacct link` prints them.",
	}
}

func readURL(text string) (quickcreate.Link, *function.FuncError) {
	link, err := quickcreate.Parse(text)
	if err != nil {
		return link, function.NewArgumentFuncError(0, err.Error())
	}
	return link, nil
}
