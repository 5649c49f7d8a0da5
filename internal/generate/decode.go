// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package generate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// maxSize is the maximum size of a specification in bytes, which is the maximum size
// of a template (aws-facts 3.5).
const maxSize = 1 << 20

// decoder reads a document into a specification strictly: it reports unknown fields
// and values of another type as problems, with their position. It reads strings as
// they were written, so that an account ID keeps its leading zeros and needs no
// quotes.
type decoder struct {
	file     string
	places   map[string]place // the position of each field and key, by its path
	problems Problems
}

type place struct{ line, column int }

// decode reads the whole file. The decoder collects the problems.
func (d *decoder) decode(text []byte) Specification {
	var s Specification
	if len(text) > maxSize {
		d.add(place{1, 1}, "", "the file has more than %d bytes", maxSize)
		return s
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		// JSON is valid YAML, except for tabs between its parts. JSON strings can't
		// contain tabs.
		text = bytes.ReplaceAll(text, []byte("\t"), []byte(" "))
	}
	reader := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	switch err := reader.Decode(&document); {
	case errors.Is(err, io.EOF) || err == nil && isNull(document.Content[0]):
		d.add(place{1, 1}, "", "the file is empty")
		return s
	case err != nil:
		at, message := syntaxError(err)
		d.add(at, "", "%s", message)
		return s
	}
	if err := reader.Decode(&second); !errors.Is(err, io.EOF) {
		d.add(place{max(second.Line, 1), 1}, "", "the file holds more than one document")
	}
	root := document.Content[0]
	if root.Kind == yaml.SequenceNode || root.Kind == yaml.ScalarNode {
		d.add(placeOf(root), "", "this is not a specification, but %s: a specification has the sections hub and role, such as `hub: {name: acme, vendor_account_id: 111111111111, region: us-east-1}`; `xacct generate --schema` prints all fields", content(root))
		return s
	}
	d.value(root, "", reflect.ValueOf(&s).Elem())
	return s
}

// content describes a file that holds one list or one text.
func content(root *yaml.Node) string {
	if root.Kind == yaml.SequenceNode {
		return "a list"
	}
	const most = 30
	text := []rune(root.Value)
	if len(text) > most {
		text = append(text[:most:most], '…')
	}
	return "a text that begins with " + strconv.Quote(string(text))
}

// syntaxError returns the position and the message in an error of the parser: "yaml:
// line 3: …".
func syntaxError(err error) (place, string) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, found := strings.CutPrefix(message, "line "); found {
		if number, rest, found := strings.Cut(rest, ": "); found {
			if line, err := strconv.Atoi(number); err == nil {
				return place{line, 1}, rest
			}
		}
	}
	return place{1, 1}, message
}

// value reads one node into a field or an element.
func (d *decoder) value(node *yaml.Node, path string, into reflect.Value) {
	if !d.given(node, path) {
		return
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch {
	case into.Type() == reflect.TypeFor[permissionset.JSON]():
		d.document(node, path, into)
	case into.Kind() == reflect.Struct:
		d.fields(node, path, into)
	case into.Kind() == reflect.Map:
		d.entries(node, path, into)
	case into.Kind() == reflect.Slice:
		d.list(node, path, into)
	default:
		d.scalar(node, path, into)
	}
}

// given reports whether a node has a value. It treats null as if the field were
// omitted.
func (d *decoder) given(node *yaml.Node, path string) bool {
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		d.add(placeOf(node), path, "anchors and aliases are not supported: write the value out")
		return false
	}
	return !isNull(node)
}

// fields reads a mapping with known keys.
func (d *decoder) fields(node *yaml.Node, path string, into reflect.Value) {
	known, before := permissionset.Attributes(into), len(d.problems)
	seen := d.mapping(node, path, func(key, value *yaml.Node, at string) {
		i := slices.IndexFunc(known, func(a permissionset.Attribute) bool { return a.Name == key.Value })
		if i < 0 {
			d.add(placeOf(key), at, "unknown field: must be one of %s", names(known))
			return
		}
		d.value(value, at, known[i].Value)
	})
	for _, a := range known {
		empty := a.Value.Kind() == reflect.String && a.Value.IsZero()
		if a.Required && seen != nil && (!seen[a.Name] || empty) && !hasProblem(d.problems[before:], join(path, a.Name)) {
			d.add(placeOf(node), join(path, a.Name), "it is required")
		}
	}
}

// entries reads a mapping with arbitrary keys.
func (d *decoder) entries(node *yaml.Node, path string, into reflect.Value) {
	into.Set(reflect.MakeMap(into.Type()))
	d.mapping(node, path, func(key, value *yaml.Node, at string) {
		element := reflect.New(into.Type().Elem()).Elem()
		if into.Type() == reflect.TypeFor[permissionset.Policies]() {
			d.document(value, at, element)
		} else {
			d.value(value, at, element)
		}
		into.SetMapIndex(reflect.ValueOf(key.Value), element)
	})
}

// mapping calls each for the pairs of a mapping, and reports duplicate keys. It
// returns the keys; nil if the node is not a mapping.
func (d *decoder) mapping(node *yaml.Node, path string, each func(key, value *yaml.Node, path string)) map[string]bool {
	if node.Kind != yaml.MappingNode {
		d.add(placeOf(node), path, "must be a mapping of names to values, not %s", kind(node))
		return nil
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		at := join(path, key.Value)
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			d.add(placeOf(key), path, "must be a name, not %s", kind(key))
			continue
		case seen[key.Value]:
			d.add(placeOf(key), at, "duplicate key")
			continue
		}
		seen[key.Value] = true
		d.places[at] = placeOf(key)
		each(key, value, at)
	}
	return seen
}

func (d *decoder) list(node *yaml.Node, path string, into reflect.Value) {
	if node.Kind != yaml.SequenceNode {
		d.add(placeOf(node), path, "must be a list, not %s", kind(node))
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content)))
	for i, element := range node.Content {
		d.value(element, path, into.Index(i))
		d.places[join(path, element.Value)] = placeOf(element)
	}
}

func (d *decoder) scalar(node *yaml.Node, path string, into reflect.Value) {
	if node.Kind != yaml.ScalarNode {
		d.add(placeOf(node), path, "must be a single value, not %s", kind(node))
		return
	}
	switch into.Kind() {
	case reflect.String:
		into.SetString(node.Value)
	case reflect.Int64:
		number, err := strconv.ParseInt(node.Value, 10, 64)
		if err != nil {
			d.add(placeOf(node), path, "%q is not a whole number", node.Value)
			return
		}
		into.SetInt(number)
	case reflect.Bool:
		if node.Value != "true" && node.Value != "false" {
			d.add(placeOf(node), path, "%q is neither true nor false", node.Value)
			return
		}
		into.SetBool(node.Value == "true")
	default:
		panic("a specification has no field of type " + into.Type().String())
	}
}

// document reads a policy, or other JSON, which is a string or written as YAML.
func (d *decoder) document(node *yaml.Node, path string, into reflect.Value) {
	if !d.given(node, path) {
		return
	}
	if node.Kind == yaml.ScalarNode {
		into.SetString(node.Value)
		return
	}
	tree, ok := d.tree(node, path, 0)
	if !ok {
		return
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(tree) // strings, lists and maps can always be encoded
	into.SetString(strings.TrimSpace(b.String()))
}

// maxDepth is far more levels than a policy has.
const maxDepth = 20

// tree returns a node's value and keeps strings as they were written: YAML would
// convert 2012-10-17, the version of a policy, to a date.
func (d *decoder) tree(node *yaml.Node, path string, depth int) (any, bool) {
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		d.add(placeOf(node), path, "anchors and aliases are not supported: write the value out")
		return nil, false
	case depth > maxDepth:
		d.add(placeOf(node), path, "it is nested more deeply than a policy can be")
		return nil, false
	case strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!"):
		d.add(placeOf(node), path, "short forms such as %s are not supported: write the function out, as Ref: NAME or Fn::GetAtt: [NAME, ATTRIBUTE]", node.Tag)
		return nil, false
	case node.Kind == yaml.MappingNode:
		object, sound := map[string]any{}, true
		seen := d.mapping(node, path, func(key, value *yaml.Node, at string) {
			inner, ok := d.tree(value, at, depth+1)
			object[key.Value], sound = inner, sound && ok
		})
		return object, sound && seen != nil
	case node.Kind == yaml.SequenceNode:
		list, sound := make([]any, len(node.Content)), true
		for i, element := range node.Content {
			inner, ok := d.tree(element, path, depth+1)
			list[i], sound = inner, sound && ok
		}
		return list, sound
	case node.Tag == "!!bool":
		return strings.EqualFold(node.Value, "true"), true // also True and TRUE
	case isNull(node):
		return nil, true // not its text, which would be the value "null" or "~"
	case node.Tag == "!!int" && json.Valid([]byte(node.Value)):
		return json.Number(node.Value), true
	}
	return node.Value, true
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.Tag == "!!null"
}

func placeOf(node *yaml.Node) place { return place{node.Line, node.Column} }

func kind(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "names with values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if len(node.Value) > 40 {
			return "one long value"
		}
		return strconv.Quote(node.Value)
	}
	return "this"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func names(attributes []permissionset.Attribute) string {
	all := make([]string, len(attributes))
	for i, a := range attributes {
		all[i] = a.Name
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
