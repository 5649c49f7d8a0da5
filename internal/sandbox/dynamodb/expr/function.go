// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import "github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"

// called is a call of a function that is true or false, such as
// attribute_exists.
type called struct {
	name      string
	arguments []operand
}

// knownFunctions has all functions; the grammar decides where each may be used.
var knownFunctions = map[string]bool{
	"attribute_exists": true, "attribute_not_exists": true, "attribute_type": true,
	"begins_with": true, "contains": true, "size": true,
	"if_not_exists": true, "list_append": true,
}

// predicates are the functions that are conditions by themselves, with the
// number of their operands.
var predicates = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2,
	"begins_with": 2, "contains": 2,
}

// predicate := function "(" operand { "," operand } ")"
func (p *parser) predicate(name string) (node, error) {
	arity, ok := predicates[name]
	if !ok {
		if knownFunctions[name] {
			return nil, wrong("The function is not allowed in a condition expression; function: %s", name)
		}
		return nil, wrong("Invalid function name; function: %s", name)
	}
	p.next += 2
	c := called{name: name}
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		c.arguments = append(c.arguments, o)
		if !p.accept(",") {
			break
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	if len(c.arguments) != arity {
		return nil, wrong("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(c.arguments))
	}
	return c, c.check()
}

func (c called) check() error {
	first := c.arguments[0]
	if first.size || (first.literal() && c.name != "contains" && c.name != "begins_with") {
		return wrong("Operator or function requires a document path; operator or function: %s", c.name)
	}
	if len(c.arguments) == 1 {
		return nil
	}
	second := c.arguments[1]
	if first.same(second) {
		return wrong("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", c.name, first.path)
	}
	if !second.literal() || second.size {
		return nil
	}
	badType := wrong("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", c.name, second.value.Kind)
	switch {
	case c.name == "begins_with" && second.value.Kind != attr.String && second.value.Kind != attr.Binary:
		return badType
	case c.name == "attribute_type" && second.value.Kind != attr.String:
		return badType
	case c.name == "attribute_type" && !attr.Kind(second.value.Text).Known():
		return wrong("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", second.value.Text)
	}
	return nil
}

func (c called) holds(item attr.Item) bool {
	first, ok := c.arguments[0].get(item)
	switch c.name {
	case "attribute_exists":
		return ok
	case "attribute_not_exists":
		return !ok
	}
	second, hasSecond := c.arguments[1].get(item)
	if !ok || !hasSecond {
		return false
	}
	switch c.name {
	case "attribute_type":
		return second.Kind == attr.String && first.Kind == attr.Kind(second.Text)
	case "begins_with":
		return first.HasPrefix(second)
	default:
		return first.Contains(second)
	}
}

func (c called) paths() []Path { return operandPaths(c.arguments...) }
