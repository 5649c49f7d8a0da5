// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

// errMissing is the error of an update that reads a missing attribute.
const errMissing = Error("The provided expression refers to an attribute that does not exist in the item")

// errType is the error of an update that reads a value of the wrong type.
const errType = Error("An operand in the update expression has an incorrect data type")

// term is an expression on the right of "=" in SET. It is evaluated with the
// item as it was before the update.
type term interface {
	eval(item attr.Item) (attr.Value, error)
}

type (
	plain      struct{ operand } // path or value
	arithmetic struct {
		minus       bool
		left, right term
	}
	ifNotExists struct {
		path     Path
		fallback term
	}
	listAppend struct{ left, right term }
)

// term := atom [ ("+" | "-") atom ]
func (p *parser) term() (term, error) {
	left, err := p.atom()
	if err != nil {
		return nil, err
	}
	operator := p.peek().text
	if !p.accept("+") && !p.accept("-") {
		return left, nil
	}
	right, err := p.atom()
	if err != nil {
		return nil, err
	}
	for _, t := range []term{left, right} {
		if l, ok := t.(plain); ok && l.literal() && l.value.Kind != attr.Num {
			return nil, wrong("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, l.value.Kind)
		}
	}
	return arithmetic{minus: operator == "-", left: left, right: right}, nil
}

// atom := path | value | if_not_exists "(" path "," atom ")" | list_append "("
// atom "," atom ")"
func (p *parser) atom() (term, error) {
	name, ok := p.function()
	if !ok {
		o, err := p.plainOperand()
		return plain{o}, err
	}
	switch {
	case name == "if_not_exists" || name == "list_append":
	case knownFunctions[name]:
		return nil, wrong("The function is not allowed in an update expression; function: %s", name)
	default:
		return nil, wrong("Invalid function name; function: %s", name)
	}
	p.next += 2
	left, err := p.atom()
	if err != nil {
		return nil, err
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	right, err := p.atom()
	if err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	return makeFunction(name, left, right)
}

func makeFunction(name string, left, right term) (term, error) {
	if name == "if_not_exists" {
		l, ok := left.(plain)
		if !ok || l.path == nil {
			return nil, wrong("Operator or function requires a document path; operator or function: if_not_exists")
		}
		return ifNotExists{path: l.path, fallback: right}, nil
	}
	for _, t := range []term{left, right} {
		if l, ok := t.(plain); ok && l.literal() && l.value.Kind != attr.List {
			return nil, wrong("Incorrect operand type for operator or function; operator or function: list_append, operand type: %s", l.value.Kind)
		}
	}
	return listAppend{left: left, right: right}, nil
}

func (t plain) eval(item attr.Item) (attr.Value, error) {
	v, ok := t.get(item)
	if !ok {
		return attr.Value{}, errMissing
	}
	return v, nil
}

func (t arithmetic) eval(item attr.Item) (attr.Value, error) {
	left, right, err := evalPair(t.left, t.right, attr.Num, item)
	if err != nil {
		return attr.Value{}, err
	}
	n, err := left.Num.Add(right.Num)
	if t.minus {
		n, err = left.Num.Sub(right.Num)
	}
	return attr.Of(n), err
}

func (t ifNotExists) eval(item attr.Item) (attr.Value, error) {
	if v, ok := t.path.Get(item); ok {
		return v, nil
	}
	return t.fallback.eval(item)
}

func (t listAppend) eval(item attr.Item) (attr.Value, error) {
	left, right, err := evalPair(t.left, t.right, attr.List, item)
	if err != nil {
		return attr.Value{}, err
	}
	return attr.Value{Kind: attr.List, List: slices.Concat(left.List, right.List)}, nil
}

func evalPair(a, b term, kind attr.Kind, item attr.Item) (left, right attr.Value, err error) {
	if left, err = a.eval(item); err != nil {
		return left, right, err
	}
	if right, err = b.eval(item); err != nil {
		return left, right, err
	}
	if left.Kind != kind || right.Kind != kind {
		return left, right, errType
	}
	return left, right, nil
}
