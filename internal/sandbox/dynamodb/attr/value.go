// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package attr has DynamoDB's attribute values: the ten types, their JSON form,
// equality, order and size, and numbers that are exact to 38 digits.
//
// Values are never changed in place: a change clones the item first, so that
// readers can share stored values.
package attr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Kind is a type, by its name in JSON.
type Kind string

// The ten types.
const (
	String    Kind = "S"
	Num       Kind = "N"
	Binary    Kind = "B"
	StringSet Kind = "SS"
	NumSet    Kind = "NS"
	BinarySet Kind = "BS"
	Map       Kind = "M"
	List      Kind = "L"
	Bool      Kind = "BOOL"
	Null      Kind = "NULL"
)

// Known reports whether DynamoDB has a type of that name.
func (k Kind) Known() bool {
	switch k {
	case String, Num, Binary, StringSet, NumSet, BinarySet, Map, List, Bool, Null:
		return true
	}
	return false
}

// Value is one attribute value. Only the field of its kind is set; sets are
// kept sorted, so that equal sets are equal slices.
type Value struct {
	Kind Kind
	Text string   // S
	Num  Number   // N
	Bin  []byte   // B
	Strs []string // SS
	Nums []Number // NS
	Bins [][]byte // BS
	Map  Item     // M
	List []Value  // L
	Bool bool     // BOOL
}

// Item is a record, or the content of a map.
type Item map[string]Value

// InvalidError is the error for an invalid value in a request. DynamoDB returns
// it as a ValidationException.
type InvalidError string

func (e InvalidError) Error() string { return string(e) }

func invalid(format string, args ...any) error {
	return InvalidError(fmt.Sprintf(format, args...))
}

// Str returns a string value.
func Str(s string) Value { return Value{Kind: String, Text: s} }

// Of returns a number value.
func Of(n Number) Value { return Value{Kind: Num, Num: n} }

// Equal implements DynamoDB's "=": same type, same value; numbers by their
// value, sets by their members.
func (v Value) Equal(w Value) bool {
	if v.Kind != w.Kind {
		return false
	}
	switch v.Kind {
	case String:
		return v.Text == w.Text
	case Num:
		return v.Num.Cmp(w.Num) == 0
	case Binary:
		return bytes.Equal(v.Bin, w.Bin)
	case StringSet:
		return slices.Equal(v.Strs, w.Strs)
	case NumSet:
		return slices.EqualFunc(v.Nums, w.Nums, func(a, b Number) bool { return a.Cmp(b) == 0 })
	case BinarySet:
		return slices.EqualFunc(v.Bins, w.Bins, bytes.Equal)
	case List:
		return slices.EqualFunc(v.List, w.List, Value.Equal)
	case Map:
		return v.Map.Equal(w.Map)
	case Bool:
		return v.Bool == w.Bool
	}
	return true // NULL
}

// Equal compares two items.
func (i Item) Equal(j Item) bool {
	if len(i) != len(j) {
		return false
	}
	for name, v := range i {
		w, ok := j[name]
		if !ok || !v.Equal(w) {
			return false
		}
	}
	return true
}

// Ordered reports whether values of a kind have an order.
func (k Kind) Ordered() bool { return k == String || k == Num || k == Binary }

// Compare compares two values; ok is false if DynamoDB defines no order between
// them (different types, or a type without one). Strings are compared by their
// bytes.
func (v Value) Compare(w Value) (order int, ok bool) {
	if v.Kind != w.Kind {
		return 0, false
	}
	switch v.Kind {
	case String:
		return strings.Compare(v.Text, w.Text), true
	case Num:
		return v.Num.Cmp(w.Num), true
	case Binary:
		return bytes.Compare(v.Bin, w.Bin), true
	}
	return 0, false
}

// Clone returns a copy whose maps and lists may be changed.
func (i Item) Clone() Item {
	if i == nil {
		return nil
	}
	out := make(Item, len(i))
	for name, v := range i {
		out[name] = v.Clone()
	}
	return out
}

// Clone returns a copy whose maps and lists may be changed. All other values
// are never changed in place.
func (v Value) Clone() Value {
	switch v.Kind {
	case Map:
		v.Map = v.Map.Clone()
	case List:
		list := make([]Value, len(v.List))
		for i, w := range v.List {
			list[i] = w.Clone()
		}
		v.List = list
	}
	return v
}

// Describe returns a value as DynamoDB's messages format it: {S:abc}.
func (v Value) Describe() string {
	var text string
	switch v.Kind {
	case String:
		text = v.Text
	case Num:
		text = v.Num.String()
	case Binary:
		text = fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]", len(v.Bin), len(v.Bin))
	case Bool:
		text = fmt.Sprint(v.Bool)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			return "{" + string(v.Kind) + "}"
		}
		return string(b)
	}
	return "{" + string(v.Kind) + ":" + text + "}"
}
