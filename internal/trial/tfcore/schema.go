// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// schema is the schema of a provider, a resource or a data source.
type schema struct {
	version    int64
	attributes attributes
	spec       hcldec.ObjectSpec // decodes a block
	impliedTyp cty.Type
}

type attributes map[string]*attribute

type attribute struct {
	name               string
	typ                cty.Type    // type of its values
	nested             *nestedType // its own attributes, if any
	required, optional bool
	computed           bool
	sensitive          bool
	writeOnly          bool
}

// nestedType has the attributes and the nesting mode of a nested attribute.
type nestedType struct {
	nesting    tfprotov6.SchemaObjectNestingMode
	attributes attributes
}

// newSchema returns a schema from a provider's response.
func newSchema(of string, told *tfprotov6.Schema) (*schema, error) {
	if told == nil || told.Block == nil {
		return &schema{impliedTyp: cty.EmptyObject}, nil
	}
	if len(told.Block.BlockTypes) > 0 {
		return nil, fmt.Errorf("the schema of %s has nested blocks (%s, for one), and the in-process core knows attributes only", of, told.Block.BlockTypes[0].TypeName)
	}
	all, err := newAttributes(of, told.Block.Attributes)
	if err != nil {
		return nil, err
	}
	s := &schema{version: told.Version, attributes: all, spec: hcldec.ObjectSpec{}, impliedTyp: all.object()}
	for name, a := range all {
		s.spec[name] = &hcldec.AttrSpec{Name: name, Type: a.configType(), Required: a.required}
	}
	return s, nil
}

func newAttributes(of string, told []*tfprotov6.SchemaAttribute) (attributes, error) {
	all := attributes{}
	for _, t := range told {
		a := &attribute{
			name: t.Name, required: t.Required, optional: t.Optional, computed: t.Computed,
			sensitive: t.Sensitive, writeOnly: t.WriteOnly,
		}
		var err error
		if t.NestedType != nil {
			a.nested = &nestedType{nesting: t.NestedType.Nesting}
			a.nested.attributes, err = newAttributes(of, t.NestedType.Attributes)
		} else {
			a.typ, err = typeOf(t.Type)
		}
		if err != nil {
			return nil, err
		}
		if a.nested != nil {
			if a.typ, err = a.nested.wrap(a.nested.attributes.object()); err != nil {
				return nil, fmt.Errorf("%s, attribute %s: %w", of, a.name, err)
			}
		}
		all[t.Name] = a
	}
	return all, nil
}

// wrap returns the type of the whole attribute from that of one element.
func (o *nestedType) wrap(element cty.Type) (cty.Type, error) {
	switch o.nesting {
	case tfprotov6.SchemaObjectNestingModeSingle:
		return element, nil
	case tfprotov6.SchemaObjectNestingModeList:
		return cty.List(element), nil
	case tfprotov6.SchemaObjectNestingModeMap:
		return cty.Map(element), nil
	case tfprotov6.SchemaObjectNestingModeSet:
		return cty.Set(element), nil
	default:
		return cty.NilType, fmt.Errorf("the in-process core does not know nesting mode %s", o.nesting)
	}
}

// object returns the type of values that have all of these attributes.
func (all attributes) object() cty.Type {
	types := map[string]cty.Type{}
	for name, a := range all {
		types[name] = a.typ
	}
	return cty.Object(types)
}

// configType returns the type of the attribute in a configuration: attributes of
// objects that are not required are optional.
func (a *attribute) configType() cty.Type {
	if a.nested == nil {
		return a.typ
	}
	types, optional := map[string]cty.Type{}, []string{}
	for name, of := range a.nested.attributes {
		types[name] = of.configType()
		if of.optional || of.computed {
			optional = append(optional, name)
		}
	}
	whole, err := a.nested.wrap(cty.ObjectWithOptionalAttrs(types, optional))
	if err != nil {
		panic(err) // newAttributes has wrapped it before
	}
	return whole
}

// at returns the attribute at a path, or nil if the path leads into the elements
// of a value that has no attributes of its own.
func (all attributes) at(path cty.Path) *attribute {
	var found *attribute
	for _, step := range path {
		name, ok := step.(cty.GetAttrStep)
		if !ok {
			continue // an element of a collection
		}
		if found = all[name.Name]; found == nil {
			return nil
		}
		if found.nested == nil {
			all = nil
		} else {
			all = found.nested.attributes
		}
	}
	if len(path) == 0 {
		return nil
	}
	if _, element := path[len(path)-1].(cty.IndexStep); element {
		return nil
	}
	return found
}

// typeOf translates a type of the protocol into one of the expressions.
func typeOf(t tftypes.Type) (cty.Type, error) {
	text, err := t.MarshalJSON() //nolint:staticcheck // the only way that the two libraries have in common
	if err != nil {
		return cty.NilType, err
	}
	return ctyjson.UnmarshalType(text)
}

// identity is the schema of what identifies a resource, or nil.
type identity struct {
	version int64
	typ     cty.Type
}

func newIdentity(told *tfprotov6.ResourceIdentitySchema) (*identity, error) {
	types := map[string]cty.Type{}
	for _, a := range told.IdentityAttributes {
		typ, err := typeOf(a.Type)
		if err != nil {
			return nil, err
		}
		types[a.Name] = typ
	}
	return &identity{version: told.Version, typ: cty.Object(types)}, nil
}

// sensitive reports whether an attribute is sensitive.
func (all attributes) sensitive() bool {
	for _, a := range all {
		if a.sensitive || a.nested != nil && a.nested.attributes.sensitive() {
			return true
		}
	}
	return false
}
