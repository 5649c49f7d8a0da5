// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// attachment refuses a policy for anything other than the vendor's own resources: it
// would replace the policy of a resource of the customer's.
func (c *resourceCheck) attachment(kind resourceType, v any) {
	for _, element := range listed(v) {
		function, _ := element.(map[string]any)
		id, _ := function["Ref"].(string)
		if len(function) != 1 || c.types[id] != kind.attachedTo {
			c.wrong("a %s is only for template resources, because it would replace the policy of a resource that the customer has: use {\"Ref\": NAME} of an %s", kind.name, kind.attachedTo)
			return
		}
		c.need(id)
	}
}

// value checks a property, or a part of one.
func (c *resourceCheck) value(v any) {
	switch v := v.(type) {
	case nil:
		c.wrong("it is null, which CloudFormation refuses: omit it")
	case string:
		c.text(v)
	case []any:
		for i, element := range v {
			c.in(fmt.Sprint(i), func() { c.value(element) })
		}
	case map[string]any:
		if name := functionIn(v); name != "" {
			c.function(name, v)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			c.inert(key)
			c.in(key, func() { c.value(v[key]) })
		}
	}
}

// text checks a string that may contain references.
func (c *resourceCheck) text(text string) {
	var inner Problems
	inner.referring("", "", text, c.scope)
	for _, problem := range inner {
		c.wrong("%s", problem.Problem)
	}
}

// inert checks a string that must not contain references.
func (c *resourceCheck) inert(text string) {
	var inner Problems
	inner.Inert("", "", text)
	for _, problem := range inner {
		c.wrong("%s", strings.Replace(problem.Problem, "in ARNs", "in ARNs and properties", 1))
	}
}

// functionIn returns the name of the function that CloudFormation would interpret an
// object as; empty for a plain object.
func functionIn(v map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if key == "Ref" || strings.HasPrefix(key, "Fn::") {
			return key
		}
	}
	return ""
}

// function refuses all functions except those whose result can be determined from the
// template itself.
func (c *resourceCheck) function(name string, v map[string]any) {
	if len(v) > 1 {
		c.wrong("it has other keys besides %s: a function must be the only key of its object", name)
		return
	}
	switch name {
	case "Ref":
		id, _ := v[name].(string)
		if _, own := c.types[id]; own {
			c.need(id)
		} else if !slices.Contains(pseudoParameters, id) {
			c.wrong("Ref %s does not name a template resource: it may name one of them, or %s; a value that the customer enters is %s", quoted(v[name]), joined(pseudoParameters), ParameterReference("NAME"))
		}
	case "Fn::GetAtt":
		c.getAtt(v[name])
	case "Fn::Join":
		c.in(name, func() { c.join(v[name]) })
	case "Fn::ImportValue":
		c.wrong("Fn::ImportValue would read what another stack of the customer exports")
	case "Fn::Transform":
		c.wrong("Fn::Transform would have a macro write a part of the template that the customer has not read")
	case "Fn::Sub":
		c.wrong("Fn::Sub would take a policy variable such as ${aws:username} for a name of the template: use references such as %s, or Fn::Join", AccountReference)
	default:
		c.wrong("%s is not one of the functions that are allowed here: Ref, Fn::GetAtt and Fn::Join", clipped(name))
	}
}

func (c *resourceCheck) getAtt(v any) {
	var id, attribute string
	switch v := v.(type) {
	case string:
		id, attribute, _ = strings.Cut(v, ".")
	case []any:
		if len(v) == 2 {
			id, _ = v[0].(string)
			attribute, _ = v[1].(string)
		}
	}
	typeName, own := c.types[id]
	switch attributes := resourceTypes[typeName].attributes; {
	case own && slices.Contains(attributes, attribute):
		c.need(id)
	case !own:
		c.wrong("Fn::GetAtt %s does not name a template resource", quoted(v))
	case resourceTypes[typeName].name != "": // otherwise the type is reported as a problem of its own
		c.wrong("%s has no attribute %q: there is %s", typeName, clipped(attribute), list(attributes))
	}
}

func (c *resourceCheck) join(v any) {
	list, _ := v.([]any)
	if len(list) != 2 {
		c.wrong("it requires a delimiter and a list")
		return
	}
	delimiter, isText := list[0].(string)
	parts, isList := list[1].([]any)
	if !isText || !isList {
		c.wrong("it requires a delimiter, which is a string, and a list")
		return
	}
	c.inert(delimiter)
	for i, part := range parts {
		c.in(fmt.Sprint(i), func() { c.single(part) })
	}
	if strings.Contains(together(v), "{{") {
		c.wrong("its parts form {{ together, and CloudFormation looks for {{resolve: in what was joined")
	}
}

// together returns the strings of a Join as joined, with a space in place of each
// function and reference.
func together(v any) string {
	switch v := v.(type) {
	case string:
		return values{account: " ", partition: " ", parameter: func(string) string { return " " }}.in(v)
	case map[string]any:
		if inner, isJoin := v["Fn::Join"]; isJoin {
			return together(inner)
		}
		return " "
	case []any:
		if len(v) != 2 {
			return ""
		}
		delimiter, _ := v[0].(string)
		parts, _ := v[1].([]any)
		texts := make([]string, len(parts))
		for i, part := range parts {
			texts[i] = together(part)
		}
		return strings.Join(texts, delimiter)
	}
	return ""
}

// single checks a value that must be one string.
func (c *resourceCheck) single(v any) {
	object, isObject := v.(map[string]any)
	if _, isText := v.(string); !isText && (!isObject || functionIn(object) == "") {
		c.wrong("it must be a string, Ref, Fn::GetAtt or Fn::Join")
		return
	}
	c.value(v)
}

// customersOwn reports whether a name differs between accounts.
func customersOwn(v any) bool {
	switch v := v.(type) {
	case string:
		return slices.ContainsFunc(Pieces(v), func(p Piece) bool { return p.Account || p.Parameter != "" })
	case []any:
		return slices.ContainsFunc(v, customersOwn)
	case map[string]any:
		if id, isRef := v["Ref"].(string); isRef {
			return id == "AWS::AccountId" || !strings.HasPrefix(id, "AWS::")
		}
		if v["Fn::GetAtt"] != nil {
			return true
		}
		return customersOwn(v["Fn::Join"])
	}
	return false
}
