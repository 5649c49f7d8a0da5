// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package template

import (
	"slices"
	"strings"
)

// checkReferences returns an error if the template uses a function that does
// not exist or refers to a name that it does not define. It checks every
// branch, whether its condition is true or not.
func (t *Template) checkReferences() error {
	var unresolved []string
	for _, id := range sorted(t.Resources) {
		r := t.Resources[id]
		if r.Condition != "" && t.Conditions[r.Condition] == nil {
			return errorf("Template format error: Unresolved condition dependency %s in the Resources block of the template", r.Condition)
		}
		for _, other := range r.DependsOn {
			if _, found := t.Resources[other]; !found {
				unresolved = append(unresolved, other)
			}
		}
		missing, err := t.missing(r.Properties)
		if err != nil {
			return err
		}
		unresolved = append(unresolved, missing...)
	}
	if len(unresolved) > 0 {
		return unresolvedError(unresolved, "Resources")
	}
	for _, name := range sorted(t.Outputs) {
		o := t.Outputs[name]
		if o.Condition != "" && t.Conditions[o.Condition] == nil {
			return errorf("Template format error: Unresolved condition dependency %s in the Outputs block of the template", o.Condition)
		}
		missing, err := t.missing(o.Value)
		if err != nil {
			return err
		}
		unresolved = append(unresolved, missing...)
	}
	if len(unresolved) > 0 {
		return unresolvedError(unresolved, "Outputs")
	}
	return nil
}

func unresolvedError(names []string, section string) error {
	slices.Sort(names)
	return errorf("Template format error: Unresolved resource dependencies [%s] in the %s block of the template",
		strings.Join(slices.Compact(names), ", "), section)
}

// missing returns the names that a value refers to and the template does not
// define.
func (t *Template) missing(v any) ([]string, error) {
	var names []string
	w := walker{
		reference: func(name string, attribute bool) error {
			_, resource := t.Resources[name]
			parameter := slices.ContainsFunc(t.Parameters, func(p Parameter) bool { return p.Name == name })
			switch {
			case resource:
			case attribute:
				return errorf("Template error: instance of Fn::GetAtt references undefined resource %s", name)
			case !parameter && !slices.Contains(pseudoParameters, name):
				names = append(names, name)
			}
			return nil
		},
		condition: func(name string) (yes, no bool, err error) {
			if t.Conditions[name] == nil {
				return false, false, errorf("Template error: unresolved condition dependency %s in Fn::If", name)
			}
			return true, true, nil
		},
	}
	err := w.walk(v)
	return names, err
}

// Order returns the resources whose conditions are true, each after those that
// it needs. needs has, for each, the resources that it depends on directly. It
// returns an error if dependencies are circular or refer to a resource whose
// condition is false.
func (t *Template) Order(s *Scope) (order []string, needs map[string][]string, err error) {
	needs = map[string][]string{}
	for _, id := range sorted(t.Resources) {
		r := t.Resources[id]
		if !s.Wanted(r.Condition) {
			continue
		}
		if needs[id], err = t.dependencies(r, s); err != nil {
			return nil, nil, err
		}
	}
	var unresolved []string
	for _, others := range needs {
		for _, other := range others {
			if _, wanted := needs[other]; !wanted {
				unresolved = append(unresolved, other)
			}
		}
	}
	if len(unresolved) > 0 {
		return nil, nil, unresolvedError(unresolved, "Resources")
	}
	done := map[string]bool{}
	for len(order) < len(needs) {
		before := len(order)
		for _, id := range sorted(needs) {
			if !done[id] && !slices.ContainsFunc(needs[id], func(other string) bool { return !done[other] }) {
				order = append(order, id)
				done[id] = true
			}
		}
		if len(order) == before {
			return nil, nil, circular(needs, done)
		}
	}
	return order, needs, nil
}

func circular(needs map[string][]string, done map[string]bool) error {
	var left []string
	for _, id := range sorted(needs) {
		if !done[id] {
			left = append(left, id)
		}
	}
	return errorf("Circular dependency between resources: [%s]", strings.Join(left, ", "))
}

// dependencies returns the resources that one needs: by DependsOn, Ref, GetAtt
// and Sub, in the branches that the conditions select.
func (t *Template) dependencies(r Resource, s *Scope) ([]string, error) {
	var ids []string
	for _, other := range r.DependsOn {
		// DependsOn is ignored if the other resource's condition is false.
		if s.Wanted(t.Resources[other].Condition) {
			ids = append(ids, other)
		}
	}
	w := walker{
		reference: func(name string, _ bool) error {
			if _, found := t.Resources[name]; found {
				ids = append(ids, name)
			}
			return nil
		},
		condition: func(name string) (yes, no bool, err error) {
			holds := s.conditions[name]
			return holds, !holds, nil
		},
	}
	if err := w.walk(r.Properties); err != nil {
		return nil, err
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// walker visits the functions in a value.
type walker struct {
	reference func(name string, attribute bool) error     // called for each reference
	condition func(name string) (yes, no bool, err error) // returns which branches of an Fn::If to visit
}

func (w walker) walk(v any) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := w.walk(e); err != nil {
				return err
			}
		}
	case map[string]any:
		if name, argument, ok := function(v); ok {
			return w.function(name, argument)
		}
		for _, k := range sorted(v) {
			if k == "Ref" || strings.HasPrefix(k, "Fn::") {
				return errorf("Template error: %s must be the only member of its object", k)
			}
			if err := w.walk(v[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w walker) function(name string, argument any) error {
	switch name {
	case "Ref":
		id, ok := argument.(string)
		if !ok {
			return errorf("Template format error: every Ref object must have a single String value.")
		}
		return w.reference(id, false)
	case "Fn::GetAtt":
		id, _, err := getAtt(argument)
		if err != nil {
			return err
		}
		return w.reference(id, true)
	case "Fn::Sub":
		return w.sub(argument)
	case "Fn::If":
		condition, yes, no, err := ifArguments(argument)
		if err != nil {
			return err
		}
		takeYes, takeNo, err := w.condition(condition)
		if err != nil {
			return err
		}
		if takeYes {
			if err := w.walk(yes); err != nil {
				return err
			}
		}
		if takeNo {
			return w.walk(no)
		}
		return nil
	}
	if !slices.Contains(valueFunctions, name) {
		return unknownFunction(name)
	}
	return w.walk(argument)
}

func (w walker) sub(argument any) error {
	text, own, err := subArguments(argument)
	if err != nil {
		return err
	}
	for _, piece := range subPieces(text) {
		if _, found := own[piece.text]; !piece.variable || found {
			continue
		}
		id, _, attribute := strings.Cut(piece.text, ".")
		if err := w.reference(id, attribute); err != nil {
			return err
		}
	}
	for _, name := range sorted(own) {
		if err := w.walk(own[name]); err != nil {
			return err
		}
	}
	return nil
}
