// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// operator compares one value of the request with one of the policy.
type operator struct {
	negated bool // StringNotEquals: true if no value of the policy matches
	pattern bool // the policy's value has wildcards
	matches func(want, got string) bool
}

func equal(want, got string) bool { return want == got }

var operators = map[string]operator{
	"stringequals":              {matches: equal},
	"stringnotequals":           {negated: true, matches: equal},
	"stringequalsignorecase":    {matches: strings.EqualFold},
	"stringnotequalsignorecase": {negated: true, matches: strings.EqualFold},
	"stringlike":                {pattern: true, matches: glob},
	"stringnotlike":             {negated: true, pattern: true, matches: glob},
	"arnequals":                 {pattern: true, matches: matchARN},
	"arnlike":                   {pattern: true, matches: matchARN},
	"arnnotequals":              {negated: true, pattern: true, matches: matchARN},
	"arnnotlike":                {negated: true, pattern: true, matches: matchARN},
	"bool":                      {matches: strings.EqualFold},
	"numericequals":             {matches: numeric(func(c int) bool { return c == 0 })},
	"numericnotequals":          {negated: true, matches: numeric(func(c int) bool { return c == 0 })},
	"numericlessthan":           {matches: numeric(func(c int) bool { return c < 0 })},
	"numericlessthanequals":     {matches: numeric(func(c int) bool { return c <= 0 })},
	"numericgreaterthan":        {matches: numeric(func(c int) bool { return c > 0 })},
	"numericgreaterthanequals":  {matches: numeric(func(c int) bool { return c >= 0 })},
	"dateequals":                {matches: date(func(c int) bool { return c == 0 })},
	"datenotequals":             {negated: true, matches: date(func(c int) bool { return c == 0 })},
	"datelessthan":              {matches: date(func(c int) bool { return c < 0 })},
	"datelessthanequals":        {matches: date(func(c int) bool { return c <= 0 })},
	"dategreaterthan":           {matches: date(func(c int) bool { return c > 0 })},
	"dategreaterthanequals":     {matches: date(func(c int) bool { return c >= 0 })},
	"ipaddress":                 {matches: inNetwork},
	"notipaddress":              {negated: true, matches: inNetwork},
}

// holds reports whether a condition is met: it compares the request's values of
// the key with the policy's. It returns an error for a key or an operator that
// the sandbox does not implement.
func (q *question) holds(d *Document, c Condition) (bool, error) {
	values, known := q.key(c.Key)
	if !known {
		return false, errors.New("this condition key is not implemented")
	}
	name := strings.ToLower(c.Operator)
	if name == "null" {
		return null(c.Values, len(values) == 0)
	}
	quantifier, rest, found := strings.Cut(name, ":")
	if !found {
		quantifier, rest = "", name
	}
	rest, ifExists := strings.CutSuffix(rest, "ifexists")
	op, found := operators[rest]
	if !found || quantifier != "" && quantifier != "foranyvalue" && quantifier != "forallvalues" {
		return false, errors.New("this condition operator is not implemented")
	}
	wanted, err := q.wanted(d, c.Values, op.pattern)
	if err != nil {
		return false, err
	}
	if len(values) == 0 {
		switch {
		case ifExists, quantifier == "forallvalues":
			return true, nil
		case quantifier == "foranyvalue":
			return false, nil
		default:
			return op.negated, nil
		}
	}
	return op.compare(quantifier, wanted, values), nil
}

// compare reports whether the request's values meet a condition. Without a
// quantifier, several values are compared as with ForAnyValue, or, if the
// operator is negated, as with ForAllValues.
func (op operator) compare(quantifier string, wanted, values []string) bool {
	all := quantifier == "forallvalues" || quantifier == "" && op.negated
	for _, value := range values {
		matched := false
		for _, want := range wanted {
			matched = matched || op.matches(want, value)
		}
		if matched != op.negated {
			if !all {
				return true
			}
		} else if all {
			return false
		}
	}
	return all
}

// wanted returns the policy's values with their variables replaced, without the
// values of which a variable is absent: those match nothing.
func (q *question) wanted(d *Document, values []string, pattern bool) ([]string, error) {
	list := make([]string, 0, len(values))
	for _, value := range values {
		expanded, found, err := q.expand(d, value, pattern)
		if err != nil {
			return nil, err
		}
		if found {
			list = append(list, expanded)
		}
	}
	return list, nil
}

func null(wanted []string, absent bool) (bool, error) {
	for _, want := range wanted {
		value, err := strconv.ParseBool(want)
		if err != nil {
			return false, fmt.Errorf("invalid value %q of Null: must be true or false", want)
		}
		if value == absent {
			return true, nil
		}
	}
	return false, nil
}

func numeric(holds func(int) bool) func(want, got string) bool {
	return func(want, got string) bool {
		w, ok1 := new(big.Rat).SetString(want)
		g, ok2 := new(big.Rat).SetString(got)
		return ok1 && ok2 && holds(g.Cmp(w))
	}
}

func date(holds func(int) bool) func(want, got string) bool {
	return func(want, got string) bool {
		w, err1 := parseTime(want)
		g, err2 := parseTime(got)
		return err1 == nil && err2 == nil && holds(g.Compare(w))
	}
}

// parseTime parses the ISO 8601 forms that policies use, and epoch seconds.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a date", text)
	}
	return time.Unix(seconds, 0), nil
}

func inNetwork(want, got string) bool {
	if !strings.Contains(want, "/") {
		return want == got
	}
	network, err1 := netip.ParsePrefix(want)
	address, err2 := netip.ParseAddr(got)
	return err1 == nil && err2 == nil && network.Contains(address)
}
