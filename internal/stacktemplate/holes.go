// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// holes keep what the vendor wrote out of goformation's hands. Its JSON step
// resolves anything that looks like an intrinsic function, and takes a string
// that is base64 of one for the real thing: a tag's value could so become a
// live reference in a customer's account. So its step is not used, only its
// typed structs; they hold our own constants and functions, and a mark where
// the vendor's text or document belongs. The marks are replaced at the end, and
// what replaced them is not looked at again.
type holes struct{ values []any }

const holeMark = "xacct-hole-"

// put returns the mark for a value of any shape.
func (h *holes) put(v any) string {
	h.values = append(h.values, v)
	return holeMark + strconv.Itoa(len(h.values)-1)
}

// text is put for a string, as goformation wants optional ones.
func (h *holes) text(s string) *string { return new(h.put(s)) }

// optional is text for a string that is left out when it is empty.
func (h *holes) optional(s string) *string {
	if s == "" {
		return nil
	}
	return h.text(s)
}

// value is put for a function, where goformation wants an optional string.
func (h *holes) value(v any) *string { return new(h.put(v)) }

// list is put for a function that gives a whole list.
func (h *holes) list(v any) []string { return []string{h.put(wholeList{v})} }

// wholeList stands for the list that it is the only element of.
type wholeList struct{ value any }

// render returns what goformation's structs make of t, with the holes filled.
func (h *holes) render(t *draft) (map[string]any, error) {
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

// finish returns the template that t becomes.
func (h *holes) finish(t *draft) (Template, error) {
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

// fill replaces the marks.
func (h *holes) fill(v any) any {
	return substitute(v, func(text string) (any, bool) {
		number, marked := strings.CutPrefix(text, holeMark)
		i, err := strconv.Atoi(number)
		if !marked || err != nil {
			return nil, false
		}
		return h.values[i], true
	})
}

// substitute puts values in the place of texts, and does not look into them.
func substitute(v any, lookup func(string) (any, bool)) any {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			v[key] = substitute(inner, lookup)
			if whole, ok := v[key].(wholeList); ok { // a list of one may stand without its brackets
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
