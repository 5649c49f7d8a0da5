// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

type (
	both    struct{ left, right node }
	either  struct{ left, right node }
	negated struct{ inner node }

	compared struct {
		operator    string
		left, right operand
	}
	within struct{ middle, low, high operand }
	member struct {
		left operand
		set  []operand
	}
)

func (n both) holds(i attr.Item) bool    { return n.left.holds(i) && n.right.holds(i) }
func (n either) holds(i attr.Item) bool  { return n.left.holds(i) || n.right.holds(i) }
func (n negated) holds(i attr.Item) bool { return !n.inner.holds(i) }

func (n both) paths() []Path     { return slices.Concat(n.left.paths(), n.right.paths()) }
func (n either) paths() []Path   { return slices.Concat(n.left.paths(), n.right.paths()) }
func (n negated) paths() []Path  { return n.inner.paths() }
func (n compared) paths() []Path { return operandPaths(n.left, n.right) }
func (n within) paths() []Path   { return operandPaths(n.middle, n.low, n.high) }
func (n member) paths() []Path   { return operandPaths(append([]operand{n.left}, n.set...)...) }

func operandPaths(operands ...operand) []Path {
	var paths []Path
	for _, o := range operands {
		if o.path != nil {
			paths = append(paths, o.path)
		}
	}
	return paths
}

// holds reports whether the comparison is true. It is false if a side is
// missing, except that "<>" is true if exactly one side is missing.
func (n compared) holds(item attr.Item) bool {
	left, hasLeft := n.left.get(item)
	right, hasRight := n.right.get(item)
	if !hasLeft || !hasRight {
		return n.operator == "<>" && hasLeft != hasRight
	}
	switch n.operator {
	case "=":
		return left.Equal(right)
	case "<>":
		return !left.Equal(right)
	}
	order, ok := left.Compare(right)
	return ok && fits(order, n.operator)
}

func fits(order int, operator string) bool {
	switch operator {
	case "=":
		return order == 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

// check returns an error for a comparison that DynamoDB refuses before it reads
// any item.
func (n compared) check() error {
	if n.left.same(n.right) {
		return wrong("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", n.operator, n.left.path)
	}
	if n.operator == "=" || n.operator == "<>" {
		return nil
	}
	return checkOrdered(n.operator, n.left, n.right)
}

func checkOrdered(operator string, operands ...operand) error {
	for _, o := range operands {
		if o.literal() && !o.size && !o.value.Kind.Ordered() {
			return wrong("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, o.value.Kind)
		}
	}
	return nil
}

func (n within) holds(item attr.Item) bool {
	return compared{operator: ">=", left: n.middle, right: n.low}.holds(item) &&
		compared{operator: "<=", left: n.middle, right: n.high}.holds(item)
}

func (n within) check() error {
	if err := checkOrdered("BETWEEN", n.middle, n.low, n.high); err != nil {
		return err
	}
	if !n.low.literal() || !n.high.literal() || n.low.size || n.high.size {
		return nil
	}
	low, high := n.low.value, n.high.value
	order, ok := low.Compare(high)
	if !ok {
		return wrong("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", low.Describe(), high.Describe())
	}
	if order > 0 {
		return wrong("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", low.Describe(), high.Describe())
	}
	return nil
}

func (n member) holds(item attr.Item) bool {
	return slices.ContainsFunc(n.set, func(o operand) bool {
		return compared{operator: "=", left: n.left, right: o}.holds(item)
	})
}
