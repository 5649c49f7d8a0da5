// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Policies are decoded token by token: if an object has two members of the same
// name, json.Unmarshal uses the last one, but AWS refuses the policy.

type object []member

type member struct {
	name  string
	value any // string, json.Number, bool, nil, []any, object
}

// maxDepth keeps a hostile document from exhausting the stack.
const maxDepth = 16

const errInvalidJSON = Malformed("This policy contains invalid Json")

func parseJSON(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	value, err := parseValue(decoder, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errInvalidJSON
	}
	return value, nil
}

func parseValue(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil || depth > maxDepth {
		return nil, errInvalidJSON
	}
	switch token {
	case json.Delim('{'):
		return parseObject(decoder, depth)
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			value, err := parseValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		if _, err := decoder.Token(); err != nil {
			return nil, errInvalidJSON
		}
		return list, nil
	default:
		return token, nil
	}
}

func parseObject(decoder *json.Decoder, depth int) (any, error) {
	o := object{}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, errInvalidJSON
		}
		name, ok := token.(string)
		if !ok {
			return nil, errInvalidJSON
		}
		if seen[name] {
			return nil, malformed("Syntax errors in policy: duplicate element %s", name)
		}
		seen[name] = true
		value, err := parseValue(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		o = append(o, member{name, value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errInvalidJSON
	}
	return o, nil
}

// stringList returns the strings of a member that is "x" or ["x", "y"].
func stringList(m member) ([]string, error) {
	items, ok := m.value.([]any)
	if !ok {
		items = []any{m.value}
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, malformed("Syntax errors in policy: %s must hold strings", m.name)
		}
		list = append(list, text)
	}
	return list, nil
}

// scalarList returns the values of a member, one or a list, as strings. Like
// AWS in conditions, it converts numbers and booleans.
func scalarList(m member) ([]string, error) {
	items, ok := m.value.([]any)
	if !ok {
		items = []any{m.value}
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		switch value := item.(type) {
		case string:
			list = append(list, value)
		case json.Number:
			list = append(list, value.String())
		case bool:
			list = append(list, fmt.Sprint(value))
		default:
			return nil, malformed("Syntax errors in policy: the values of %s must be scalars", m.name)
		}
	}
	return list, nil
}
