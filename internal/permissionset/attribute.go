// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Attribute is one field of a type that vendors write, as described by the field's
// tags:
//
//   - json is its name, for vendors and in records. With omitempty, an empty string,
//     zero or false represents null; with omitzero, records from before the attribute
//     existed are read and written as before.
//   - doc is its description in the schema that `xacct generate` publishes.
//   - rule is "required" if it must be set.
//   - default is the meaning of its zero value.
//   - version is its name in the version's input; without one, a change of the
//     attribute makes no customer outdated.
type Attribute struct {
	Name, Doc, Default, Version string

	Required bool
	Nullable bool // its zero value stands for null
	Value    reflect.Value
}

// Attributes returns the attributes of a struct, or of a pointer to a struct whose
// fields will be set, in order. It replaces embedded structs by their attributes. It
// panics for a field without a name; every test of the type finds that.
func Attributes(of reflect.Value) []Attribute {
	of = reflect.Indirect(of)
	var all []Attribute
	for i := range of.NumField() {
		f := of.Type().Field(i)
		if f.Anonymous {
			all = append(all, Attributes(of.Field(i))...)
			continue
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			panic(fmt.Sprintf("%s.%s has no name that vendors could write", of.Type(), f.Name))
		}
		all = append(all, Attribute{
			Name: name, Doc: f.Tag.Get("doc"), Default: f.Tag.Get("default"), Version: f.Tag.Get("version"),
			Required: f.Tag.Get("rule") == "required", Nullable: option == "omitempty", Value: of.Field(i),
		})
	}
	return all
}

// WithDefaults returns the role with its defaults filled in.
func (r Role) WithDefaults() Role { return withDefaults(r) }

// fillDefaults sets the zero values of a struct's attributes to their defaults.
func fillDefaults(of reflect.Value) {
	for _, a := range Attributes(of) {
		if a.Default == "" || !a.Value.IsZero() {
			continue
		}
		switch a.Value.Kind() {
		case reflect.String:
			a.Value.SetString(a.Default)
		case reflect.Int64:
			number, err := strconv.ParseInt(a.Default, 10, 64)
			if err != nil {
				panic(fmt.Sprintf("the default of %s is no number: %s", a.Name, a.Default)) // every test of a role finds it
			}
			a.Value.SetInt(number)
		default:
			panic(fmt.Sprintf("attribute %s has a type that no default has yet: %s", a.Name, a.Value.Type()))
		}
	}
}
