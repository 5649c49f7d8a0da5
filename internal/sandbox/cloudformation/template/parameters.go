// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package template

import (
	"encoding/json"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Parameter is one member of the Parameters section.
type Parameter struct {
	Name                  string
	Type                  string
	Default               *string
	Description           string
	ConstraintDescription string
	NoEcho                bool

	AllowedValues        []string
	AllowedPattern       string
	MinLength, MaxLength *int
	MinValue, MaxValue   *big.Float

	pattern *regexp.Regexp
}

var parameterMembers = []string{
	"Type", "Default", "Description", "ConstraintDescription", "NoEcho", "AllowedValues",
	"AllowedPattern", "MinLength", "MaxLength", "MinValue", "MaxValue",
}

func (t *Template) readParameters(doc map[string]any) error {
	members, err := object(doc, "Parameters")
	if err != nil {
		return err
	}
	if len(members) > 200 {
		return errorf("Template format error: Number of parameters, %d, is greater than maximum allowed, 200", len(members))
	}
	for _, name := range t.interfaceOrder(members) {
		m, ok := members[name].(map[string]any)
		if !ok {
			return errorf("Template format error: Every Parameters member must be an object; [%s] is not", name)
		}
		p, err := readParameter(name, m)
		if err != nil {
			return err
		}
		t.Parameters = append(t.Parameters, p)
	}
	return nil
}

func readParameter(name string, m map[string]any) (Parameter, error) {
	p := Parameter{Name: name}
	if !alphanumeric(name) {
		return p, errorf("Template format error: Parameter name %s is non alphanumeric.", name)
	}
	for _, member := range sorted(m) {
		if !slices.Contains(parameterMembers, member) {
			return p, errorf("Invalid template parameter property '%s'", member)
		}
	}
	p.Type, _ = m["Type"].(string)
	switch {
	case p.Type == "":
		return p, errorf("Template format error: Every Parameters object must contain a Type member.")
	case strings.HasPrefix(p.Type, "AWS::") || strings.HasPrefix(p.Type, "List<AWS::"):
		return p, refuse("the parameter type " + p.Type + " of " + name)
	case !slices.Contains([]string{"String", "Number", "CommaDelimitedList", "List<Number>"}, p.Type):
		return p, errorf("Template format error: Unrecognized parameter type: %s", p.Type)
	}
	p.Description, _ = m["Description"].(string)
	p.ConstraintDescription, _ = m["ConstraintDescription"].(string)
	if v, found := m["Default"]; found {
		s, ok := scalar(v)
		if !ok {
			return p, errorf("Template format error: Every Default member must be a string.")
		}
		p.Default = &s
	}
	if s, ok := scalar(m["NoEcho"]); ok {
		p.NoEcho = s == "true"
	}
	return p, p.readConstraints(m)
}

func (p *Parameter) readConstraints(m map[string]any) error {
	if v, found := m["AllowedValues"]; found {
		list, ok := v.([]any)
		if !ok {
			return errorf("Template format error: Every AllowedValues member must be a list.")
		}
		for _, e := range list {
			s, _ := scalar(e)
			p.AllowedValues = append(p.AllowedValues, s)
		}
	}
	if v, found := m["AllowedPattern"]; found {
		p.AllowedPattern, _ = v.(string)
		pattern, err := regexp.Compile(`^(?:` + p.AllowedPattern + `)$`)
		if err != nil {
			return errorf("Template format error: AllowedPattern of parameter %s is not a regular expression: %v", p.Name, err)
		}
		p.pattern = pattern
	}
	for name, field := range map[string]**int{"MinLength": &p.MinLength, "MaxLength": &p.MaxLength} {
		if v, found := m[name]; found {
			s, _ := scalar(v)
			n, err := strconv.Atoi(s)
			if err != nil || p.Type != "String" {
				return errorf("Template format error: %s of parameter %s must be a number and its type String", name, p.Name)
			}
			*field = &n
		}
	}
	for name, field := range map[string]**big.Float{"MinValue": &p.MinValue, "MaxValue": &p.MaxValue} {
		if v, found := m[name]; found {
			s, _ := scalar(v)
			n, ok := number(s)
			if !ok {
				return errorf("Template format error: %s of parameter %s must be a number", name, p.Name)
			}
			*field = n
		}
	}
	return nil
}

// Bind returns the value of every parameter: the one passed, else the default.
// The values are texts, as DescribeStacks shows them. It returns an error if a
// value is missing, violates a constraint, or is of no parameter.
func (t *Template) Bind(passed map[string]string) (map[string]string, error) {
	unknown := maps.Clone(passed)
	values := make(map[string]string, len(t.Parameters))
	var missing []string
	for _, p := range t.Parameters {
		delete(unknown, p.Name)
		value, found := passed[p.Name]
		switch {
		case found:
		case p.Default != nil:
			value = *p.Default
		default:
			missing = append(missing, p.Name)
			continue
		}
		values[p.Name] = value
	}
	if len(unknown) > 0 {
		return nil, errorf("Parameters: [%s] do not exist in the template", strings.Join(sorted(unknown), ", "))
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, errorf("Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	for _, p := range t.Parameters {
		if err := p.check(values[p.Name]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// check returns an error if a value violates the parameter's constraints, which
// apply to each element of a list.
func (p Parameter) check(value string) error {
	if len(value) > 4096 {
		return errorf("Parameter '%s' must contain at most 4096 characters", p.Name)
	}
	elements := []string{value}
	if p.list() {
		elements = splitList(value)
	}
	for _, e := range elements {
		if err := p.checkOne(e); err != nil {
			if p.ConstraintDescription != "" {
				return errorf("Parameter %s failed to satisfy constraint: %s", p.Name, p.ConstraintDescription)
			}
			return err
		}
	}
	return nil
}

func (p Parameter) checkOne(value string) error {
	if len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, value) {
		return errorf("Parameter '%s' must be one of AllowedValues", p.Name)
	}
	if p.Type == "Number" || p.Type == "List<Number>" {
		n, ok := number(value)
		switch {
		case !ok:
			return errorf("Parameter '%s' must be a number.", p.Name)
		case p.MinValue != nil && n.Cmp(p.MinValue) < 0:
			return errorf("Parameter '%s' must be a number not less than %s", p.Name, p.MinValue.Text('f', -1))
		case p.MaxValue != nil && n.Cmp(p.MaxValue) > 0:
			return errorf("Parameter '%s' must be a number not greater than %s", p.Name, p.MaxValue.Text('f', -1))
		}
		return nil
	}
	switch {
	case p.MinLength != nil && len(value) < *p.MinLength:
		return errorf("Parameter '%s' must contain at least %d characters", p.Name, *p.MinLength)
	case p.MaxLength != nil && len(value) > *p.MaxLength:
		return errorf("Parameter '%s' must contain at most %d characters", p.Name, *p.MaxLength)
	case p.pattern != nil && !p.pattern.MatchString(value):
		return errorf("Parameter '%s' must match pattern %s", p.Name, p.AllowedPattern)
	}
	return nil
}

// number parses a number. It refuses a number of a billion digits, which could
// be compared, but not written into an error.
func number(text string) (*big.Float, bool) {
	const most = 4096 // of binary digits
	n, ok := new(big.Float).SetString(text)
	if !ok || n.IsInf() || n.MantExp(nil) > most || n.MantExp(nil) < -most {
		return nil, false
	}
	return n, true
}

// value returns the value of a Ref to the parameter: a string, or a list.
func (p Parameter) value(text string) any {
	if !p.list() {
		return text
	}
	list := []any{}
	for _, e := range splitList(text) {
		list = append(list, e)
	}
	return list
}

func (p Parameter) list() bool { return p.Type == "CommaDelimitedList" || p.Type == "List<Number>" }

// splitList splits a comma-delimited list, and trims spaces around the
// elements.
func splitList(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// scalar returns CloudFormation's text for a string, number or boolean
// (aws-facts 1.4), and false for other values.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
