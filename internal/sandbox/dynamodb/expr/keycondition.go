// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

// KeyCondition is a Query's condition on the keys: one partition, and
// optionally a part of it.
type KeyCondition struct {
	Hash attr.Value

	sort node // nil: the whole partition
}

// Holds reports whether the condition is true for an item of the partition.
func (k *KeyCondition) Holds(item attr.Item) bool { return k.sort == nil || k.sort.holds(item) }

// SortOperands returns the values that the sort key is compared with, to check
// their types; none if the condition does not name the sort key.
func (k *KeyCondition) SortOperands() []attr.Value {
	switch n := k.sort.(type) {
	case compared:
		return []attr.Value{n.right.value}
	case within:
		return []attr.Value{n.low.value, n.high.value}
	case called:
		return []attr.Value{n.arguments[1].value}
	}
	return nil
}

// ParseKeyCondition parses "pk = :a AND begins_with(sk, :b)". sortName is empty
// for a table without a sort key.
func ParseKeyCondition(text string, params *Params, hashName, sortName string) (*KeyCondition, error) {
	condition, err := ParseCondition(text, params)
	if err != nil {
		return nil, err
	}
	parts, err := conjuncts(condition.root)
	if err != nil {
		return nil, err
	}
	k := &KeyCondition{}
	hashes := 0
	for _, part := range parts {
		name, err := keyName(part)
		if err != nil {
			return nil, err
		}
		switch {
		case name == hashName:
			c, ok := part.(compared)
			if !ok || c.operator != "=" {
				return nil, wrong("Query key condition not supported")
			}
			k.Hash, hashes = c.right.value, hashes+1
		case name == sortName && k.sort == nil:
			if c, ok := part.(compared); ok && c.operator == "<>" {
				return nil, wrong("Unsupported operator on KeyCondition: operator: <>")
			}
			k.sort = part
		case name == sortName:
			return nil, wrong("KeyConditionExpressions must only contain one condition per key")
		default:
			return nil, wrong("Query condition missed key schema element: %s", missed(hashes, hashName, sortName))
		}
	}
	switch {
	case hashes == 0:
		return nil, wrong("Query condition missed key schema element: %s", hashName)
	case hashes > 1:
		return nil, wrong("KeyConditionExpressions must only contain one condition per key")
	}
	return k, nil
}

func missed(hashes int, hashName, sortName string) string {
	if hashes > 0 && sortName != "" {
		return sortName
	}
	return hashName
}

// conjuncts splits a condition at its ANDs; key conditions have no other
// connective.
func conjuncts(n node) ([]node, error) {
	switch n := n.(type) {
	case both:
		left, err := conjuncts(n.left)
		if err != nil {
			return nil, err
		}
		right, err := conjuncts(n.right)
		return append(left, right...), err
	case either:
		return nil, wrong("Invalid operator used in KeyConditionExpression: OR")
	case negated:
		return nil, wrong("Invalid operator used in KeyConditionExpression: NOT")
	case member:
		return nil, wrong("Invalid operator used in KeyConditionExpression: IN")
	}
	return []node{n}, nil
}

// keyName returns the key that a condition is about: a plain name on the left,
// and values on the right.
func keyName(n node) (string, error) {
	var first operand
	var rest []operand
	switch n := n.(type) {
	case compared:
		first, rest = n.left, []operand{n.right}
	case within:
		first, rest = n.middle, []operand{n.low, n.high}
	case called:
		if n.name != "begins_with" {
			return "", wrong("Invalid operator used in KeyConditionExpression: %s", n.name)
		}
		first, rest = n.arguments[0], n.arguments[1:]
	}
	for _, o := range rest {
		if !o.literal() || o.size {
			return "", wrong("Invalid condition in KeyConditionExpression: the right operand must be an expression attribute value")
		}
	}
	if first.path == nil || first.size {
		return "", wrong("Invalid condition in KeyConditionExpression: the left operand must be a key attribute")
	}
	if len(first.path) != 1 {
		return "", wrong("KeyConditionExpressions cannot have conditions on nested attributes")
	}
	return first.path[0].Name, nil
}
