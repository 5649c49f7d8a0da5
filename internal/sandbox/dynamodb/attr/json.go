// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package attr

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

const maxNesting = 32

// wire is the JSON form: {"S": "…"}. Pointers and raw messages distinguish
// absent from empty.
type wire struct {
	S    *string                     `json:"S,omitempty"`
	N    *string                     `json:"N,omitempty"`
	B    *[]byte                     `json:"B,omitempty"`
	SS   *[]string                   `json:"SS,omitempty"`
	NS   *[]string                   `json:"NS,omitempty"`
	BS   *[][]byte                   `json:"BS,omitempty"`
	M    *map[string]json.RawMessage `json:"M,omitempty"`
	L    *[]json.RawMessage          `json:"L,omitempty"`
	BOOL *bool                       `json:"BOOL,omitempty"`
	NULL *bool                       `json:"NULL,omitempty"`
}

// UnmarshalJSON decodes a value. The error is an InvalidError if DynamoDB would
// not accept the value.
func (v *Value) UnmarshalJSON(b []byte) error {
	value, err := decode(b, 1)
	if err != nil {
		return err
	}
	*v = value
	return nil
}

func decode(b []byte, depth int) (Value, error) {
	if depth > maxNesting {
		return Value{}, invalid("Nesting Levels have exceeded supported limits: Attributes and values cannot exceed %d levels", maxNesting)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return Value{}, err
	}
	switch {
	case len(members) == 0:
		return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case len(members) > 1:
		return Value{}, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	for name := range members {
		if !Kind(name).Known() {
			return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
		}
	}
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return Value{}, err
	}
	switch {
	case w.S != nil:
		return Str(*w.S), nil
	case w.N != nil:
		n, err := ParseNumber(*w.N)
		return Of(n), err
	case w.B != nil:
		return Value{Kind: Binary, Bin: *w.B}, nil
	case w.BOOL != nil:
		return Value{Kind: Bool, Bool: *w.BOOL}, nil
	case w.M != nil:
		return decodeMap(*w.M, depth)
	case w.L != nil:
		return decodeList(*w.L, depth)
	case w.NULL != nil && *w.NULL:
		return Value{Kind: Null}, nil
	case w.NULL != nil:
		return Value{}, invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
	}
	return decodeSet(w)
}

func decodeMap(raw map[string]json.RawMessage, depth int) (Value, error) {
	item := make(Item, len(raw))
	for name, b := range raw {
		v, err := decode(b, depth+1)
		if err != nil {
			return Value{}, err
		}
		item[name] = v
	}
	return Value{Kind: Map, Map: item}, nil
}

func decodeList(raw []json.RawMessage, depth int) (Value, error) {
	list := make([]Value, len(raw))
	for i, b := range raw {
		v, err := decode(b, depth+1)
		if err != nil {
			return Value{}, err
		}
		list[i] = v
	}
	return Value{Kind: List, List: list}, nil
}

func decodeSet(w wire) (Value, error) {
	switch {
	case w.SS != nil:
		return newSet(Value{Kind: StringSet, Strs: *w.SS})
	case w.BS != nil:
		return newSet(Value{Kind: BinarySet, Bins: *w.BS})
	case w.NS != nil:
		nums := make([]Number, len(*w.NS))
		for i, s := range *w.NS {
			n, err := ParseNumber(s)
			if err != nil {
				return Value{}, err
			}
			nums[i] = n
		}
		return newSet(Value{Kind: NumSet, Nums: nums})
	}
	return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes") // {"S": null}
}

// newSet returns a set with its members sorted, or an error if it is empty or
// has duplicates.
func newSet(v Value) (Value, error) {
	given := v.Len()
	if given == 0 {
		return Value{}, invalid("One or more parameter values were invalid: An %s set  may not be empty",
			map[Kind]string{StringSet: "string", NumSet: "number", BinarySet: "binary"}[v.Kind])
	}
	v = v.sortSet()
	if v.Len() != given {
		return Value{}, invalid("One or more parameter values were invalid: Input collection contains duplicates.")
	}
	return v, nil
}

// sortSet returns a set sorted and without duplicates, so that equal sets have
// one form.
func (v Value) sortSet() Value {
	switch v.Kind {
	case StringSet:
		v.Strs = slices.Clone(v.Strs)
		slices.Sort(v.Strs)
		v.Strs = slices.Compact(v.Strs)
	case NumSet:
		v.Nums = slices.Clone(v.Nums)
		slices.SortFunc(v.Nums, Number.Cmp)
		v.Nums = slices.CompactFunc(v.Nums, func(a, b Number) bool { return a.Cmp(b) == 0 })
	case BinarySet:
		v.Bins = slices.Clone(v.Bins)
		slices.SortFunc(v.Bins, bytes.Compare)
		v.Bins = slices.CompactFunc(v.Bins, bytes.Equal)
	}
	return v
}

// MarshalJSON encodes a value as in requests and responses: {"S": "…"}.
func (v Value) MarshalJSON() ([]byte, error) {
	var content any
	switch v.Kind {
	case String:
		content = v.Text
	case Num:
		content = v.Num.String()
	case Binary:
		content = v.Bin
		if v.Bin == nil {
			content = []byte{}
		}
	case StringSet:
		content = v.Strs
	case NumSet:
		texts := make([]string, len(v.Nums))
		for i, n := range v.Nums {
			texts[i] = n.String()
		}
		content = texts
	case BinarySet:
		content = v.Bins
	case Map:
		content = v.Map
		if v.Map == nil {
			content = Item{}
		}
	case List:
		content = v.List
		if v.List == nil {
			content = []Value{}
		}
	case Bool:
		content = v.Bool
	case Null:
		content = true
	default:
		return nil, invalid("a value without a type cannot be encoded")
	}
	return json.Marshal(map[Kind]any{v.Kind: content})
}

// element returns the kind of a set's members.
func (k Kind) element() Kind { return Kind(strings.TrimSuffix(string(k), "S")) }
