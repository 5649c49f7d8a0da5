// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// placeholders keeps the vendor's texts and documents away from goformation. Its JSON step
// resolves anything that looks like an intrinsic function, even a string that is base64
// of one, so a tag's value could become a live reference in a customer's account.
// Therefore only its typed structs are used: they hold our own constants and functions,
// and a placeholder for each text or document of the vendor. The placeholders are
// replaced at the end, and their values are not interpreted again.
type placeholders struct{ values []any }

const placeholderPrefix = "xacct-hole-"

// put returns the placeholder for a value of any type.
func (h *placeholders) put(v any) string {
	h.values = append(h.values, v)
	return placeholderPrefix + strconv.Itoa(len(h.values)-1)
}

// text returns the placeholder of a string as a pointer, as goformation declares optional
// properties.
func (h *placeholders) text(s string) *string { return new(h.put(s)) }

// optional returns what text does, or nil for an empty string, so that the property is
// omitted.
func (h *placeholders) optional(s string) *string {
	if s == "" {
		return nil
	}
	return h.text(s)
}

// value returns the placeholder of a function for an optional property.
func (h *placeholders) value(v any) *string { return new(h.put(v)) }

// list returns the placeholder of a function whose value is a list.
func (h *placeholders) list(v any) []string { return []string{h.put(wholeList{v})} }

// wholeList replaces the list of which it is the only element.
type wholeList struct{ value any }

// render returns t as goformation's structs encode it, with the placeholders replaced.
func (h *placeholders) render(t *draft) (map[string]any, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	tree, err := permissionset.Decode(text)
	if err != nil {
		return nil, err
	}
	return h.fill(tree).(map[string]any), nil
}

// finish returns t as a template.
func (h *placeholders) finish(t *draft) (Template, error) {
	tree, err := h.render(t)
	if err != nil {
		return Template{}, err
	}
	return encode(sections{
		AWSTemplateFormatVersion: tree["AWSTemplateFormatVersion"],
		Description:              tree["Description"],
		Parameters:               tree["Parameters"],
		Conditions:               tree["Conditions"],
		Resources:                tree["Resources"],
		Outputs:                  tree["Outputs"],
	})
}

// fill returns v with its placeholders replaced.
func (h *placeholders) fill(v any) any {
	return substitute(v, func(text string) (any, bool) {
		number, marked := strings.CutPrefix(text, placeholderPrefix)
		i, err := strconv.Atoi(number)
		if !marked || err != nil {
			return nil, false
		}
		return h.values[i], true
	})
}

// substitute returns v with the strings replaced for which lookup returns a value. It does
// not substitute in these values.
func substitute(v any, lookup func(string) (any, bool)) any {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			v[key] = substitute(inner, lookup)
			if whole, ok := v[key].(wholeList); ok { // a function in place of the list
				v[key] = whole.value
			}
		}
	case []any:
		for i, inner := range v {
			v[i] = substitute(inner, lookup)
			if whole, ok := v[i].(wholeList); ok && len(v) == 1 {
				return whole.value
			}
		}
	case string:
		if value, ok := lookup(v); ok {
			return value
		}
	}
	return v
}
