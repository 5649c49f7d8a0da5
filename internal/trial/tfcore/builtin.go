// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
)

// builtin is Terraform's own provider with terraform_data. Tests use it for values
// that are known only after the apply.
type builtin struct {
	tfprotov6.ProviderServer // nil: methods that are not defined below are never called
}

func newBuiltin() (tfprotov6.ProviderServer, error) { return builtin{}, nil }

var builtinSchema = &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{Attributes: []*tfprotov6.SchemaAttribute{
	{Name: "id", Type: tftypes.String, Computed: true},
	{Name: "input", Type: tftypes.DynamicPseudoType, Optional: true},
	{Name: "output", Type: tftypes.DynamicPseudoType, Computed: true},
	{Name: "triggers_replace", Type: tftypes.DynamicPseudoType, Optional: true},
}}}

var builtinType = cty.Object(map[string]cty.Type{
	"id": cty.String, "input": cty.DynamicPseudoType, "output": cty.DynamicPseudoType, "triggers_replace": cty.DynamicPseudoType,
})

func (builtin) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return &tfprotov6.GetProviderSchemaResponse{
		Provider:        &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{}},
		ResourceSchemas: map[string]*tfprotov6.Schema{"terraform_data": builtinSchema},
	}, nil
}

func (builtin) GetResourceIdentitySchemas(context.Context, *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov6.GetResourceIdentitySchemasResponse{}, nil
}

func (builtin) ValidateProviderConfig(context.Context, *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{}, nil
}

func (builtin) ConfigureProvider(context.Context, *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return &tfprotov6.ConfigureProviderResponse{}, nil
}

func (builtin) ValidateResourceConfig(_ context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp := &tfprotov6.ValidateResourceConfigResponse{}
	config, err := decode(req.Config, builtinType)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"id", "output"} {
		if !config.GetAttr(name).IsNull() {
			resp.Diagnostics = append(resp.Diagnostics, &tfprotov6.Diagnostic{Severity: tfprotov6.DiagnosticSeverityError, Summary: fmt.Sprintf("%q attribute is read-only", name)})
		}
	}
	return resp, nil
}

func (builtin) UpgradeResourceState(_ context.Context, req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return &tfprotov6.UpgradeResourceStateResponse{UpgradedState: &tfprotov6.DynamicValue{JSON: req.RawState.JSON}}, nil
}

func (builtin) ReadResource(_ context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return &tfprotov6.ReadResourceResponse{NewState: req.CurrentState, Private: req.Private}, nil
}

// PlanResourceChange makes the ID and the output unknown if they are new.
func (builtin) PlanResourceChange(_ context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp := &tfprotov6.PlanResourceChangeResponse{PlannedState: req.ProposedNewState}
	prior, err := decode(req.PriorState, builtinType)
	if err != nil {
		return nil, err
	}
	proposed, err := decode(req.ProposedNewState, builtinType)
	if err != nil || proposed.IsNull() {
		return resp, err
	}
	values := proposed.AsValueMap()
	if !prior.IsNull() && !prior.GetAttr("triggers_replace").RawEquals(values["triggers_replace"]) {
		resp.RequiresReplace = append(resp.RequiresReplace, tftypes.NewAttributePath().WithAttributeName("triggers_replace"))
		prior = cty.NullVal(builtinType)
	}
	before := cty.NullVal(cty.DynamicPseudoType)
	if prior.IsNull() {
		values["id"] = cty.UnknownVal(cty.String).RefineNotNull()
	} else {
		before = prior.GetAttr("input")
	}
	if input := values["input"]; !before.RawEquals(input) {
		values["output"] = cty.UnknownVal(input.Type())
		if input.IsNull() {
			values["output"] = input
		}
	}
	resp.PlannedState = encode(cty.ObjectVal(values), builtinType)
	return resp, nil
}

func (builtin) ApplyResourceChange(_ context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	planned, err := decode(req.PlannedState, builtinType)
	if err != nil || planned.IsNull() {
		return &tfprotov6.ApplyResourceChangeResponse{NewState: req.PlannedState}, err
	}
	values := planned.AsValueMap()
	if !values["id"].IsKnown() {
		values["id"] = cty.StringVal(rand.Text())
	}
	values["output"] = values["input"]
	return &tfprotov6.ApplyResourceChangeResponse{NewState: encode(cty.ObjectVal(values), builtinType)}, nil
}
