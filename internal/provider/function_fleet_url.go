// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/launch"
)

var _ function.Function = fleetURLFunction{}

// fleetURLFunction returns the launch link of one customer of a fleet. A fleet's
// 10,000 links differ only in a few words, so no state contains them.
type fleetURLFunction struct{}

func newFleetURLFunction() function.Function { return fleetURLFunction{} }

// Metadata implements function.Function.
func (fleetURLFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "fleet_url"
}

// Definition implements function.Function.
func (fleetURLFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The launch link of a fleet's customer",
		MarkdownDescription: "The quick-create URL of one customer of an `xacct_fleet`, from its `url_template`. " +
			"Other functions convert it: `quick_create_url`, `cli_command`, `terraform_snippet`.\n\n" +
			"Terraform and OpenTofu pass the whole fleet with each call. For the links of thousands of customers at once, pass an object with the one customer only, as in the example: " +
			"it needs `url_template`, `customers`, `external_ids` and `topics`.",
		Parameters: []function.Parameter{
			function.DynamicParameter{Name: "fleet", MarkdownDescription: "An `xacct_fleet`. Fleets of a hub with `template_access = \"presigned\"` have no links in Terraform: `xacct link` prints them.", AllowUnknownValues: true},
			function.StringParameter{Name: "customer_id", MarkdownDescription: "One of its `customers`."},
		},
		Return: function.StringReturn{},
	}
}

// Run implements function.Function.
func (fleetURLFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var fleet types.Dynamic
	var customer string
	if resp.Error = req.Arguments.Get(ctx, &fleet, &customer); resp.Error != nil {
		return
	}
	object, ok := fleet.UnderlyingValue().(types.Object)
	if fleet.IsUnknown() || fleet.IsUnderlyingValueUnknown() {
		resp.Error = resp.Result.Set(ctx, types.StringUnknown())
		return
	}
	attributes := object.Attributes()
	template, has := attributes["url_template"].(types.String)
	if !ok || !has {
		resp.Error = function.NewArgumentFuncError(0, "This is not an xacct_fleet: it has no url_template")
		return
	}
	m := launch.Member{CustomerID: customer}
	found, known := elementOf(attributes["customers"], customer)
	externalID, knownID := elementOf(attributes["external_ids"], customer)
	topic, knownTopic := elementOf(attributes["topics"], customer)
	switch {
	case template.IsUnknown() || !known || !knownID || !knownTopic:
		resp.Error = resp.Result.Set(ctx, types.StringUnknown())
		return
	case template.IsNull():
		resp.Error = function.NewArgumentFuncError(0, "The fleet has no url_template: links of this hub are signed when they are needed. Print one with: xacct link HUB/"+customer)
		return
	case found == "" || externalID == "":
		resp.Error = function.NewArgumentFuncError(1, fmt.Sprintf("The fleet has no customer %q", customer))
		return
	}
	m.Account, m.ExternalID, m.Topic = found, externalID, topic
	text, err := launch.Expand(template.ValueString(), m)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, text)
}

// elementOf returns the string under a key of a map, or of an object that was written
// as a map; empty if it has no such key. It returns false if the string isn't known.
func elementOf(value attr.Value, key string) (text string, known bool) {
	if value == nil || value.IsNull() {
		return "", true
	}
	if value.IsUnknown() {
		return "", false
	}
	var elements map[string]attr.Value
	switch v := value.(type) {
	case types.Map:
		elements = v.Elements()
	case types.Object:
		elements = v.Attributes()
	case types.Dynamic:
		return elementOf(v.UnderlyingValue(), key)
	}
	element, ok := elements[key].(types.String)
	if !ok {
		return "", true
	}
	return element.ValueString(), !element.IsUnknown()
}
