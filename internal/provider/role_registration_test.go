// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestEveryAttributeOfAnUnknownRegistrationIsUnknown(t *testing.T) {
	v := reflect.ValueOf(unknownRegistration())
	for n := range v.NumField() {
		if !v.Field(n).Interface().(attr.Value).IsUnknown() {
			t.Errorf("%s is known", v.Type().Field(n).Name)
		}
	}
}

func TestAPlannedValueIsKeptAndAnUnknownOneIsAsFound(t *testing.T) {
	var diags diag.Diagnostics
	account := func(version string) map[string]accountModel {
		return map[string]accountModel{"222222222222": {
			RoleARN: types.StringValue("the role"), TemplateVersion: types.StringValue(version), Outdated: types.BoolValue(version == "v1"),
			GrantedPermissions: stringSet(t.Context(), nil, &diags), Parameters: stringMap(t.Context(), nil, &diags),
			AdditionalRoleARNs: stringMap(t.Context(), nil, &diags), Reported: stringMap(t.Context(), nil, &diags),
		}}
	}
	planned := unknownRegistration()
	planned.Status = types.StringValue("active")
	planned.setAccounts(t.Context(), account("v1"), &diags)
	planned.setVersionUnknown(t.Context(), &diags)

	found := registrationModel{Status: types.StringValue("degraded"), TemplateVersion: types.StringValue("v2"), Outdated: types.BoolValue(false)}
	found.setAccounts(t.Context(), account("v2"), &diags)
	found.keep(t.Context(), planned, &diags)
	if diags.HasError() {
		t.Fatal(diags)
	}
	var want registrationModel
	want.setAccounts(t.Context(), account("v2"), &diags)
	if found.Status.ValueString() != "active" || found.TemplateVersion.ValueString() != "v2" || !found.Accounts.Equal(want.Accounts) {
		t.Errorf("got %+v", found)
	}
}
