// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// policy checks the policy of a resource. As in the role's policies, it may contain
// references and functions in resources and in the values of conditions.
func (c *resourceCheck) policy(v any) {
	tree, ok := filledValue(v, func(text string) any { return text }).(map[string]any) // a copy
	if !ok {
		c.wrong("it must be a policy document, not a string")
		return
	}
	before := len(*c.to)
	for i, statement := range listed(tree["Statement"]) {
		s, _ := statement.(map[string]any)
		c.in(fmt.Sprintf("Statement[%d]", i), func() { c.statement(s) })
	}
	if len(*c.to) > before {
		return
	}
	sampled := Choices{CustomerParameters: c.scope.parameters}.samples(account.Partition{})
	FillPolicy(tree, func(text string) any { return sampled.in(text) })
	if c.literal(tree); len(*c.to) > before {
		return
	}
	var mistake *iampolicy.ParseError
	switch _, err := iampolicy.Parse(string(encode(tree))); {
	case errors.As(err, &mistake):
		c.wrong("%s", mistake.Problem) // without the line number, which is not that of the vendor's text
	case err != nil:
		c.wrong("%s", err)
	}
}

// statement checks that references and functions are only in allowed places, and
// replaces functions by sample strings.
func (c *resourceCheck) statement(s map[string]any) {
	sampled := func(at map[string]any, name string) {
		c.in(name, func() { at[name] = c.sampled(at[name]) })
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		switch name {
		case "Resource", "NotResource":
			sampled(s, name)
		case "Condition":
			operators, _ := s[name].(map[string]any)
			for _, operator := range slices.Sorted(maps.Keys(operators)) {
				keys, _ := operators[operator].(map[string]any)
				for _, key := range slices.Sorted(maps.Keys(keys)) {
					sampled(keys, key)
				}
			}
		}
	}
}

// sampled checks a value in a policy, and returns it with sample strings in place of
// functions.
func (c *resourceCheck) sampled(v any) any {
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			c.in(fmt.Sprint(i), func() { v[i] = c.sampled(element) })
		}
	case map[string]any:
		c.value(v)
		if functionIn(v) != "" {
			return "arn:aws:s3:::sample"
		}
	default:
		c.value(v)
	}
	return v
}

// literal refuses functions and references in the other parts of a policy: in its
// principals, actions and names.
func (c *resourceCheck) literal(v any) {
	switch v := v.(type) {
	case string:
		c.inert(v)
	case []any:
		for _, element := range v {
			c.literal(element)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key == "Ref" || strings.HasPrefix(key, "Fn::") {
				c.wrong("%s is allowed in a policy only in resources and condition values, not in principals, actions or keys", key)
				return
			}
			c.inert(key)
			c.in(key, func() { c.literal(v[key]) })
		}
	}
}
