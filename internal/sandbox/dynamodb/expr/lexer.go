// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"strings"
)

// kind is what a token is.
type kind int

const (
	end       kind = iota
	word           // attribute name, keyword or function
	nameRef        // #name
	valueRef       // :value
	index          // digits, only inside [ ]
	symbol         // punctuation and operators
	wrongText      // a character that no expression may contain
)

type token struct {
	kind kind
	text string
	at   int // byte offset, for "near" in messages
}

// is reports whether a token is the keyword, in any letter case.
func (t token) is(keyword string) bool { return t.kind == word && strings.EqualFold(t.text, keyword) }

func (t token) symbol(s string) bool { return t.kind == symbol && t.text == s }

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	inName  = letters + digits + "_"
)

// lex splits an expression into tokens; the last one is of kind end. It never
// fails: text that forms no token becomes one of kind wrongText, which no rule
// of the grammar accepts.
func lex(text string) []token {
	var tokens []token
	for at := 0; at < len(text); {
		c := text[at]
		if strings.IndexByte(" \t\r\n", c) >= 0 {
			at++
			continue
		}
		t := lexOne(text[at:])
		t.at = at
		tokens = append(tokens, t)
		at += len(t.text)
	}
	return append(tokens, token{kind: end, text: "<EOF>", at: len(text)})
}

func lexOne(rest string) token {
	switch c := rest[0]; {
	case c == '#' || c == ':':
		n := span(rest[1:], inName)
		if n == 0 {
			return token{kind: wrongText, text: rest[:1]}
		}
		if c == '#' {
			return token{kind: nameRef, text: rest[:1+n]}
		}
		return token{kind: valueRef, text: rest[:1+n]}
	case strings.IndexByte(letters, c) >= 0:
		return token{kind: word, text: rest[:span(rest, inName)]}
	case strings.IndexByte(digits, c) >= 0:
		return token{kind: index, text: rest[:span(rest, digits)]}
	}
	for _, s := range []string{"<>", "<=", ">=", "<", ">", "=", "(", ")", "[", "]", ",", ".", "+", "-"} {
		if strings.HasPrefix(rest, s) {
			return token{kind: symbol, text: s}
		}
	}
	return token{kind: wrongText, text: rest[:1]}
}

// span returns how many of the first bytes are in a set.
func span(s, set string) int {
	return len(s) - len(strings.TrimLeft(s, set))
}
