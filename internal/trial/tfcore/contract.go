// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/zclconf/go-cty/cty"
)

// This file has the contract between core and providers about values: which values a
// plan may contain, and how an apply may change them. A violation is a bug in the
// provider, and core stops with an error.

// checkPlan returns the errors of a planned state. A provider may plan any value for
// attributes that are computed and not configured; for others it must plan the
// configured value or the prior one.
func (s *schema) checkPlan(prior, config, planned cty.Value) []error {
	if planned.IsNull() != config.IsNull() {
		if planned.IsNull() {
			return []error{cty.Path{}.NewErrorf("planned for absence but config wants existence")}
		}
		return []error{cty.Path{}.NewErrorf("planned for existence but config wants absence")}
	}
	if planned.IsNull() {
		return nil
	}
	return s.attributes.checkPlan(prior, config, planned, nil)
}

func (all attributes) checkPlan(prior, config, planned cty.Value, path cty.Path) []error {
	var found []error
	for name, a := range all {
		at := append(path.Copy(), cty.GetAttrStep{Name: name})
		found = append(found, a.checkPlan(member(prior, name, a.typ), member(config, name, a.typ), member(planned, name, a.typ), at)...)
	}
	return found
}

func (a *attribute) checkPlan(prior, config, planned cty.Value, path cty.Path) []error {
	switch {
	case same(planned, config):
		return nil
	case same(planned, prior) && !prior.IsNull() && !config.IsNull():
		return nil // the provider treats the new value as equal to the old one
	case a.writeOnly:
		if planned.IsNull() {
			return nil
		}
		return []error{path.NewErrorf("planned value for write-only attribute is not null")}
	case a.computed && (!a.optional || config.IsNull()):
		return nil
	case config.IsNull():
		return []error{path.NewErrorf("planned value %#v for a non-computed attribute", planned)}
	case a.nested != nil:
		return a.nested.checkPlan(prior, config, planned, path)
	case prior.IsNull():
		return []error{path.NewErrorf("planned value %#v does not match config value %#v", planned, config)}
	default:
		return []error{path.NewErrorf("planned value %#v does not match config value %#v nor prior value %#v", planned, config, prior)}
	}
}

func (o *nestedType) checkPlan(prior, config, planned cty.Value, path cty.Path) []error {
	switch {
	case planned.IsNull():
		return []error{path.NewErrorf("planned for absence but config wants existence")}
	case !planned.IsKnown():
		return []error{path.NewErrorf("planned unknown for configured value")}
	case o.nesting == tfprotov6.SchemaObjectNestingModeSingle:
		return o.attributes.checkPlan(prior, config, planned, path)
	case !config.IsKnown():
		return nil
	case o.nesting == tfprotov6.SchemaObjectNestingModeSet:
		if included := planned.Length().Range().Includes(config.Length()); included.IsKnown() && included.False() {
			return []error{path.NewErrorf("count in plan (%#v) disagrees with count in config (%#v)", planned.Length(), config.Length())}
		}
		return nil // elements of sets can't be correlated
	}
	if planned.LengthInt() != config.LengthInt() {
		return []error{path.NewErrorf("count in plan (%#v) disagrees with count in config (%#v)", planned.Length(), config.Length())}
	}
	var found []error
	for it := planned.ElementIterator(); it.Next(); {
		key, element := it.Element()
		at := append(path.Copy(), cty.IndexStep{Key: key})
		if !config.HasIndex(key).True() {
			found = append(found, at.NewErrorf("element from plan is not present in config"))
			continue
		}
		before := cty.NullVal(element.Type())
		if prior.IsKnown() && !prior.IsNull() && prior.HasIndex(key).True() {
			before = prior.Index(key)
		}
		found = append(found, o.attributes.checkPlan(before, config.Index(key), element, at)...)
	}
	return found
}

// checkResult returns the differences between an actual value and the planned one.
// Only unknown parts may change.
func checkResult(planned, actual cty.Value) []error {
	switch {
	case planned.IsNull() && !actual.IsNull():
		return []error{cty.Path{}.NewErrorf("Root object was absent, but now present")}
	case actual.IsNull() && !planned.IsNull():
		return []error{cty.Path{}.NewErrorf("Root object was present, but now absent")}
	}
	return compatible(planned, actual, nil)
}

func compatible(planned, actual cty.Value, path cty.Path) []error {
	if planned.Type() == cty.DynamicPseudoType && !planned.IsKnown() {
		return nil
	}
	if problems := actual.Type().TestConformance(planned.Type()); len(problems) > 0 {
		return []error{path.NewErrorf("wrong final value type: %s", problems[0])}
	}
	switch {
	case !planned.IsKnown():
		if included := planned.Range().Includes(actual); included.IsKnown() && included.False() {
			return []error{path.NewErrorf("final value %#v does not conform to planning placeholder %#v", actual, planned)}
		}
		return nil
	case planned.IsNull() && actual.IsNull():
		return nil
	case actual.IsNull():
		return []error{path.NewErrorf("was %#v, but now null", planned)}
	case planned.IsNull():
		return []error{path.NewErrorf("was null, but now %#v", actual)}
	case !actual.IsKnown():
		return []error{path.NewErrorf("was known, but now unknown")}
	case planned.Type().IsPrimitiveType():
		if actual.Equals(planned).True() {
			return nil
		}
		return []error{path.NewErrorf("was %#v, but now %#v", planned, actual)}
	case planned.Type().IsSetType():
		return compatibleSets(planned, actual, path)
	case planned.Type().IsObjectType():
		var found []error
		for name := range planned.Type().AttributeTypes() {
			found = append(found, compatible(planned.GetAttr(name), actual.GetAttr(name), append(path.Copy(), cty.GetAttrStep{Name: name}))...)
		}
		return found
	default:
		return compatibleElements(planned, actual, path)
	}
}

func compatibleElements(planned, actual cty.Value, path cty.Path) []error {
	var found []error
	for it := planned.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if !actual.HasIndex(key).True() {
			found = append(found, path.NewErrorf("element %s has vanished", keyText(key)))
			continue
		}
		found = append(found, compatible(element, actual.Index(key), append(path.Copy(), cty.IndexStep{Key: key}))...)
	}
	for it := actual.ElementIterator(); it.Next(); {
		if key, _ := it.Element(); !planned.HasIndex(key).True() {
			found = append(found, path.NewErrorf("new element %s has appeared", keyText(key)))
		}
	}
	return found
}

// compatibleSets returns an error for each element without a counterpart on the other
// side. Unknown elements may turn out to be equal.
func compatibleSets(planned, actual cty.Value, path cty.Path) []error {
	before, after := planned.AsValueSlice(), actual.AsValueSlice()
	partners := func(ones, others []cty.Value, fit func(one, other cty.Value) bool, problem string) []error {
		var found []error
		for _, one := range ones {
			ok := false
			for _, other := range others {
				ok = ok || fit(one, other)
			}
			if !ok {
				found = append(found, path.NewErrorf(problem, one))
			}
		}
		return found
	}
	found := partners(before, after, func(p, a cty.Value) bool { return len(compatible(p, a, path)) == 0 },
		"planned set element %#v does not correlate with any element in actual")
	if len(found) == 0 {
		found = partners(after, before, func(a, p cty.Value) bool { return len(compatible(p, a, path)) == 0 },
			"actual set element %#v does not correlate with any element in plan")
	}
	if len(before) < len(after) {
		found = append(found, path.NewErrorf("length changed from %d to %d", len(before), len(after)))
	}
	return found
}

func keyText(key cty.Value) string {
	if key.Type() == cty.String {
		return fmt.Sprintf("%q", key.AsString())
	}
	return key.AsBigFloat().Text('f', -1)
}

// pathText returns a path as in core's messages: .role.tags["owner"].
func pathText(path cty.Path) string {
	text := ""
	for _, step := range path {
		switch step := step.(type) {
		case cty.GetAttrStep:
			text += "." + step.Name
		case cty.IndexStep:
			if step.Key.Type().IsPrimitiveType() && step.Key.IsKnown() {
				text += "[" + keyText(step.Key) + "]"
			} else {
				text += "[...]"
			}
		}
	}
	return text
}

// errorText returns an error with its path before it.
func errorText(prefix string, err error) string {
	path := cty.Path{}
	if at, ok := err.(cty.PathError); ok { //nolint:errorlint // cty returns it as it is
		path = at.Path
	}
	if where := prefix + pathText(path); where != "" {
		return where + ": " + err.Error()
	}
	return err.Error()
}
