// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package launch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// tags returns the list of tags as a map; nil if there are none.
func tags(v any) any {
	list, _ := v.([]any)
	values := map[string]any{}
	for _, element := range list {
		if tag, is := element.(map[string]any); is {
			if key, is := tag["Key"].(string); is {
				values[key] = tag["Value"]
			}
		}
	}
	if len(values) == 0 {
		return nil
	}
	return values
}

// expression returns a value of the template in HCL's native syntax.
func (w *iamWriter) expression(v any, indent string) (string, error) {
	switch v := v.(type) {
	case string:
		return text(v), nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	case nil:
		return "null", nil
	case []any:
		return w.list(v, indent)
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return w.function(name, argument, indent)
				}
			}
		}
		return w.object(v, indent)
	}
	return "", fmt.Errorf("values of type %T are not supported", v)
}

// list returns a list in HCL, with one element per line.
func (w *iamWriter) list(list []any, indent string) (string, error) {
	if len(list) == 0 {
		return "[]", nil
	}
	var b strings.Builder
	b.WriteString("[\n")
	for _, element := range list {
		if _, conditional := function(element, "Fn::If"); conditional {
			return "", fmt.Errorf("lists with conditional elements are not supported")
		}
		e, err := w.expression(element, indent+"  ")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s  %s,\n", indent, e)
	}
	b.WriteString(indent + "]")
	return b.String(), nil
}

func (w *iamWriter) object(object map[string]any, indent string) (string, error) {
	if len(object) == 0 {
		return "{}", nil
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, key := range slices.Sorted(maps.Keys(object)) {
		e, err := w.expression(object[key], indent+"  ")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s  %s : %s,\n", indent, text(key), e)
	}
	b.WriteString(indent + "}")
	return b.String(), nil
}

// function returns an intrinsic function in HCL. It returns an error for functions that
// the generated templates do not have.
func (w *iamWriter) function(name string, argument any, indent string) (string, error) {
	list, _ := argument.([]any)
	switch {
	case name == "Ref":
		target, _ := argument.(string)
		return w.ref(target)
	case name == "Fn::Join" && len(list) == 2:
		parts, is := list[1].([]any)
		if separator, plain := list[0].(string); is && plain {
			return w.joined(separator, parts)
		}
	case name == "Fn::If" && len(list) == 3:
		condition, _ := list[0].(string)
		there, err := w.condition(condition)
		if err != nil {
			return "", err
		}
		switch {
		case there.always():
			return w.expression(list[1], indent)
		case there.never():
			return w.expression(list[2], indent)
		}
		yes, err := w.expression(list[1], indent)
		if err != nil {
			return "", err
		}
		no, err := w.expression(list[2], indent)
		return there.expression + " ? " + yes + " : " + no, err
	}
	return "", fmt.Errorf("this form of %s is not supported", name)
}

// ref returns an expression for a reference: the link's value, a default, or a variable
// of the customer's.
func (w *iamWriter) ref(name string) (string, error) {
	switch name {
	case "AWS::AccountId":
		w.account = true
		return "data.aws_caller_identity." + w.name + ".account_id", nil
	case "AWS::Partition":
		w.partition = true
		return "data.aws_partition." + w.name + ".partition", nil
	case "AWS::NoValue":
		return "null", nil
	}
	if value, fixed := w.value(name); fixed {
		return text(value), nil
	}
	if _, there := w.template.Parameters[name]; !there {
		return "", fmt.Errorf("references to %s are not supported", name)
	}
	w.variables[name] = true
	return "var." + w.variable(name), nil
}

// value returns a parameter's value if the customer does not choose it: the link's
// value, or the default if the link has none.
func (w *iamWriter) value(name string) (string, bool) {
	p, there := w.template.Parameters[name]
	if value, given := w.link.Parameters[name]; given && !isUnfilled(name, value) {
		return value, true
	}
	decided := strings.HasPrefix(name, permissionset.InputPrefix) || isSwitch(p.AllowedValues) ||
		name == stacktemplate.ParameterRolePath || name == stacktemplate.ParameterPermissionsBoundary
	if there && !decided && p.Default != nil {
		return *p.Default, true
	}
	return "", false
}

// joined returns an interpolated string of the parts of Fn::Join.
func (w *iamWriter) joined(separator string, parts []any) (string, error) {
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteString(strings.Trim(text(separator), `"`))
		}
		if s, plain := part.(string); plain {
			quoted := text(s)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		e, err := w.expression(part, "")
		if err != nil {
			return "", err
		}
		b.WriteString("${" + e + "}")
	}
	return `"` + b.String() + `"`, nil
}
