// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import "github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"

// operand is what a condition compares: a path, a value of the request, or the
// size of the value at a path.
type operand struct {
	path  Path       // nil: a literal
	value attr.Value // the literal
	size  bool       // size(path) or size(:value)
}

// get returns the operand's value for an item; false if there is none, because
// the path leads nowhere or its value has no size.
func (o operand) get(item attr.Item) (attr.Value, bool) {
	v := o.value
	if o.path != nil {
		var ok bool
		if v, ok = o.path.Get(item); !ok {
			return attr.Value{}, false
		}
	}
	if !o.size {
		return v, true
	}
	if !v.Kind.HasLen() {
		return attr.Value{}, false
	}
	return attr.Of(attr.Int(int64(v.Len()))), true
}

func (o operand) literal() bool { return o.path == nil }

// operand := path | value | "size" "(" (path | value) ")"
func (p *parser) operand() (operand, error) {
	if name, ok := p.function(); ok {
		if name != "size" {
			if knownFunctions[name] {
				return operand{}, wrong("The function is not allowed to be used this way in an expression; function: %s", name)
			}
			return operand{}, wrong("Invalid function name; function: %s", name)
		}
		p.next += 2
		inner, err := p.plainOperand()
		if err != nil {
			return operand{}, err
		}
		if inner.literal() && !inner.value.Kind.HasLen() {
			return operand{}, wrong("Incorrect operand type for operator or function; operator or function: size, operand type: %s", inner.value.Kind)
		}
		inner.size = true
		return inner, p.expect(")")
	}
	return p.plainOperand()
}

func (p *parser) plainOperand() (operand, error) {
	if p.peek().kind == valueRef {
		v, err := p.value()
		return operand{value: v}, err
	}
	path, err := p.path()
	return operand{path: path}, err
}

// same reports whether two operands are the same path, which DynamoDB refuses
// to compare with itself.
func (o operand) same(b operand) bool {
	return o.path != nil && len(o.path) == len(b.path) && o.path.startsWith(b.path) && o.size == b.size
}
