// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// A value that the customer enters is a parameter of the template. A reference to it
// becomes a Ref, or an Fn::Join of strings and Refs, but never an Fn::Sub, which would
// interpret a policy's own ${aws:username} as a name in the template.

// addInputs adds one parameter for each value that the customer enters.
func addInputs(to parameterMap, s Specification, h *placeholders) {
	for _, key := range sortedKeys(s.CustomerParameters) {
		to[permissionset.InputParameter(key)] = input(s, key, h)
	}
}

func input(s Specification, key string, h *placeholders) parameter {
	c := s.CustomerParameters[key]
	p := parameter{
		Type:                  "String",
		Description:           h.text(inputAdvice(s, key)),
		ConstraintDescription: h.text(constraint(c)),
	}
	if c.Default != nil {
		p.Default = h.put(*c.Default)
	}
	if len(c.AllowedValues) > 0 {
		values := c.AllowedValues
		if c.Optional() {
			values = append([]string{""}, values...)
		}
		for _, value := range sortedSet(values) {
			p.AllowedValues = append(p.AllowedValues, h.put(value))
		}
		return p
	}
	p.MaxLength = new(c.Longest())
	if c.Optional() {
		p.AllowedPattern = h.text("^(?:" + c.Pattern() + ")?$")
		return p
	}
	p.AllowedPattern = h.text("^(?:" + c.Pattern() + ")$")
	p.MinLength = new(c.Shortest())
	return p
}

// constraint returns the text that customers read if their value is invalid.
func constraint(c permissionset.CustomerParameter) string {
	text := fmt.Sprintf("%d to %d characters that match %s", c.Shortest(), c.Longest(), c.Pattern())
	if len(c.AllowedValues) > 0 {
		text = "one of " + strings.Join(sortedSet(c.AllowedValues), ", ")
	}
	if c.Optional() {
		text += ", or nothing"
	}
	return clipBytes(text+".", maxParameterText)
}

// inputAdvice returns the vendor's description and the effect of a value.
func inputAdvice(s Specification, key string) string {
	text := strings.TrimRight(s.CustomerParameters[key].Description, ". ") + "."
	var granted []string
	for _, name := range sortedKeys(s.OptionalPermissions) {
		if o := s.OptionalPermissions[name]; o.WhenParameter == key {
			granted = append(granted, o.Grants().Names())
		}
	}
	if len(granted) > 0 {
		text += fmt.Sprintf(" If you fill it in, %s's role has %s; leave it empty otherwise.", s.vendorName(), strings.Join(granted, ", and "))
	} else if s.CustomerParameters[key].Optional() {
		text += " You may leave it empty."
	}
	return clipBytes(text, maxParameterText)
}

// inputLabel returns the label of the field: the parameter's key as words.
func inputLabel(key string) string {
	words := strings.TrimSpace(strings.ReplaceAll(key, "_", " "))
	return strings.ToUpper(words[:1]) + words[1:]
}

// reported returns the customer's values for the phone-home.
func reported(s Specification) map[string]any {
	values := map[string]any{}
	for _, key := range sortedKeys(s.CustomerParameters) {
		values[key] = ref(permissionset.InputParameter(key))
	}
	for what, parameter := range chosen(s) {
		values[what] = ref(parameter)
	}
	return values
}

// filled returns a vendor's text with functions in place of its references.
func filled(text string) any {
	var parts []any
	for _, piece := range permissionset.Pieces(text) {
		switch {
		case piece.Account:
			parts = append(parts, ref(pseudoAccount))
		case piece.Partition:
			parts = append(parts, ref("AWS::Partition"))
		case piece.Parameter != "":
			parts = append(parts, ref(permissionset.InputParameter(piece.Parameter)))
		default:
			parts = append(parts, piece.Text)
		}
	}
	switch len(parts) {
	case 0:
		return text
	case 1:
		return parts[0]
	}
	return join("", parts...)
}

// document returns a vendor's policy as it is in the template, decoded and with
// functions in place of its references.
func document(text string) (any, error) {
	tree, err := permissionset.Decode([]byte(text))
	if err != nil {
		return nil, err
	}
	return permissionset.FillPolicy(tree, filled), nil
}
