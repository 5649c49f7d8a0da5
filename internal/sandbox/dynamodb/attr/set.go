// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package attr

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// IsSet reports whether a value is one of the three sets.
func (v Value) IsSet() bool { return v.Kind == StringSet || v.Kind == NumSet || v.Kind == BinarySet }

// Len returns the result of the function size(): characters of a string, bytes
// of a binary, members of all others; 0 for types without a size.
func (v Value) Len() int {
	switch v.Kind {
	case String:
		return utf8.RuneCountInString(v.Text)
	case Binary:
		return len(v.Bin)
	case StringSet:
		return len(v.Strs)
	case NumSet:
		return len(v.Nums)
	case BinarySet:
		return len(v.Bins)
	case Map:
		return len(v.Map)
	case List:
		return len(v.List)
	}
	return 0
}

// HasLen reports whether a kind has a size().
func (k Kind) HasLen() bool { return k != Num && k != Bool && k != Null }

// Contains implements the function contains(): it reports whether w is a part
// of a string or binary, or a member of a set or list.
func (v Value) Contains(w Value) bool {
	switch v.Kind {
	case String:
		return w.Kind == String && strings.Contains(v.Text, w.Text)
	case Binary:
		return w.Kind == Binary && bytes.Contains(v.Bin, w.Bin)
	case List:
		return slices.ContainsFunc(v.List, w.Equal)
	}
	return v.IsSet() && w.Kind == v.Kind.element() && v.has(w)
}

func (v Value) has(w Value) bool {
	switch v.Kind {
	case StringSet:
		return slices.Contains(v.Strs, w.Text)
	case NumSet:
		return slices.ContainsFunc(v.Nums, func(n Number) bool { return n.Cmp(w.Num) == 0 })
	default:
		return slices.ContainsFunc(v.Bins, func(b []byte) bool { return bytes.Equal(b, w.Bin) })
	}
}

// HasPrefix implements the function begins_with().
func (v Value) HasPrefix(w Value) bool {
	if v.Kind != w.Kind {
		return false
	}
	return v.Kind == String && strings.HasPrefix(v.Text, w.Text) ||
		v.Kind == Binary && bytes.HasPrefix(v.Bin, w.Bin)
}

// Union returns the set with the members of another set of the same kind added.
func (v Value) Union(w Value) Value {
	v.Strs = slices.Concat(v.Strs, w.Strs)
	v.Nums = slices.Concat(v.Nums, w.Nums)
	v.Bins = slices.Concat(v.Bins, w.Bins)
	return v.sortSet()
}

// Minus returns the set without the members of another set of the same kind.
// The result may be empty: then the attribute is removed.
func (v Value) Minus(w Value) Value {
	v.Strs = slices.DeleteFunc(slices.Clone(v.Strs), func(s string) bool { return w.has(Str(s)) })
	v.Nums = slices.DeleteFunc(slices.Clone(v.Nums), func(n Number) bool { return w.has(Of(n)) })
	v.Bins = slices.DeleteFunc(slices.Clone(v.Bins), func(b []byte) bool { return w.has(Value{Kind: Binary, Bin: b}) })
	return v
}

// Size returns the size of an item, which is limited to 400 KB: its names and
// values, in bytes.
func (i Item) Size() int {
	total := 0
	for name, v := range i {
		total += len(name) + v.size()
	}
	return total
}

func (v Value) size() int {
	switch v.Kind {
	case String:
		return len(v.Text)
	case Num:
		return v.Num.size()
	case Binary:
		return len(v.Bin)
	case Map:
		return 3 + len(v.Map) + v.Map.Size()
	case List:
		total := 3
		for _, w := range v.List {
			total += 1 + w.size()
		}
		return total
	case Bool, Null:
		return 1
	}
	return v.setSize()
}

func (v Value) setSize() int {
	total := 0
	for _, s := range v.Strs {
		total += len(s)
	}
	for _, n := range v.Nums {
		total += n.size()
	}
	for _, b := range v.Bins {
		total += len(b)
	}
	return total
}
