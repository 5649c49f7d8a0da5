// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package launch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// IAMSnippet returns the role and the policies of a link's template as IAM resources
// for the customer's own Terraform configuration: the resources that the stack would
// create, without the stack and its phone-home. The snippet is generated from the
// template itself, so that the two cannot differ. The customer's choices are variables.
//
// No text of the template becomes an expression. A template with other resources than
// IAM is refused.
func IAMSnippet(template []byte, l quickcreate.Link) (string, error) {
	if err := check(l); err != nil {
		return "", err
	}
	d := json.NewDecoder(bytes.NewReader(template))
	d.UseNumber()
	var t iamTemplate
	if err := d.Decode(&t); err != nil {
		return "", fmt.Errorf("the template can't be read: %w", err)
	}
	w := iamWriter{template: t, link: l, name: strings.ReplaceAll(l.StackName, "-", "_"), variables: map[string]bool{}}
	var body strings.Builder
	for _, logicalID := range slices.SortedFunc(maps.Keys(t.Resources), roleFirst) {
		text, err := w.resource(logicalID, t.Resources[logicalID])
		if err != nil {
			return "", fmt.Errorf("resource %s: %w", logicalID, err)
		}
		body.WriteString(text)
	}
	return w.head() + strings.TrimSuffix(body.String(), "\n"), nil
}

// roleFirst compares logical IDs so that the main role sorts first.
func roleFirst(a, b string) int {
	rank := func(id string) int {
		if id == stacktemplate.RoleLogicalID {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
}

type iamTemplate struct {
	Parameters map[string]struct {
		Default       *string
		Description   string
		AllowedValues []string
	}
	Conditions map[string]any
	Resources  map[string]struct {
		Type       string
		Condition  string
		Properties map[string]any
	}
}

type iamWriter struct {
	template iamTemplate
	link     quickcreate.Link
	name     string // name of the role's resource, and prefix of the others

	variables          map[string]bool // parameters that the customer decides
	account, partition bool            // data sources that the snippet needs
}

// head returns the variables and data sources to which the resources refer.
func (w *iamWriter) head() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.variables)) {
		p := w.template.Parameters[name]
		fmt.Fprintf(&b, "variable %s {\n  description = %s\n", text(w.variable(name)), text(p.Description))
		if isSwitch(p.AllowedValues) {
			fmt.Fprintf(&b, "  type        = bool\n  default     = %t\n}\n\n", p.Default != nil && *p.Default == permissionset.SwitchedOn)
			continue
		}
		b.WriteString("  type        = string\n")
		if p.Default != nil {
			fmt.Fprintf(&b, "  default     = %s\n", text(*p.Default))
		}
		b.WriteString("}\n\n")
	}
	if w.account {
		fmt.Fprintf(&b, "data \"aws_caller_identity\" %s {}\n\n", text(w.name))
	}
	if w.partition {
		fmt.Fprintf(&b, "data \"aws_partition\" %s {}\n\n", text(w.name))
	}
	return b.String()
}

// isSwitch reports whether a parameter is a switch, by its allowed values.
func isSwitch(allowed []string) bool {
	return len(allowed) == 2 && slices.Contains(allowed, permissionset.SwitchedOn) && slices.Contains(allowed, permissionset.SwitchedOff)
}

// variable returns the name of the variable for a parameter. If the template has another
// parameter whose variable would be the same, the name begins with the kind of value too.
func (w *iamWriter) variable(parameter string) string {
	key, input := strings.CutPrefix(parameter, permissionset.InputPrefix)
	if _, taken := w.template.Parameters[key]; input && taken {
		return variable(w.name+"_input", parameter)
	}
	return variable(w.name, parameter)
}

// maxNamePrefix is how many characters hashicorp/aws takes as the name_prefix of a
// policy, to which it adds 26.
const maxNamePrefix = 102

// policyPrefix returns the beginning of the name of a policy.
func (w *iamWriter) policyPrefix(logicalID string) string {
	name := w.link.StackName + "-" + logicalID
	return name[:min(len(name), maxNamePrefix-1)] + "-"
}

// resource returns the Terraform resources for one resource of the template.
func (w *iamWriter) resource(logicalID string, r struct {
	Type       string
	Condition  string
	Properties map[string]any
},
) (string, error) {
	switch r.Type {
	case "AWS::IAM::Role":
		return w.role(logicalID, r.Properties)
	case "AWS::IAM::ManagedPolicy":
		there, err := w.condition(r.Condition)
		if err != nil || there.never() {
			return "", err
		}
		return w.block("aws_iam_policy", w.resourceName(logicalID), there,
			attribute{"name_prefix", text(w.policyPrefix(logicalID)), nil},
			attribute{"path", "", r.Properties["Path"]}, attribute{"policy", "", document{r.Properties["PolicyDocument"]}})
	case stacktemplate.PhoneHomeType:
		return "", nil
	}
	return "", fmt.Errorf("%s is not IAM: a customer of this template launches the stack", r.Type)
}

// resourceName returns the name of a resource. The main role has the stack's name.
func (w *iamWriter) resourceName(logicalID string) string {
	if logicalID == stacktemplate.RoleLogicalID {
		return w.name
	}
	return variable(w.name, logicalID)
}

func (w *iamWriter) role(logicalID string, p map[string]any) (string, error) {
	name := w.resourceName(logicalID)
	known := []string{"RoleName", "Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "AssumeRolePolicyDocument", "Tags", "Policies", "ManagedPolicyArns"}
	for property := range p {
		if !slices.Contains(known, property) {
			return "", fmt.Errorf("property %s is not supported", property)
		}
	}
	out, err := w.block("aws_iam_role", name, always,
		attribute{"name", "", p["RoleName"]}, attribute{"path", "", p["Path"]}, attribute{"description", "", p["Description"]},
		attribute{"max_session_duration", "", p["MaxSessionDuration"]}, attribute{"permissions_boundary", "", p["PermissionsBoundary"]},
		attribute{"assume_role_policy", "", document{p["AssumeRolePolicyDocument"]}}, attribute{"tags", "", tags(p["Tags"])})
	if err != nil {
		return "", err
	}
	policies, _ := p["Policies"].([]any)
	for i, element := range policies {
		there, value, err := w.element(element)
		if err != nil {
			return "", err
		}
		if there.never() {
			continue
		}
		policy, _ := value.(map[string]any)
		inline, err := w.block("aws_iam_role_policy", name+"_"+strconv.Itoa(i+1), there,
			attribute{"name", "", policy["PolicyName"]}, attribute{"role", "aws_iam_role." + name + ".id", nil}, attribute{"policy", "", document{policy["PolicyDocument"]}})
		if err != nil {
			return "", err
		}
		out += inline
	}
	arns, _ := p["ManagedPolicyArns"].([]any)
	for i, element := range arns {
		there, value, err := w.element(element)
		if err != nil {
			return "", err
		}
		if there.never() {
			continue
		}
		arn, err := w.policyARN(value, there)
		if err != nil {
			return "", err
		}
		attached, err := w.block("aws_iam_role_policy_attachment", name+"_"+strconv.Itoa(i+1), there,
			attribute{"role", "aws_iam_role." + name + ".name", nil}, attribute{"policy_arn", arn, nil})
		if err != nil {
			return "", err
		}
		out += attached
	}
	return out, nil
}

// policyARN returns an expression for the ARN of an existing policy, or of one in the
// snippet.
func (w *iamWriter) policyARN(value any, there condition) (string, error) {
	if function, is := value.(map[string]any); is {
		if id, is := function["Ref"].(string); is && w.template.Resources[id].Type == "AWS::IAM::ManagedPolicy" {
			index := ""
			if there.expression != "" {
				index = "[0]"
			}
			return "aws_iam_policy." + w.resourceName(id) + index + ".arn", nil
		}
	}
	return w.expression(value, "")
}

// element returns the value of a list's element and the condition under which it
// exists.
func (w *iamWriter) element(v any) (condition, any, error) {
	if choice, is := function(v, "Fn::If"); is {
		name, _ := choice[0].(string)
		there, err := w.condition(name)
		if err != nil {
			return condition{}, nil, err
		}
		if !isNothing(choice[2]) {
			return condition{}, nil, fmt.Errorf("a list element with two conditional values is not supported")
		}
		return there, choice[1], nil
	}
	return always, v, nil
}

// document is a policy document, which becomes JSON in Terraform.
type document struct{ tree any }

// attribute is an argument of a block: an expression, or a value of the template.
type attribute struct {
	name, expression string
	value            any
}

// block returns a resource in the format of `terraform fmt`: multi-line arguments are
// separated by blank lines.
func (w *iamWriter) block(kind, name string, there condition, attributes ...attribute) (string, error) {
	if there.expression != "" {
		attributes = slices.Insert(attributes, 0, attribute{"count", there.expression + " ? 1 : 0", nil})
	}
	var short, long []attribute
	widest := 0
	for _, a := range attributes {
		value, policy := a.value, false
		if d, is := a.value.(document); is {
			value, policy = d.tree, true
		}
		if a.expression == "" {
			if value == nil {
				continue
			}
			var err error
			if a.expression, err = w.expression(value, "  "); err != nil {
				return "", fmt.Errorf("%s: %w", a.name, err)
			}
			if policy {
				a.expression = "jsonencode(" + a.expression + ")"
			}
		}
		if strings.Contains(a.expression, "\n") {
			long = append(long, a)
			continue
		}
		short, widest = append(short, a), max(widest, len(a.name))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "resource %s %s {\n", text(kind), text(name))
	for _, a := range short {
		fmt.Fprintf(&b, "  %-*s = %s\n", widest, a.name, a.expression)
	}
	for i, a := range long {
		if i > 0 || len(short) > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "  %s = %s\n", a.name, a.expression)
	}
	b.WriteString("}\n\n")
	return b.String(), nil
}
