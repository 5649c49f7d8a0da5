// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/defaults"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Schema and core must have the same defaults. Otherwise the same declaration would be
// one role in Terraform and another in a file of the command line.
func TestTheSchemasDefaultsEqualThoseOfTheCore(t *testing.T) {
	known := roleAttribute().Attributes
	for _, a := range permissionset.Attributes(reflect.ValueOf(permissionset.Role{})) {
		got := ""
		switch attribute := known[a.Name].(type) {
		case schema.StringAttribute:
			if attribute.Default != nil {
				var resp defaults.StringResponse
				attribute.Default.DefaultString(t.Context(), defaults.StringRequest{}, &resp)
				got = resp.PlanValue.ValueString()
			}
		case schema.Int64Attribute:
			if attribute.Default != nil {
				var resp defaults.Int64Response
				attribute.Default.DefaultInt64(t.Context(), defaults.Int64Request{}, &resp)
				got = fmt.Sprint(resp.PlanValue.ValueInt64())
			}
		}
		if got != a.Default {
			t.Errorf("role.%s has the default %q, and in the core %q", a.Name, got, a.Default)
		}
	}
}

func TestARoleSurvivesTheConversionToTerraform(t *testing.T) {
	for name, role := range map[string]permissionset.Role{
		"everything": {
			Name: "acme-globex", Path: "/vendors/", Description: "For Acme", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/SecurityAudit"},
			InlinePolicies: permissionset.Policies{"read": "{}"}, ManagedPolicies: permissionset.Policies{"core": "{}"}, PermissionsBoundaryARN: "arn:aws:iam::aws:policy/PowerUserAccess", MaxSessionDuration: 7200, Tags: map[string]string{"team": "sre"},
		},
		"nothing":           {Name: "r", Path: "/", MaxSessionDuration: 3600},
		"empty is not null": {ManagedPolicyARNs: []string{}, InlinePolicies: permissionset.Policies{}, Tags: map[string]string{}},
	} {
		var diags diag.Diagnostics
		object := flattenRole(t.Context(), role, &diags)
		if back := expandRole(t.Context(), object, &diags); diags.HasError() || !cmp.Equal(role, back) {
			t.Errorf("%s: %v\n%s", name, diags, cmp.Diff(role, back))
		}
	}
}

func TestChoicesSurviveTheConversionToTerraform(t *testing.T) {
	for name, choices := range map[string]permissionset.Choices{
		"none":  {},
		"empty": {OptionalPermissions: map[string]permissionset.OptionalPermission{}},
		"two": {OptionalPermissions: map[string]permissionset.OptionalPermission{
			"billing": {Description: "Read invoices", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/Billing"}},
			"restart": {Description: "Restart hosts", DefaultEnabled: true, InlinePolicies: permissionset.Policies{"restart": "{}"}, ManagedPolicies: permissionset.Policies{"more": "{}"}},
			"reports": {Description: "Reports", WhenParameter: "reports"},
		}},
		"parameters": {CustomerChooses: []string{"role_path"}, CustomerParameters: map[string]permissionset.CustomerParameter{
			"bucket":  {Description: "Bucket", AllowedPattern: "[a-z]+", MinLength: 2, MaxLength: 63},
			"reports": {Description: "Reports", Default: new("")},
			"size":    {Description: "Size", Default: new("s"), AllowedValues: []string{"l", "s"}},
		}},
	} {
		var diags diag.Diagnostics
		model := flattenAsked(t.Context(), permissionset.Set{Choices: choices}, &diags)
		if back := model.choices(t.Context(), &diags); diags.HasError() || !cmp.Equal(choices, back) {
			t.Errorf("%s: %v\n%s", name, diags, cmp.Diff(choices, back))
		}
	}
}

func TestTemplateResourcesSurviveTheConversionToTerraform(t *testing.T) {
	for _, additions := range []permissionset.Additions{{}, {TemplateResources: `{ "Q": {"Type": "AWS::SNS::Topic"} }`, TemplateOutputs: `{"q": {"Ref": "Q"}}`}} {
		var diags diag.Diagnostics
		model := flattenAsked(t.Context(), permissionset.Set{Additions: additions}, &diags)
		if back := model.additions(t.Context(), &diags); diags.HasError() || !cmp.Equal(additions, back) {
			t.Errorf("%v\n%s", diags, cmp.Diff(additions, back))
		}
		if model.TemplateResources.IsNull() != (additions.TemplateResources == "") {
			t.Error("template_resources must be null exactly if there are none")
		}
	}
}
