// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package launch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
)

// TerraformSnippet returns the link as a resource for the customer's own Terraform
// configuration, in the format of `terraform fmt`. No value becomes an expression.
func TerraformSnippet(l quickcreate.Link) (string, error) {
	if err := check(l); err != nil {
		return "", err
	}
	var b strings.Builder
	resource := strings.ReplaceAll(l.StackName, "-", "_")
	for _, name := range slices.Sorted(maps.Keys(l.Parameters)) {
		if isUnfilled(name, l.Parameters[name]) {
			fmt.Fprintf(&b, "variable %s {\n  description = \"Value of the parameter %s of the stack %s\"\n  type        = string\n}\n\n", text(variable(resource, name)), name, l.StackName)
		}
	}
	b.WriteString("# The argument region needs hashicorp/aws 6.0 or later. With an older one leave\n" +
		"# it out, and use a provider of that Region.\n")
	fmt.Fprintf(&b, "resource \"aws_cloudformation_stack\" %s {\n", text(resource))
	fmt.Fprintf(&b, "  name         = %s\n", text(l.StackName))
	fmt.Fprintf(&b, "  region       = %s\n", text(l.Region.String()))
	fmt.Fprintf(&b, "  template_url = %s\n", text(l.TemplateURL))
	fmt.Fprintf(&b, "  capabilities = [%s]\n", text(namedIAM))
	if len(l.Parameters) > 0 {
		b.WriteString("\n  parameters = {\n")
		widest := 0
		for name := range l.Parameters {
			widest = max(widest, len(key(name)))
		}
		for _, name := range slices.Sorted(maps.Keys(l.Parameters)) {
			value := text(l.Parameters[name])
			if isUnfilled(name, l.Parameters[name]) {
				value = "var." + variable(resource, name)
			}
			fmt.Fprintf(&b, "    %-*s = %s\n", widest, key(name), value)
		}
		b.WriteString("  }\n")
	}
	b.WriteString("}\n")
	return b.String(), nil
}

// variable returns the name of the variable for a parameter that the customer has to
// fill in: acme_access_cost_bucket for InputCostBucket of the stack acme-access.
func variable(resource, parameter string) string {
	name := resource
	for _, r := range strings.TrimPrefix(parameter, permissionset.InputPrefix) {
		if unicode.IsUpper(r) {
			name += "_"
		}
		name += string(unicode.ToLower(r))
	}
	return name
}

// key returns the name of a parameter as the key of an object in HCL. Parameter names
// are letters and digits; names that HCL would parse as something else are quoted.
func key(name string) string {
	if name == "for" || name[0] <= '9' {
		return text(name)
	}
	return name
}

// text returns a quoted string in HCL's native syntax. Quotes, backslashes,
// non-printable characters and the beginnings of interpolations and directives are
// escaped.
func text(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	runes := []rune(value)
	for i, r := range runes {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case (r == '$' || r == '%') && i+1 < len(runes) && runes[i+1] == '{':
			b.WriteRune(r)
			b.WriteRune(r)
		case !unicode.IsPrint(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
