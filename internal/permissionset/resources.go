// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Template resources are what the vendor needs in the customer's stack besides the
// roles, such as a bucket for exports or a queue for events. They are CloudFormation's
// own JSON, of the few types in resources_types.go. Except for references, the
// template contains them as they were written. The stack reports their names and
// addresses as template outputs.

// JSON is a JSON object as the vendor wrote it; empty represents null. Two texts of
// the same object are equal.
type JSON string

// Resource is one of the vendor's resources.
type Resource struct {
	LogicalID string
	Type      string
	Kept      bool // CloudFormation keeps it when the stack is deleted

	Definition map[string]any // the complete definition, as written
}

// Resources returns the template resources, sorted by their logical IDs.
func (a Additions) Resources() ([]Resource, error) {
	all, err := a.TemplateResources.object()
	if err != nil {
		return nil, err
	}
	var resources []Resource
	for _, id := range slices.Sorted(maps.Keys(all)) {
		r := Resource{LogicalID: id}
		r.Definition, _ = all[id].(map[string]any)
		r.Type, _ = r.Definition["Type"].(string)
		policy, _ := r.Definition["DeletionPolicy"].(string)
		r.Kept = strings.HasPrefix(policy, "Retain")
		resources = append(resources, r)
	}
	return resources, nil
}

// Outputs returns the template outputs, which the stack reports, by name. A value is a
// string or a function.
func (a Additions) Outputs() (map[string]any, error) { return a.TemplateOutputs.object() }

// Fill returns a copy of the resource for the template, with functions in place of its
// references.
func (r Resource) Fill(fill func(text string) any) map[string]any {
	filled := filledValue(r.Definition, fill).(map[string]any)
	if _, there := filled["UpdateReplacePolicy"]; !there && resourceTypes[r.Type].stateful {
		filled["UpdateReplacePolicy"] = "Delete"
		if r.Kept {
			filled["UpdateReplacePolicy"] = "Retain"
		}
	}
	return filled
}

// FillOutput returns the value of an output for the template.
func FillOutput(value any, fill func(text string) any) any { return filledValue(value, fill) }

// filledValue replaces strings, except for the names in functions. Strings without a
// reference remain unchanged. It doesn't check where references may be used:
// validation does.
func filledValue(v any, fill func(text string) any) any {
	switch v := v.(type) {
	case map[string]any:
		filled := make(map[string]any, len(v))
		for key, inner := range v {
			filled[key] = filledValue(inner, fill)
		}
		return filled
	case []any:
		filled := make([]any, len(v))
		for i, inner := range v {
			filled[i] = filledValue(inner, fill)
		}
		return filled
	case string:
		return fill(v)
	}
	return v
}

// object returns the decoded text; nil for an empty text.
func (j JSON) object() (map[string]any, error) {
	if strings.TrimSpace(string(j)) == "" {
		return nil, nil
	}
	if err := checkJSON(string(j)); err != nil {
		return nil, err
	}
	tree, err := Decode([]byte(j))
	if err != nil {
		return nil, err
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, errors.New("it is not a JSON object: names with values, in braces")
	}
	return object, nil
}

// canonical returns the same form for all spellings of an object; empty if the object
// is empty. Text that is not JSON is its own form: validation reports it.
func (j JSON) canonical() string {
	object, err := j.object()
	switch {
	case err != nil:
		return string(j)
	case len(object) == 0:
		return ""
	}
	return string(encode(object))
}

// SameJSON reports whether two texts are the same JSON object.
func SameJSON(a, b string) bool { return JSON(a).canonical() == JSON(b).canonical() }

// CheckJSON returns an error if a text is not a JSON object.
func CheckJSON(text string) error {
	_, err := JSON(text).object()
	return err
}

// checkJSON returns an error for JSON text that does not parse, that is followed by
// more text, or that has a duplicate name, which parsers interpret differently.
func checkJSON(text string) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := checkNames(d); err != nil {
		return asJSONError(text, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("unexpected data after the JSON")
	}
	return nil
}

func asJSONError(text string, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(json.Unmarshal([]byte(text), new(any)), &syntax) { // the decoder's error doesn't contain the position
		return err
	}
	if int(syntax.Offset) >= len(text) {
		return errors.New("it is not JSON: it ends too early")
	}
	before := text[:max(int(syntax.Offset)-1, 0)]
	line := strings.Count(before, "\n") + 1
	return fmt.Errorf("it is not JSON: line %d, column %d: %w", line, len(before)-strings.LastIndex(before, "\n"), syntax)
}

// checkNames reads one value and returns an error for a duplicate name.
func checkNames(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if delim == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if seen[name] {
				return fmt.Errorf("duplicate name %q", clipped(name))
			}
			seen[name] = true
		}
		if err := checkNames(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// compactSize returns the size of JSON text without white space, in bytes.
func compactSize(text string) int {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return len(text)
	}
	return b.Len()
}
