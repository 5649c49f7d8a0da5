// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

// Condition is a parsed condition or filter expression.
type Condition struct {
	root node
}

// node is a part of a condition, which is true or false for an item. A missing
// item is evaluated as an empty one.
type node interface {
	holds(item attr.Item) bool
	paths() []Path
}

// Holds reports whether the condition is true for an item.
func (c *Condition) Holds(item attr.Item) bool { return c.root.holds(item) }

// Attributes returns the top-level names that the condition reads.
func (c *Condition) Attributes() []string {
	var names []string
	for _, p := range c.root.paths() {
		names = append(names, p[0].Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ParseCondition parses a condition or filter expression.
func ParseCondition(text string, params *Params) (*Condition, error) {
	p, err := newParser(text, params)
	if err != nil {
		return nil, err
	}
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	return &Condition{root: root}, p.finish()
}

// or := and ( OR and )*
func (p *parser) or() (node, error) {
	left, err := p.and()
	for err == nil && p.acceptWord("OR") {
		var right node
		right, err = p.and()
		left = either{left, right}
	}
	return left, err
}

// and := not ( AND not )*
func (p *parser) and() (node, error) {
	left, err := p.not()
	for err == nil && p.acceptWord("AND") {
		var right node
		right, err = p.not()
		left = both{left, right}
	}
	return left, err
}

// not := NOT not | primary
func (p *parser) not() (node, error) {
	if !p.acceptWord("NOT") {
		return p.primary()
	}
	inner, err := p.not()
	return negated{inner}, err
}

// primary := "(" or ")" | predicate | comparison
func (p *parser) primary() (node, error) {
	if p.accept("(") {
		nested := p.peek().symbol("(")
		from := p.next
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		if err := p.expect(")"); err != nil {
			return nil, err
		}
		if nested && p.closes(from) {
			return nil, wrong("The expression has redundant parentheses;")
		}
		return inner, nil
	}
	if name, ok := p.function(); ok && name != "size" {
		return p.predicate(name)
	}
	return p.comparison()
}

// closes reports whether the parenthesis that opens at a token closes just
// before the most recently read token: ((…)).
func (p *parser) closes(open int) bool {
	depth := 0
	for i := open; i < p.next-1; i++ {
		switch {
		case p.tokens[i].symbol("("):
			depth++
		case p.tokens[i].symbol(")"):
			depth--
		}
		if depth == 0 {
			return i == p.next-2
		}
	}
	return false
}

// comparison := operand ( comparator operand | BETWEEN operand AND operand | IN
// "(" operand, … ")" )
func (p *parser) comparison() (node, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	switch {
	case p.acceptWord("BETWEEN"):
		return p.between(left)
	case p.acceptWord("IN"):
		return p.in(left)
	}
	t := p.peek()
	if t.kind != symbol || !slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, t.text) {
		return nil, p.syntaxError()
	}
	p.next++
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	c := compared{operator: t.text, left: left, right: right}
	return c, c.check()
}

func (p *parser) between(middle operand) (node, error) {
	low, err := p.operand()
	if err != nil {
		return nil, err
	}
	if !p.acceptWord("AND") {
		return nil, p.syntaxError()
	}
	high, err := p.operand()
	if err != nil {
		return nil, err
	}
	b := within{middle: middle, low: low, high: high}
	return b, b.check()
}

func (p *parser) in(left operand) (node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	m := member{left: left}
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		m.set = append(m.set, o)
		if p.accept(",") {
			continue
		}
		if len(m.set) > 100 {
			return nil, wrong("Invalid operand count for operator IN; maximum: 100, count: %d", len(m.set))
		}
		return m, p.expect(")")
	}
}
