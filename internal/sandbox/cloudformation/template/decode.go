// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode returns the document of a template. Text that begins with a brace is
// JSON, other text YAML, which is CloudFormation's own rule.
func decode(body string) (map[string]any, error) {
	var v any
	var err error
	if strings.HasPrefix(strings.TrimSpace(body), "{") {
		v, err = decodeJSON(body)
	} else {
		v, err = decodeYAML(body)
	}
	if err != nil {
		return nil, err
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, errorf("Template format error: unsupported structure.")
	}
	return doc, nil
}

func decodeJSON(body string) (any, error) {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		offset := d.InputOffset()
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			offset = syntax.Offset
		}
		before := body[:min(int(offset), len(body))]
		line := strings.Count(before, "\n") + 1
		column := len(before) - strings.LastIndex(before, "\n") - 1
		return nil, errorf("Template format error: JSON not well-formed. (line %d, column %d)", line, column)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errorf("Template format error: JSON not well-formed.")
	}
	return v, nil
}

func decodeYAML(body string) (any, error) {
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader([]byte(body)))
	if err := d.Decode(&doc); err != nil {
		return nil, errorf("Template format error: YAML not well-formed. (%s)", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) != 1 {
		return nil, errorf("Template format error: unsupported structure.")
	}
	return fromYAML(doc.Content[0])
}

// fromYAML returns the value of a node in the types of decoded JSON. Short-form
// intrinsics (!Ref, !GetAtt, …) become their long forms.
func fromYAML(n *yaml.Node) (any, error) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return nil, errorf("Template error: YAML aliases are not allowed in CloudFormation templates")
	}
	v, err := plainYAML(n)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return shortForm(n, v)
	}
	return v, nil
}

func plainYAML(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode {
				return nil, errorf("Template format error: [line %d] map keys must be strings", key.Line)
			}
			if _, found := m[key.Value]; found {
				return nil, errorf("Template format error: Duplicate key %q (line %d, column %d)", key.Value, key.Line, key.Column)
			}
			v, err := fromYAML(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[key.Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := fromYAML(c)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return scalarYAML(n), nil
}

// scalarYAML returns the value of a scalar. Numbers keep their text: an account
// ID must not lose a leading zero.
func scalarYAML(n *yaml.Node) any {
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return b
		}
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
	}
	return n.Value
}

func shortForm(n *yaml.Node, v any) (any, error) {
	name := strings.TrimPrefix(n.Tag, "!")
	switch name {
	case "Ref", "Condition":
		return map[string]any{name: v}, nil
	case "GetAtt":
		if s, ok := v.(string); ok {
			logicalID, attribute, found := strings.Cut(s, ".")
			if !found {
				return nil, errorf("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
			}
			v = []any{logicalID, attribute}
		}
	}
	return map[string]any{"Fn::" + name: v}, nil
}
