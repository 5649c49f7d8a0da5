// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// CustomerParameter is a value that the customer enters when they create the stack,
// such as the name of a bucket. Policies refer to it: see Piece. The value is the
// customer's decision about their own account, and is only reported.
//
// Customer parameters are not part of the version: what the role may do changes with
// the policies that refer to the value, and live stacks keep their values.
type CustomerParameter struct {
	Description    string   `json:"description" rule:"required" doc:"What the customer is to type: they read it beside the field."`
	Default        *string  `json:"default,omitzero" doc:"Value that the field has unless the customer changes it. Empty: the customer may leave the field empty, and the parameter is only referred to in optional permissions that name it in when_parameter. Without a default the customer has to enter a value."`
	AllowedValues  []string `json:"allowed_values,omitzero" doc:"Values among which the customer chooses."`
	AllowedPattern string   `json:"allowed_pattern,omitempty" doc:"Regular expression that the whole value matches; default: letters, digits and .-_/. One that lets * ? $ { } \" or \\ pass is refused."`
	MinLength      int64    `json:"min_length,omitempty" doc:"Shortest value, in characters; default 1."`
	MaxLength      int64    `json:"max_length,omitempty" doc:"Longest value, in characters; default 128. Each reference counts as this many characters of its policy."`
}

// Limits of CloudFormation and the registry (aws-facts 3.9).
const (
	MaxCustomerParameters  = 50
	defaultParameterLength = 128
	maxParameterLength     = 4096
	maxParametersTogether  = 16 << 10 // all values, in characters
)

const (
	parametersField       = "customer_parameters"
	defaultAllowedPattern = "[A-Za-z0-9._/-]+"
)

// InputParameter returns the name of a customer parameter in the template. No other
// parameter's name begins like that.
func InputParameter(key string) string { return InputPrefix + LogicalName(key) }

// InputPrefix begins the names of the parameters that the customer enters.
const InputPrefix = "Input"

// Optional reports whether the customer may leave the field empty.
func (c CustomerParameter) Optional() bool { return c.Default != nil && *c.Default == "" }

// Pattern returns a pattern that matches whole values; empty if the customer chooses
// from a list of values.
func (c CustomerParameter) Pattern() string {
	if len(c.AllowedValues) > 0 {
		return ""
	}
	return trimAnchors(cmp.Or(c.AllowedPattern, defaultAllowedPattern))
}

// Longest returns the length of the longest value, in characters.
func (c CustomerParameter) Longest() int {
	if len(c.AllowedValues) == 0 {
		return int(cmp.Or(c.MaxLength, defaultParameterLength))
	}
	longest := 0
	for _, value := range c.AllowedValues {
		longest = max(longest, utf8.RuneCountInString(value))
	}
	return longest
}

// Shortest returns the length of the shortest value that is not empty.
func (c CustomerParameter) Shortest() int { return int(max(c.MinLength, 1)) }

// allows returns an error if value is not allowed.
func (c CustomerParameter) allows(value string) error {
	n := utf8.RuneCountInString(value)
	switch {
	case len(c.AllowedValues) > 0:
		if !slices.Contains(c.AllowedValues, value) {
			return fmt.Errorf("invalid value %q: must be one of allowed_values", value)
		}
		return nil
	case n < c.Shortest() || n > c.Longest():
		return fmt.Errorf("%q has %d characters, and not %d to %d", value, n, c.Shortest(), c.Longest())
	}
	pattern, err := regexp.Compile(`^(?:` + c.Pattern() + `)$`)
	if err == nil && !pattern.MatchString(value) {
		return fmt.Errorf("%q does not match %s", value, c.Pattern())
	}
	return nil // the pattern itself is invalid, which is reported for the pattern
}

// sample returns a valid value of the parameter: if possible its default or its key,
// which a person recognises.
func (c CustomerParameter) sample(key string) string {
	candidates := []string{strings.ReplaceAll(key, "_", "-"), key}
	if c.Default != nil && *c.Default != "" {
		candidates = slices.Insert(candidates, 0, *c.Default)
	}
	candidates = append(candidates, c.AllowedValues...)
	for _, value := range candidates {
		if c.allows(value) == nil {
			return value
		}
	}
	return shortestMatch(c.Pattern())
}

// validateParameters returns the mistakes in the declarations of customer parameters.
func (c Choices) validateParameters() []FieldError {
	var p Problems
	if n := len(c.CustomerParameters); n > MaxCustomerParameters {
		p.Add(parametersField, "", "there are %d, but a customer can be asked for at most %d", n, MaxCustomerParameters)
	}
	names, together := map[string]string{}, 0
	for _, key := range slices.Sorted(maps.Keys(c.CustomerParameters)) {
		if !ValidSwitchKey(key) {
			p.Add(parametersField, key, "a key has 1 to 41 lower-case letters, digits and underscores, and begins with a letter")
			continue
		}
		name := InputParameter(key)
		if other, taken := names[name]; taken {
			p.Add(parametersField, key, "its parameter would be called %s, as that of %q: use another key", name, other)
		}
		names[name] = key
		p.parameter(parametersField+"."+key, c.CustomerParameters[key])
		together += c.CustomerParameters[key].Longest()
	}
	if len(p) == 0 && together > maxParametersTogether {
		p.Add(parametersField, "", "their values may have %d characters in total, but at most %d are allowed: set max_length", together, maxParametersTogether)
	}
	return p
}

func (p *Problems) parameter(field string, c CustomerParameter) {
	p.switchText(field+".description", c.Description)
	before := len(*p)
	if len(c.AllowedValues) > 0 {
		p.allowedValues(field, c)
	} else {
		p.patternAndLength(field, c)
	}
	if len(*p) > before || c.Default == nil || *c.Default == "" {
		return
	}
	if err := c.allows(*c.Default); err != nil {
		p.Add(field+".default", "", "%s", err)
	}
}

func (p *Problems) allowedValues(field string, c CustomerParameter) {
	for name, given := range map[string]bool{"allowed_pattern": c.AllowedPattern != "", "min_length": c.MinLength != 0, "max_length": c.MaxLength != 0} {
		if given {
			p.Add(field+"."+name, "", "allowed_values limits the values already: leave one of them out")
		}
	}
	for _, value := range c.AllowedValues {
		switch {
		case value == "":
			p.Add(field+".allowed_values", value, "a value is empty; default = \"\" lets the customer leave the field empty")
		case len(value) > maxParameterLength:
			p.Add(field+".allowed_values", value[:20]+"…", "it has %d characters, and CloudFormation allows %d", len(value), maxParameterLength)
		default:
			for _, r := range value {
				if !harmless(r) {
					p.Add(field+".allowed_values", value, "it has %q, and a value is printable ASCII without %s", r, meaningful)
					break
				}
			}
		}
	}
}

func (p *Problems) patternAndLength(field string, c CustomerParameter) {
	if c.AllowedPattern != "" {
		if err := checkPattern(c.AllowedPattern); err != nil {
			p.Add(field+".allowed_pattern", "", "%s", err)
		}
	}
	switch {
	case c.MinLength < 0 || c.MaxLength < 0 || c.MaxLength > maxParameterLength:
		p.Add(field+".max_length", "", "a value has 1 to %d characters", maxParameterLength)
	case c.Shortest() > c.Longest():
		p.Add(field+".min_length", "", "%d is more than max_length, which is %d", c.MinLength, c.Longest())
	case c.Optional() && c.MinLength > 1:
		p.Add(field+".min_length", "", "the customer may leave the field empty, and CloudFormation would refuse the empty value by its length: use allowed_pattern")
	}
}

// whenParameter refuses an optional permission that depends on anything other than a
// parameter that can be left empty.
func (p *Problems) whenParameter(key string, permission OptionalPermission, parameters map[string]CustomerParameter) {
	if permission.WhenParameter == "" {
		return
	}
	field := optionalField + "." + key
	switch parameter, declared := parameters[permission.WhenParameter]; {
	case !declared:
		p.Add(field+".when_parameter", "", "there is no customer parameter %q", permission.WhenParameter)
	case !parameter.Optional():
		p.Add(field+".when_parameter", "", `the customer must always enter %q: set its default = "", so that it may be empty`, permission.WhenParameter)
	}
	if permission.DefaultEnabled {
		p.Add(field+".default_enabled", "", "it is on when the customer gives %q, and has no switch: leave it out", permission.WhenParameter)
	}
}
