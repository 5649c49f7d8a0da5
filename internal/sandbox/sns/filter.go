// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The parts of a message that a filter policy may look at.
const (
	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"
)

// filter is a subscription's filter policy: each key must match one of its
// rules. It knows exact values, prefix, suffix, equals-ignore-case,
// anything-but and exists; numeric ranges, CIDR blocks, wildcards and $or are
// refused when the policy is set.
type filter struct {
	scope string
	keys  map[string]any // []rule, or for a body a map of the same
}

// rule matches one value; exists is for keys that may be absent.
type rule struct {
	matches func(value any) bool
	absent  bool // {"exists": false}
}

// maxCombinations of the rules of all keys (aws-facts 5.8).
const maxCombinations = 150

func parseFilter(text, scope string) (*filter, error) {
	if scope == "" {
		scope = scopeAttributes
	}
	var top map[string]any
	if err := json.Unmarshal([]byte(text), &top); err != nil {
		return nil, errors.New("failed to parse JSON")
	}
	combinations := 1
	keys, err := parseKeys(top, scope == scopeBody, &combinations)
	if err != nil {
		return nil, err
	}
	if combinations > maxCombinations {
		return nil, fmt.Errorf("Filter policy is too complex: %d combinations, at most %d are allowed", combinations, maxCombinations)
	}
	return &filter{scope, keys}, nil
}

func parseKeys(top map[string]any, nested bool, combinations *int) (map[string]any, error) {
	keys := map[string]any{}
	for name, value := range top {
		if strings.HasPrefix(name, "$") {
			return nil, fmt.Errorf("the sandbox does not implement the operator %s", name)
		}
		switch v := value.(type) {
		case []any:
			rules, err := parseRules(name, v)
			if err != nil {
				return nil, err
			}
			*combinations *= len(rules)
			keys[name] = rules
		case map[string]any:
			if !nested {
				return nil, fmt.Errorf("Filter policy scope MessageAttributes does not support nested filter policy")
			}
			inner, err := parseKeys(v, nested, combinations)
			if err != nil {
				return nil, err
			}
			keys[name] = inner
		default:
			return nil, fmt.Errorf("%q must be an object or an array", name)
		}
	}
	return keys, nil
}

func parseRules(name string, values []any) ([]rule, error) {
	if len(values) == 0 {
		return nil, fmt.Errorf("empty arrays are not allowed: %q", name)
	}
	var rules []rule
	for _, value := range values {
		operator, ok := value.(map[string]any)
		if !ok {
			if _, isList := value.([]any); isList {
				return nil, fmt.Errorf("match value of %q must be string, number, true, false, or null", name)
			}
			rules = append(rules, rule{matches: func(got any) bool { return got == value }})
			continue
		}
		if len(operator) != 1 {
			return nil, fmt.Errorf("only one operator is allowed in each element of %q", name)
		}
		for op, argument := range operator {
			r, err := parseOperator(op, argument)
			if err != nil {
				return nil, err
			}
			rules = append(rules, r)
		}
	}
	return rules, nil
}

func parseOperator(op string, argument any) (rule, error) {
	text, isText := argument.(string)
	onText := func(match func(string) bool) (rule, error) {
		if !isText {
			return rule{}, fmt.Errorf("%s match pattern must be a string", op)
		}
		return rule{matches: func(got any) bool {
			s, ok := got.(string)
			return ok && match(s)
		}}, nil
	}
	switch op {
	case "prefix":
		return onText(func(s string) bool { return strings.HasPrefix(s, text) })
	case "suffix":
		return onText(func(s string) bool { return strings.HasSuffix(s, text) })
	case "equals-ignore-case":
		return onText(func(s string) bool { return strings.EqualFold(s, text) })
	case "exists":
		there, ok := argument.(bool)
		if !ok {
			return rule{}, errors.New("exists match pattern must be either true or false")
		}
		return rule{matches: func(any) bool { return there }, absent: !there}, nil
	case "anything-but":
		return anythingBut(argument)
	default:
		return rule{}, fmt.Errorf("the sandbox does not implement the operator %s", op)
	}
}

func anythingBut(argument any) (rule, error) {
	if operator, ok := argument.(map[string]any); ok {
		if len(operator) != 1 {
			return rule{}, errors.New("anything-but takes one operator")
		}
		for op, inner := range operator {
			r, err := parseOperator(op, inner)
			if err != nil || op == "exists" || op == "anything-but" {
				return rule{}, fmt.Errorf("anything-but does not take the operator %s", op)
			}
			return rule{matches: func(got any) bool { return !r.matches(got) }}, nil
		}
	}
	values, ok := argument.([]any)
	if !ok {
		values = []any{argument}
	}
	for _, v := range values {
		switch v.(type) {
		case string, float64:
		default:
			return rule{}, errors.New("anything-but match pattern must be strings or numbers")
		}
	}
	return rule{matches: func(got any) bool { return !slices.Contains(values, got) }}, nil
}

// accepts tells whether a message passes; a nil filter passes everything. A
// body that is no JSON object passes no filter on bodies.
func (f *filter) accepts(p *publication) bool {
	if f == nil {
		return true
	}
	if f.scope == scopeBody {
		var body map[string]any
		return json.Unmarshal([]byte(p.message), &body) == nil && matchKeys(f.keys, body)
	}
	values := map[string]any{}
	for name, a := range p.attributes {
		var decoded any
		switch {
		case strings.HasPrefix(a.DataType, "Binary"):
			continue // never matches
		case a.DataType == "String.Array", a.DataType == "Number":
			if json.Unmarshal([]byte(a.StringValue), &decoded) != nil {
				continue
			}
			values[name] = decoded
		default:
			values[name] = a.StringValue
		}
	}
	return matchKeys(f.keys, values)
}

func matchKeys(keys map[string]any, values map[string]any) bool {
	for name, wanted := range keys {
		got, there := values[name]
		if rules, ok := wanted.([]rule); ok {
			if !matchRules(rules, got, there) {
				return false
			}
			continue
		}
		nested, _ := wanted.(map[string]any)
		inner, _ := got.(map[string]any) // absent: only {"exists": false} matches inside
		if !matchKeys(nested, inner) {
			return false
		}
	}
	return true
}

func matchRules(rules []rule, got any, there bool) bool {
	for _, r := range rules {
		if !there {
			if r.absent {
				return true
			}
			continue
		}
		list, isList := got.([]any)
		if !isList {
			list = []any{got}
		}
		if slices.ContainsFunc(list, r.matches) {
			return true
		}
	}
	return false
}
