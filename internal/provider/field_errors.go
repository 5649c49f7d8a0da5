// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// The core reports mistakes by field; Terraform shows them by attribute.

// fieldErrors returns diagnostics for mistakes that the template's own checks found,
// each on the attribute in which the vendor wrote it.
func fieldErrors(errs []permissionset.FieldError) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, e := range errs {
		problem := e.Problem
		if slices.Contains([]string{"template_resources", "template_outputs"}, e.Field) && e.Key != "" { // both attributes are a single text, without attributes in it
			problem = strconv.Quote(e.Key) + ": " + problem
		}
		diags.AddAttributeError(fieldPath(e), "Invalid "+lastField(e.Field), sentence(problem))
	}
	return diags
}

// policyWarnings returns one warning for each policy with permissions that customers
// will ask about.
func policyWarnings(policies []permissionset.FieldWarnings) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, policy := range policies {
		findings := make([]string, len(policy.Findings))
		for i, f := range policy.Findings {
			findings[i] = fmt.Sprintf("%s [%s]", sentence(f.Message), f.Code)
		}
		diags.AddAttributeWarning(fieldPath(permissionset.FieldError{Field: policy.Field, Key: policy.Key}),
			"Customers may ask about "+policy.About, paragraphs(findings...))
	}
	return diags
}

func fieldPath(e permissionset.FieldError) path.Path {
	names := strings.Split(e.Field, ".")
	p := path.Root(names[0])
	for i, name := range names[1:] {
		if i == 0 && slices.Contains([]string{"optional_permissions", "customer_parameters", "additional_roles"}, names[0]) {
			p = p.AtMapKey(name)
			continue
		}
		p = p.AtName(name)
	}
	switch lastField(e.Field) {
	case "inline_policies", "managed_policies", "tags", "role_tags", "optional_permissions", "customer_parameters", "additional_roles":
		if e.Key != "" {
			return p.AtMapKey(e.Key)
		}
	}
	return p
}

func lastField(field string) string { return field[strings.LastIndex(field, ".")+1:] }
