// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// expand returns the instances that a resource has.
func (w *walk) expand(r *resourceBlock) (expansion, Diagnostics) {
	x, found := expansion{keys: []key{{}}}, Diagnostics(nil)
	switch {
	case r.count != nil:
		x, found = w.expandCount(r)
	case r.forEach != nil:
		x, found = w.expandForEach(r)
	}
	if !found.HasErrors() && !w.validating {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.expanded[r.address] = x
	}
	return x, found
}

func (w *walk) expandCount(r *resourceBlock) (expansion, Diagnostics) {
	x := expansion{kind: numberKey}
	wrong := func(format string, arguments ...any) Diagnostics {
		return Diagnostics{w.wrongAt(r.count.Range(), problem("Invalid count argument", format, arguments...))}
	}
	v, found := w.evaluate(r.count, repetition{})
	if found.HasErrors() {
		return x, found
	}
	v, err := convert.Convert(v, cty.Number)
	switch {
	case err != nil:
		return x, wrong("The given \"count\" argument value is unsuitable: %s.", err)
	case v.HasMark(isEphemeral):
		return x, wrong("The given \"count\" is derived from an ephemeral value, which means that Terraform cannot persist it between plan/apply rounds.")
	case !v.IsKnown() && w.validating:
		return x, found
	case !v.IsKnown():
		return x, wrong("The \"count\" value depends on resource attributes that cannot be determined until apply, so Terraform cannot predict how many instances will be created. To work around this, use the -target argument to first apply only the resources that the count depends on.")
	case v.IsNull():
		return x, wrong("The given \"count\" argument value is null. An integer is required.")
	}
	n, _ := v.AsBigFloat().Int64()
	if n < 0 || !v.AsBigFloat().IsInt() {
		return x, wrong("The given \"count\" argument value is unsuitable: must be a whole number, greater than or equal to zero.")
	}
	for i := range int(n) {
		x.keys = append(x.keys, key{kind: numberKey, number: i})
	}
	return x, found
}

func (w *walk) expandForEach(r *resourceBlock) (expansion, Diagnostics) {
	x := expansion{kind: textKey, each: map[string]cty.Value{}}
	wrong := func(format string, arguments ...any) Diagnostics {
		return Diagnostics{w.wrongAt(r.forEach.Range(), problem("Invalid for_each argument", format, arguments...))}
	}
	v, found := w.evaluate(r.forEach, repetition{})
	if found.HasErrors() {
		return x, found
	}
	typ := v.Type()
	switch {
	case v.HasMark(isEphemeral):
		return x, wrong("The given \"for_each\" value is derived from an ephemeral value, which means that Terraform cannot persist it between plan/apply rounds.")
	case !v.IsKnown() && w.validating:
		return x, found
	case !v.IsKnown() || typ.IsSetType() && !v.IsWhollyKnown() && !w.validating:
		return x, wrong("The \"for_each\" %s includes %s derived from resource attributes that cannot be determined until apply, and so Terraform cannot determine the full set of keys that will identify the instances of this resource.", each(typ.IsSetType(), "set", "map"), each(typ.IsSetType(), "values", "keys"))
	case v.IsNull() || !(typ.IsMapType() || typ.IsObjectType() || typ.IsSetType() && (typ.ElementType() == cty.String || v.LengthInt() == 0)):
		return x, wrong("The given \"for_each\" argument value is unsuitable: the \"for_each\" argument must be a map, or set of strings, and you have provided a value of type %s.", typ.FriendlyName())
	case !v.IsWhollyKnown() && typ.IsSetType():
		return x, found
	}
	for it := v.ElementIterator(); it.Next(); {
		k, element := it.Element()
		if typ.IsSetType() {
			k = element
		}
		x.keys = append(x.keys, key{kind: textKey, text: k.AsString()})
		x.each[k.AsString()] = element
	}
	slices.SortFunc(x.keys, func(a, b key) int { return instance{key: a}.compare(instance{key: b}) })
	return x, found
}

func each(set bool, a, b string) string {
	if set {
		return a
	}
	return b
}

// repetition returns the values of count and each for an instance.
func (x expansion) repetition(k key) repetition {
	switch k.kind {
	case numberKey:
		return repetition{count: cty.NumberIntVal(int64(k.number))}
	case textKey:
		return repetition{key: cty.StringVal(k.text), value: x.each[k.text]}
	default:
		return repetition{}
	}
}

// anyRepetition returns the unknown values of count and each, for validation.
func anyRepetition(r *resourceBlock) repetition {
	switch {
	case r.count != nil:
		return repetition{count: cty.UnknownVal(cty.Number)}
	case r.forEach != nil:
		return repetition{key: cty.UnknownVal(cty.String), value: cty.DynamicVal}
	default:
		return repetition{}
	}
}

// expandFromState sets the instances of all resources to those in the state, to
// destroy everything.
func (w *walk) expandFromState() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for a, r := range w.config.resources {
		x := expansion{}
		switch {
		case r.count != nil:
			x.kind = numberKey
		case r.forEach != nil:
			x.kind = textKey
		}
		for _, i := range w.state.of(a) {
			if i.key.kind == x.kind {
				x.keys = append(x.keys, i.key)
			}
		}
		if x.kind == noKey {
			x.keys = []key{{}}
		}
		w.expanded[a] = x
	}
}
