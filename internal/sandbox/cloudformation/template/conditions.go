// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package template

import (
	"encoding/json"
	"slices"
	"strings"
)

// NewScope evaluates the template's conditions with the parameters' values, and
// returns the scope in which everything else is evaluated: pseudo, which has
// the values of the pseudo parameters, with the parameters and conditions.
func (t *Template) NewScope(pseudo Scope, values map[string]string) (*Scope, error) {
	s := &pseudo
	s.template = t
	s.parameters = make(map[string]any, len(t.Parameters))
	for _, p := range t.Parameters {
		s.parameters[p.Name] = p.value(values[p.Name])
	}
	s.conditions = make(map[string]bool, len(t.Conditions))
	c := conditions{scope: s, values: t.Conditions}
	for _, name := range sorted(t.Conditions) {
		if _, err := c.named(name, nil); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Wanted reports whether the condition of that name is true. It returns true
// for an empty name.
func (s *Scope) Wanted(condition string) bool { return condition == "" || s.conditions[condition] }

// conditions evaluates boolean expressions: those of the Conditions section,
// and those of rules.
type conditions struct {
	scope  *Scope
	values map[string]any
	rule   bool // functions of rules are allowed, {"Condition": …} is not
}

func (c conditions) named(name string, path []string) (bool, error) {
	if known, done := c.scope.conditions[name]; done {
		return known, nil
	}
	if slices.Contains(path, name) {
		return false, errorf("Template error: Circular condition dependency: %s", strings.Join(append(path, name), " -> "))
	}
	v, found := c.values[name]
	if !found {
		return false, errorf("Template format error: Unresolved condition dependency %s in the Conditions block of the template", name)
	}
	holds, err := c.holds(v, append(path, name))
	if err == nil {
		c.scope.conditions[name] = holds
	}
	return holds, err
}

func (c conditions) holds(v any, path []string) (bool, error) {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return false, errorf("Template format error: Conditions can only be boolean operations on parameters and other conditions")
	}
	for name, argument := range m {
		list, isList := argument.([]any)
		switch {
		case name == "Condition" && !c.rule:
			other, _ := argument.(string)
			return c.named(other, path)
		case name == "Fn::Equals" && isList && len(list) == 2:
			return c.equals(list)
		case name == "Fn::Not" && isList && len(list) == 1:
			holds, err := c.holds(list[0], path)
			return !holds, err
		case (name == "Fn::And" || name == "Fn::Or") && isList && len(list) >= 2 && len(list) <= 10:
			return c.all(list, name == "Fn::And", path)
		case c.rule && slices.Contains(ruleFunctions, name) && isList && len(list) == 2:
			return c.members(name, list)
		case slices.Contains(slices.Concat(conditionFunctions, ruleFunctions), name) && isList:
			return false, errorf("Template error: every %s object requires another number of arguments than %d", name, len(list))
		default:
			if slices.Contains(refusedFunctions, name) {
				return false, refuse("the function " + name)
			}
		}
	}
	return false, errorf("Template format error: Conditions can only be boolean operations on parameters and other conditions")
}

func (c conditions) equals(list []any) (bool, error) {
	left, err := c.scope.Resolve(list[0])
	if err != nil {
		return false, err
	}
	right, err := c.scope.Resolve(list[1])
	if err != nil {
		return false, err
	}
	return sameText(left, right), nil
}

func (c conditions) all(list []any, and bool, path []string) (bool, error) {
	result := and
	for _, e := range list {
		holds, err := c.holds(e, path)
		if err != nil {
			return false, err
		}
		if and {
			result = result && holds
		} else {
			result = result || holds
		}
	}
	return result, nil
}

// members evaluates the functions that only rules may use.
func (c conditions) members(name string, list []any) (bool, error) {
	left, err := c.scope.list(list[0], name)
	if err != nil {
		return false, err
	}
	right, err := c.scope.Resolve(list[1])
	if err != nil {
		return false, err
	}
	among := func(v any, all []any) bool {
		return slices.ContainsFunc(all, func(e any) bool { return sameText(e, v) })
	}
	switch name {
	case "Fn::Contains":
		return among(right, left), nil
	case "Fn::EachMemberEquals":
		return !slices.ContainsFunc(left, func(e any) bool { return !sameText(e, right) }), nil
	}
	allowed, ok := right.([]any)
	if !ok {
		return false, errorf("Template error: every Fn::EachMemberIn object requires two lists")
	}
	return !slices.ContainsFunc(left, func(e any) bool { return !among(e, allowed) }), nil
}

// sameText reports whether two values have the same text, which is how
// CloudFormation compares: true equals "true".
func sameText(a, b any) bool {
	left, err := json.Marshal(Stringify(a))
	if err != nil {
		return false
	}
	right, err := json.Marshal(Stringify(b))
	return err == nil && string(left) == string(right)
}

// Rule is one member of the Rules section: assertions that must be true before
// any resource is created.
type Rule struct {
	Condition  any // nil: the assertions always apply
	Assertions []Assertion
}

// Assertion is a condition that must be true, and the message for when it is
// not.
type Assertion struct {
	Assert      any
	Description string
}

func (t *Template) readRules(doc map[string]any) error {
	members, err := object(doc, "Rules")
	if err != nil {
		return err
	}
	t.Rules = make(map[string]Rule, len(members))
	for _, name := range sorted(members) {
		m, ok := members[name].(map[string]any)
		assertions, isList := m["Assertions"].([]any)
		if !ok || !isList || len(assertions) == 0 {
			return errorf("Template format error: Rule %s must have a list of Assertions", name)
		}
		rule := Rule{Condition: m["RuleCondition"]}
		for _, a := range assertions {
			am, _ := a.(map[string]any)
			assertion := Assertion{Assert: am["Assert"]}
			assertion.Description, _ = am["AssertDescription"].(string)
			if assertion.Assert == nil {
				return errorf("Template format error: Every assertion of rule %s must have an Assert", name)
			}
			rule.Assertions = append(rule.Assertions, assertion)
		}
		t.Rules[name] = rule
	}
	return nil
}

// CheckRules returns an error if an assertion of the Rules section is false.
// That Ref may refer to pseudo parameters there is observed, not documented
// (aws-facts 9).
func (t *Template) CheckRules(s *Scope) error {
	bare := *s
	bare.Ref, bare.GetAtt = nil, nil
	c := conditions{scope: &bare, rule: true}
	for _, name := range sorted(t.Rules) {
		rule := t.Rules[name]
		if rule.Condition != nil {
			counts, err := c.holds(rule.Condition, nil)
			if err != nil {
				return err
			}
			if !counts {
				continue
			}
		}
		for _, a := range rule.Assertions {
			holds, err := c.holds(a.Assert, nil)
			if err != nil {
				return err
			}
			if !holds {
				// [?] AWS's text around the description is not known. Users
				// need the description itself.
				return errorf("Template rule %s failed: %s", name, a.Description)
			}
		}
	}
	return nil
}
