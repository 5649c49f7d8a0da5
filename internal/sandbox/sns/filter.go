// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// The parts of a message that a filter policy may use.
const (
	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"
)

// filter is a subscription's filter policy: each key must match one of its
// rules. It implements exact values, prefix, suffix, equals-ignore-case,
// numeric, anything-but and exists; CIDR blocks, wildcards and $or are refused
// when the policy is set.
type filter struct {
	scope string
	keys  map[string]any // []rule, or for nested objects of a body a map of the same type
}

// rule matches one value, or with absent a key without a value.
type rule struct {
	matches func(value any) bool
	absent  bool // {"exists": false}
}

// maxCombinations is the largest product of the numbers of rules of all keys
// (aws-facts 5.8).
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
		exists, ok := argument.(bool)
		if !ok {
			return rule{}, errors.New("exists match pattern must be either true or false")
		}
		return rule{matches: func(any) bool { return exists }, absent: !exists}, nil
	case "numeric":
		return numericRule(argument)
	case "anything-but":
		return anythingBut(argument)
	default:
		return rule{}, fmt.Errorf("the sandbox does not implement the operator %s", op)
	}
}

// numericRule returns the rule of ["=", 5] and of ranges such as [">", 0, "<=",
// 150] (aws-facts 13.9).
func numericRule(argument any) (rule, error) {
	parts, _ := argument.([]any)
	if len(parts) != 2 && len(parts) != 4 {
		return rule{}, errors.New("numeric match pattern must be an array of one or two comparisons")
	}
	var comparisons []func(float64) bool
	for i := 0; i < len(parts); i += 2 {
		operator, isText := parts[i].(string)
		limit, isNumber := parts[i+1].(float64)
		compare, known := numericOperators[operator]
		switch {
		case !isText || !known:
			return rule{}, fmt.Errorf("Unrecognized numeric range operator: %v", parts[i])
		case !isNumber || math.Abs(limit) > maxFilterNumber:
			return rule{}, fmt.Errorf("Value of %s must be numeric, and between -10^9 and 10^9", operator)
		case len(parts) == 4 && !strings.HasPrefix(operator, []string{">", "<"}[i/2]):
			return rule{}, fmt.Errorf("Bad numeric range operator: %s", operator)
		}
		comparisons = append(comparisons, func(got float64) bool { return compare(got, limit) })
	}
	return rule{matches: func(value any) bool {
		got, isNumber := value.(float64)
		return isNumber && !slices.ContainsFunc(comparisons, func(holds func(float64) bool) bool { return !holds(got) })
	}}, nil
}

const maxFilterNumber = 1e9

var numericOperators = map[string]func(got, limit float64) bool{
	"=":  func(got, limit float64) bool { return got == limit },
	"<":  func(got, limit float64) bool { return got < limit },
	"<=": func(got, limit float64) bool { return got <= limit },
	">":  func(got, limit float64) bool { return got > limit },
	">=": func(got, limit float64) bool { return got >= limit },
}

func anythingBut(argument any) (rule, error) {
	if operator, ok := argument.(map[string]any); ok {
		if len(operator) != 1 {
			return rule{}, errors.New("anything-but takes one operator")
		}
		for op, inner := range operator {
			r, err := parseOperator(op, inner)
			if err != nil || op == "exists" || op == "anything-but" || op == "numeric" {
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

// accepts reports whether a message matches the filter. A nil filter matches
// every message. A body that is not a JSON object matches no filter on bodies.
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
		got, found := values[name]
		if rules, ok := wanted.([]rule); ok {
			if !matchRules(rules, got, found) {
				return false
			}
			continue
		}
		nested, _ := wanted.(map[string]any)
		if !matchNested(nested, got) {
			return false
		}
	}
	return true
}

// matchNested matches an object, or an array of objects of which one must match
// in all keys. If there is no object, only {"exists": false} matches.
func matchNested(keys map[string]any, got any) bool {
	list, isList := got.([]any)
	if !isList || len(list) == 0 {
		inner, _ := got.(map[string]any)
		return matchKeys(keys, inner)
	}
	return slices.ContainsFunc(list, func(element any) bool { return matchNested(keys, element) })
}

// flat returns the values in nested arrays, or a single value.
func flat(value any) []any {
	list, isList := value.([]any)
	if !isList {
		return []any{value}
	}
	var all []any
	for _, element := range list {
		all = append(all, flat(element)...)
	}
	return all
}

func matchRules(rules []rule, got any, found bool) bool {
	for _, r := range rules {
		if !found {
			if r.absent {
				return true
			}
			continue
		}
		if slices.ContainsFunc(flat(got), r.matches) {
			return true
		}
	}
	return false
}
