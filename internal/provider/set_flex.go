// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// declared returns the set that the model declares. Everything that the model declares
// must be known.
func (m setModel) declared(ctx context.Context, diags *diag.Diagnostics) permissionset.Set {
	var set permissionset.Set
	role := map[string]attr.Value{}
	for name := range roleSpecTypes() {
		role[name] = m.values[setRoleName(name)]
	}
	expandAttributes(ctx, role, &set.Role, diags)
	expandAttributes(ctx, m.values, &set.Trust, diags)
	expandAttributes(ctx, m.values, &set.Choices, diags)
	expandAttributes(ctx, m.values, &set.Additions, diags)
	return set
}

// flatten copies a set's record into the model. If the model declares the same
// already, it keeps its own spelling.
func (m *setModel) flatten(ctx context.Context, hub registry.HubRecord, set onboarding.PermissionSet, diags *diag.Diagnostics) {
	found, err := declaration.OfSet(set)
	if err != nil {
		diags.Append(cannot("read", setNamed(set.Hub, set.Name), "The set's record in the registry is damaged: restore the table from a backup.", err))
		return
	}
	m.values = maps.Clone(m.values)
	if !m.declaredKnown() || permissionset.Differs(m.declared(ctx, diags), found) != "" {
		m.flattenDeclared(ctx, found, diags)
	}
	m.values["id"] = types.StringValue(set.ID())
	m.values["hub"] = types.StringValue(set.Hub)
	m.values["name"] = types.StringValue(set.Name)
	m.values["template_version"] = types.StringValue(set.TemplateVersion)
	m.values["template_url"] = setTemplateURL(hub, set)
	m.values["incarnation"] = optional(set.Incarnation.ID)
}

func (m *setModel) flattenDeclared(ctx context.Context, set permissionset.Set, diags *diag.Diagnostics) {
	for name, value := range flattenAttributes(ctx, set.Role, roleSpecTypes(), diags) {
		m.values[setRoleName(name)] = value
	}
	m.values["role_name"] = optional(set.Role.Name)
	maps.Copy(m.values, flattenAsked(ctx, set, diags).values())
}

// setTemplateURL returns a set's template_url; null if templates have to be signed:
// see addresses.
func setTemplateURL(hub registry.HubRecord, set onboarding.PermissionSet) types.String {
	if hub.TemplateAccess.Presigned() {
		return types.StringNull()
	}
	return types.StringValue(set.TemplateURL)
}

// setFields returns the mistakes with the field names that a permission set has.
func setFields(errs []permissionset.FieldError) []permissionset.FieldError {
	for i := range errs {
		errs[i].Field = setField(errs[i].Field)
	}
	return errs
}

// setWarnings returns the warnings with the field names that a permission set has.
func setWarnings(warnings []permissionset.FieldWarnings) []permissionset.FieldWarnings {
	for i := range warnings {
		warnings[i].Field = setField(warnings[i].Field)
	}
	return warnings
}

func setField(field string) string {
	name, inRole := strings.CutPrefix(field, "role.")
	if !inRole {
		return field
	}
	first, rest, deeper := strings.Cut(name, ".")
	if deeper {
		return setRoleName(first) + "." + rest
	}
	return setRoleName(first)
}
