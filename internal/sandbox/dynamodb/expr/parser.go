// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

// parser parses the tokens of one expression. The rules for conditions, updates
// and projections are in separate files; this one has the rules that they
// share: paths, values and error messages.
type parser struct {
	text   string
	tokens []token
	next   int
	params *Params
}

func newParser(text string, params *Params) (*parser, error) {
	if strings.TrimSpace(text) == "" {
		return nil, wrong("The expression can not be empty;")
	}
	if len(text) > maxExpression {
		return nil, wrong("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	return &parser{text: text, tokens: lex(text), params: params}, nil
}

func (p *parser) peek() token { return p.tokens[p.next] }

// accept consumes a symbol if it is next, and reports whether it was.
func (p *parser) accept(s string) bool {
	if p.peek().symbol(s) {
		p.next++
		return true
	}
	return false
}

// acceptWord consumes a keyword if it is next, and reports whether it was.
func (p *parser) acceptWord(keyword string) bool {
	if p.peek().is(keyword) {
		p.next++
		return true
	}
	return false
}

func (p *parser) expect(s string) error {
	if !p.accept(s) {
		return p.syntaxError()
	}
	return nil
}

// syntaxError returns an error for the next token.
func (p *parser) syntaxError() error {
	t := p.peek()
	from, to := max(0, p.next-1), min(len(p.tokens)-1, p.next+1)
	near := strings.TrimSpace(p.text[p.tokens[from].at : p.tokens[to].at+tokenLength(p.tokens[to])])
	return wrong("Syntax error; token: %q, near: %q", t.text, near)
}

func tokenLength(t token) int {
	if t.kind == end {
		return 0
	}
	return len(t.text)
}

// finish returns an error if tokens are left over.
func (p *parser) finish() error {
	if p.peek().kind != end {
		return p.syntaxError()
	}
	return nil
}

// path := name ( "." name | "[" index "]" )*
func (p *parser) path() (Path, error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	path := Path{{Name: name}}
	for {
		switch {
		case p.accept("."):
			if name, err = p.name(); err != nil {
				return nil, err
			}
			path = append(path, Step{Name: name})
		case p.accept("["):
			t := p.peek()
			i, err := strconv.ParseUint(t.text, 10, 31)
			if t.kind != index || err != nil {
				return nil, p.syntaxError()
			}
			p.next++
			if err := p.expect("]"); err != nil {
				return nil, err
			}
			path = append(path, Step{Index: int(i), Deref: true})
		default:
			if len(path) > 32 {
				return nil, wrong("The document path has too many nesting elements; nesting levels: %d", len(path))
			}
			return path, nil
		}
	}
}

// name := word | "#" placeholder
func (p *parser) name() (string, error) {
	t := p.peek()
	switch t.kind {
	case nameRef:
		name, ok := p.params.Names[t.text]
		if !ok {
			return "", wrong("An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		p.params.use(t.text)
		p.next++
		return name, nil
	case word:
		if isReserved(t.text) {
			return "", wrong("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		p.next++
		return t.text, nil
	}
	return "", p.syntaxError()
}

// value := ":" placeholder
func (p *parser) value() (attr.Value, error) {
	t := p.peek()
	if t.kind != valueRef {
		return attr.Value{}, p.syntaxError()
	}
	v, ok := p.params.Values[t.text]
	if !ok {
		return attr.Value{}, wrong("An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	p.params.use(t.text)
	p.next++
	return v, nil
}

// function returns the function's name if a name and "(" are next, and whether
// they are. Functions, unlike keywords, are case-sensitive.
func (p *parser) function() (string, bool) {
	t := p.peek()
	if t.kind == word && p.tokens[p.next+1].symbol("(") {
		return t.text, true
	}
	return "", false
}
