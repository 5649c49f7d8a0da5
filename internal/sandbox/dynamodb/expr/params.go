// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"maps"
	"slices"
	"strings"
)

// Check returns an error if the placeholders are invalid. Call it before an
// expression is parsed. expressions is whether the request has an expression.
func (p *Params) Check(expressions bool) error {
	for _, kind := range []struct {
		label, prefix string
		given         bool
		keys          []string
	}{
		{"ExpressionAttributeNames", "#", p.Names != nil, slices.Sorted(maps.Keys(p.Names))},
		{"ExpressionAttributeValues", ":", p.Values != nil, slices.Sorted(maps.Keys(p.Values))},
	} {
		switch {
		case !kind.given:
			continue
		case !expressions:
			return wrong("%s can only be specified when using expressions", kind.label)
		case len(kind.keys) == 0:
			return wrong("%s must not be empty", kind.label)
		}
		for _, key := range kind.keys {
			if name, ok := strings.CutPrefix(key, kind.prefix); !ok || name == "" || span(name, inName) != len(name) {
				return wrong("%s contains invalid key: Syntax error; key: %q", kind.label, key)
			}
		}
	}
	return nil
}

// Unused returns an error if there are placeholders that no expression uses.
// Call it after all of the request's expressions are parsed.
func (p *Params) Unused() error {
	unused := func(keys []string) string {
		keys = slices.DeleteFunc(keys, func(key string) bool { return p.used[key] })
		return strings.Join(keys, ", ")
	}
	if keys := unused(slices.Sorted(maps.Keys(p.Names))); keys != "" {
		return wrong("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", keys)
	}
	if keys := unused(slices.Sorted(maps.Keys(p.Values))); keys != "" {
		return wrong("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", keys)
	}
	return nil
}
