// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package template reads CloudFormation templates as CloudFormation does: JSON
// or YAML, parameters, mappings, conditions, rules, intrinsic functions and the
// order of resources. It creates nothing and calls no service; the parent
// package does.
//
// Parse returns an error for features that are not implemented (transforms,
// macros, imports, dynamic references, AWS-specific parameter types), so that
// no part of a template is silently ignored.
package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxBody is the largest template in S3, and MaxInline the largest template in
// a call, in bytes (aws-facts 3.5).
const (
	MaxBody   = 1 << 20
	MaxInline = 51200
)

// Template is a parsed template. Its values have the types of decoded JSON:
// maps, lists, strings, booleans, and numbers as json.Number, with their
// original text.
type Template struct {
	Body        string
	Version     string
	Description string
	Metadata    map[string]any
	Parameters  []Parameter // in the order of AWS::CloudFormation::Interface, then by name
	Mappings    map[string]any
	Conditions  map[string]any
	Rules       map[string]Rule
	Resources   map[string]Resource
	Outputs     map[string]Output
}

// Resource is one member of the Resources section.
type Resource struct {
	LogicalID           string
	Type                string
	Condition           string
	DependsOn           []string
	DeletionPolicy      string // Delete, Retain or RetainExceptOnCreate
	UpdateReplacePolicy string // Delete or Retain
	Properties          map[string]any
}

// Custom reports whether the resource is a custom resource, which the vendor
// creates.
func (r Resource) Custom() bool {
	return strings.HasPrefix(r.Type, "Custom::") || r.Type == "AWS::CloudFormation::CustomResource"
}

// Output is one member of the Outputs section.
type Output struct {
	Name        string
	Description string
	Condition   string
	Value       any
}

// Error is a ValidationError of CloudFormation, with AWS's message.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func errorf(format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...)}
}

// refuse returns the error for a feature that AWS has and the sandbox does not.
func refuse(what string) error {
	return errorf("The sandbox's CloudFormation does not implement %s", what)
}

// Parse parses and checks a template. known reports whether the caller
// implements a resource type. The error is an *Error.
func Parse(body string, known func(resourceType string) bool) (*Template, error) {
	if len(body) > MaxBody {
		return nil, errorf("Template may not exceed %d bytes in size.", MaxBody)
	}
	doc, err := decode(body)
	if err != nil {
		return nil, err
	}
	if err := checkSections(doc); err != nil {
		return nil, err
	}
	t := &Template{Body: body}
	for _, section := range []func(map[string]any) error{
		t.readHead, t.readParameters, t.readMappings, t.readConditions,
		t.readRules, t.readResources, t.readOutputs,
	} {
		if err := section(doc); err != nil {
			return nil, err
		}
	}
	if err := t.checkTypes(known); err != nil {
		return nil, err
	}
	return t, t.checkReferences()
}

var sections = []string{
	"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings",
	"Conditions", "Rules", "Resources", "Outputs", "Transform", "Hooks",
}

func checkSections(doc map[string]any) error {
	var unknown []string
	for name, value := range doc {
		if !slices.Contains(sections, name) {
			unknown = append(unknown, name)
		}
		if name == "Transform" || name == "Hooks" {
			return refuse("the template section " + name)
		}
		if err := noNull(value, "/"+name); err != nil {
			return err
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return errorf("Invalid template property or properties [%s]", strings.Join(unknown, ", "))
	}
	return nil
}

// noNull returns an error if a value contains null, as CloudFormation does, or
// a dynamic reference, which the sandbox does not implement.
func noNull(v any, path string) error {
	switch v := v.(type) {
	case nil:
		return errorf("[%s] 'null' values are not allowed in templates", path)
	case map[string]any:
		for _, k := range sorted(v) {
			if err := noNull(v[k], path+"/"+k); err != nil {
				return err
			}
		}
	case []any:
		for i, e := range v {
			if err := noNull(e, fmt.Sprintf("%s/%d", path, i)); err != nil {
				return err
			}
		}
	case string:
		// AWS reads the value of a dynamic reference with the customer's
		// permissions. A sandbox that passed the text on would hide that.
		if strings.Contains(v, "{{resolve:") {
			return refuse("dynamic references ({{resolve:…}}) at " + path)
		}
	}
	return nil
}

func (t *Template) readHead(doc map[string]any) error {
	if v, ok := doc["AWSTemplateFormatVersion"]; ok {
		version, _ := v.(string)
		if version != "2010-09-09" {
			return errorf("Template format error: Invalid template format version: %v", v)
		}
		t.Version = version
	}
	if v, ok := doc["Description"]; ok {
		text, ok := v.(string)
		if !ok {
			return errorf("Template format error: Description must be a string")
		}
		if len(text) > 1024 {
			return errorf("Template format error: 'Description' length is greater than 1024.")
		}
		t.Description = text
	}
	var err error
	t.Metadata, err = object(doc, "Metadata")
	return err
}

func (t *Template) readMappings(doc map[string]any) (err error) {
	t.Mappings, err = object(doc, "Mappings")
	for name, top := range t.Mappings {
		seconds, ok := top.(map[string]any)
		if !ok {
			return errorf("Template format error: Every Mappings member must be a map; [%s] is not", name)
		}
		for key, second := range seconds {
			if _, ok := second.(map[string]any); !ok {
				return errorf("Template format error: Every Mappings attribute must be a map; [%s.%s] is not", name, key)
			}
		}
	}
	return err
}

func (t *Template) readConditions(doc map[string]any) (err error) {
	t.Conditions, err = object(doc, "Conditions")
	return err
}

var resourceMembers = []string{
	"Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata",
}

func (t *Template) readResources(doc map[string]any) error {
	members, err := object(doc, "Resources")
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return errorf("Template format error: At least one Resources member must be defined.")
	}
	if len(members) > 500 {
		return errorf("Template format error: Number of resources, %d, is greater than maximum allowed, 500", len(members))
	}
	t.Resources = make(map[string]Resource, len(members))
	for _, id := range sorted(members) {
		r, err := readResource(id, members[id])
		if err != nil {
			return err
		}
		t.Resources[id] = r
	}
	return nil
}

func readResource(id string, v any) (Resource, error) {
	if !alphanumeric(id) {
		return Resource{}, errorf("Template format error: Resource name %s is non alphanumeric.", id)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return Resource{}, errorf("Template format error: Every Resources member must be an object; [%s] is not", id)
	}
	for _, name := range sorted(m) {
		switch {
		case slices.Contains([]string{"CreationPolicy", "UpdatePolicy"}, name):
			return Resource{}, refuse("the resource attribute " + name + " of " + id)
		case !slices.Contains(resourceMembers, name):
			return Resource{}, errorf("Invalid template resource property '%s'", name)
		}
	}
	r := Resource{LogicalID: id}
	if r.Type, ok = m["Type"].(string); !ok {
		return r, errorf("Template format error: [/Resources/%s] Every Resources object must contain a Type member.", id)
	}
	var err error
	if r.Properties, err = object(m, "Properties"); err != nil {
		return r, err
	}
	if c, found := m["Condition"]; found {
		if r.Condition, ok = c.(string); !ok {
			return r, errorf("Template format error: [/Resources/%s] Every Condition member must be a string.", id)
		}
	}
	if r.DependsOn, err = stringOrList(m["DependsOn"], id); err != nil {
		return r, err
	}
	if r.DeletionPolicy, err = policy(m, "DeletionPolicy", "Delete", "Retain", "RetainExceptOnCreate"); err != nil {
		return r, err
	}
	r.UpdateReplacePolicy, err = policy(m, "UpdateReplacePolicy", "Delete", "Retain")
	return r, err
}

func (t *Template) readOutputs(doc map[string]any) error {
	members, err := object(doc, "Outputs")
	if err != nil {
		return err
	}
	t.Outputs = make(map[string]Output, len(members))
	for _, name := range sorted(members) {
		m, ok := members[name].(map[string]any)
		if !ok {
			return errorf("Template format error: Every Outputs member must be an object; [%s] is not", name)
		}
		if !alphanumeric(name) {
			return errorf("Template format error: Output name %s is non alphanumeric.", name)
		}
		if _, found := m["Export"]; found {
			return refuse("exported outputs (" + name + ")")
		}
		value, found := m["Value"]
		if !found {
			return errorf("Template format error: Every Outputs member must contain a Value object; [%s] does not", name)
		}
		o := Output{Name: name, Value: value}
		o.Description, _ = m["Description"].(string)
		o.Condition, _ = m["Condition"].(string)
		t.Outputs[name] = o
	}
	return nil
}

func (t *Template) checkTypes(known func(string) bool) error {
	var unknown []string
	for _, id := range sorted(t.Resources) {
		if r := t.Resources[id]; !r.Custom() && !known(r.Type) && !slices.Contains(unknown, r.Type) {
			unknown = append(unknown, r.Type)
		}
	}
	if len(unknown) > 0 {
		return errorf("Template format error: Unrecognized resource types: [%s]", strings.Join(unknown, ", "))
	}
	return nil
}

func object(m map[string]any, name string) (map[string]any, error) {
	v, found := m[name]
	if !found {
		return nil, nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errorf("Template format error: [/%s] must be an object.", name)
	}
	return o, nil
}

func stringOrList(v any, id string) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		var out []string
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, errorf("Template format error: DependsOn of %s must be a string or list of strings.", id)
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, errorf("Template format error: DependsOn of %s must be a string or list of strings.", id)
}

func policy(m map[string]any, name string, allowed ...string) (string, error) {
	v, found := m[name]
	if !found {
		return "Delete", nil
	}
	s, _ := v.(string)
	if s == "Snapshot" || !slices.Contains(allowed, s) {
		return "", errorf("Template format error: Unrecognized %s %v for resource", name, v)
	}
	return s, nil
}

func alphanumeric(s string) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
