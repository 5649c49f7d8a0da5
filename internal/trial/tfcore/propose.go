// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"errors"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/zclconf/go-cty/cty"
)

// propose returns the proposed new state for a provider: the configuration, with
// attributes that are computed and not configured from the prior state. A provider
// may change only the latter.
//
// If prior is unknown, all computed attributes are unknown: that is how core plans
// data sources that are read in the apply.
func (s *schema) propose(prior, config cty.Value) cty.Value {
	if config.IsNull() || !config.IsKnown() {
		return prior
	}
	if prior.IsNull() {
		prior = cty.NullVal(s.impliedTyp)
	}
	return s.attributes.propose(prior, config)
}

func (all attributes) propose(prior, config cty.Value) cty.Value {
	values := map[string]cty.Value{}
	for name, a := range all {
		values[name] = a.propose(member(prior, name, a.typ), config.GetAttr(name))
	}
	return cty.ObjectVal(values)
}

// member returns an attribute of an object that may be null or unknown itself.
func member(of cty.Value, name string, typ cty.Type) cty.Value {
	switch {
	case !of.IsKnown():
		return cty.UnknownVal(typ)
	case of.IsNull():
		return cty.NullVal(typ)
	default:
		return of.GetAttr(name)
	}
}

func (a *attribute) propose(prior, config cty.Value) cty.Value {
	switch {
	case a.computed && config.IsNull():
		if a.optional && a.nested != nil && a.nested.wasConfigured(prior) {
			return config // removed from the configuration: the provider may plan another value
		}
		return prior
	case a.nested == nil || config.IsNull() || !config.IsKnown():
		return config
	default:
		return a.nested.propose(prior, config)
	}
}

// wasConfigured reports whether a part of a prior value can only come from a
// configuration.
func (o *nestedType) wasConfigured(prior cty.Value) bool {
	found := false
	_ = cty.Walk(prior, func(path cty.Path, v cty.Value) (bool, error) {
		if a := o.attributes.at(path); a != nil && !v.IsNull() && !a.computed {
			found = true
		}
		return !found, nil
	})
	return found
}

// propose matches the elements of a collection with the prior ones: lists by index,
// maps by key, sets by their configured values.
func (o *nestedType) propose(prior, config cty.Value) cty.Value {
	switch o.nesting {
	case tfprotov6.SchemaObjectNestingModeSingle:
		return o.attributes.propose(prior, config)
	case tfprotov6.SchemaObjectNestingModeSet:
		return o.proposeSet(prior, config)
	}
	if config.LengthInt() == 0 {
		return config
	}
	list, elements := []cty.Value{}, map[string]cty.Value{}
	for it := config.ElementIterator(); it.Next(); {
		key, element := it.Element()
		before := cty.NullVal(element.Type())
		switch {
		case !prior.IsKnown():
			before = cty.UnknownVal(element.Type())
		case !prior.IsNull() && prior.HasIndex(key).True():
			before = prior.Index(key)
		}
		if element.IsKnown() && !element.IsNull() {
			element = o.attributes.propose(before, element)
		}
		if key.Type() == cty.String {
			elements[key.AsString()] = element
		}
		list = append(list, element)
	}
	if o.nesting == tfprotov6.SchemaObjectNestingModeMap {
		return cty.MapVal(elements)
	}
	return cty.ListVal(list)
}

func (o *nestedType) proposeSet(prior, config cty.Value) cty.Value {
	if config.LengthInt() == 0 {
		return config
	}
	var unused []cty.Value
	if prior.IsKnown() && !prior.IsNull() {
		unused = prior.AsValueSlice()
	}
	var elements []cty.Value
	for _, element := range config.AsValueSlice() {
		before := cty.NullVal(element.Type())
		if !prior.IsKnown() {
			before = cty.UnknownVal(element.Type())
		}
		for i, candidate := range unused {
			if o.couldBe(candidate, element) {
				before, unused = candidate, append(unused[:i:i], unused[i+1:]...)
				break
			}
		}
		if element.IsKnown() && !element.IsNull() {
			element = o.attributes.propose(before, element)
		}
		elements = append(elements, element)
	}
	return cty.SetVal(elements)
}

// couldBe reports whether a prior element can come from an element of the
// configuration: they differ only in computed attributes.
func (o *nestedType) couldBe(prior, config cty.Value) bool {
	differs := errors.New("it differs")
	return cty.Walk(prior, func(path cty.Path, was cty.Value) (bool, error) {
		is, err := path.Apply(config)
		switch {
		case err != nil:
			return false, differs
		case same(is, was):
			return false, nil
		}
		a := o.attributes.at(path)
		switch {
		case is.Type().IsSetType():
			return false, differs
		case a == nil || a.nested != nil:
			return true, nil
		case a.computed && is.IsNull():
			return false, nil
		default:
			return false, differs
		}
	}) == nil
}

// same reports whether two values are equal, ignoring refinements of unknown parts.
func same(a, b cty.Value) bool {
	return unrefined(a).RawEquals(unrefined(b))
}

// unrefined returns a value without the refinements of its unknown parts.
func unrefined(v cty.Value) cty.Value {
	if v.IsWhollyKnown() {
		return v
	}
	plain, err := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if !v.IsKnown() {
			return cty.UnknownVal(v.Type()), nil
		}
		return v, nil
	})
	if err != nil {
		panic(err) // the function above returns none
	}
	return plain
}
