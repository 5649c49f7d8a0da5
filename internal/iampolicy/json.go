// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// ParseError describes a mistake in a policy document and its position.
type ParseError struct {
	Line, Column int // from 1
	Problem      string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// value is a JSON value with its position. encoding/json loses the position,
// and also a key that occurs twice: AWS would use one of the two, and a person
// reading the policy the other.
type value struct {
	at      int      // offset of its first byte
	members []member // of an object, in their order; nil otherwise
	items   []value  // of a list; nil otherwise
	scalar  any      // string, json.Number, bool or nil
}

type member struct {
	at    int
	name  string
	value value
}

// readJSON reads exactly one JSON value.
func readJSON(text string) (value, error) {
	if strings.TrimSpace(text) == "" {
		return value{}, at(text, len(text), "the policy is empty: it must be a JSON object")
	}
	if !utf8.ValidString(text) {
		return value{}, at(text, invalidUTF8(text), "the text is not valid UTF-8")
	}
	// The whole text is checked first: these errors carry the offset, and a
	// text that passes can be walked without checking the syntax again.
	var whole json.RawMessage
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		return value{}, syntaxError(text, err)
	}
	r := &reader{text: text, tokens: json.NewDecoder(strings.NewReader(text))}
	r.tokens.UseNumber()
	return r.value()
}

func syntaxError(text string, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("the policy is not JSON: %w", err)
	}
	offset := int(syntax.Offset) - 1
	if strings.HasPrefix(syntax.Error(), "unexpected end") {
		offset = len(text)
	}
	return at(text, offset, "the policy is not valid JSON: %s", syntax.Error())
}

func invalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}

// at returns an error for a problem at an offset.
func at(text string, offset int, format string, args ...any) *ParseError {
	offset = max(0, min(offset, len(text)))
	before := text[:offset]
	return &ParseError{
		Line:    1 + strings.Count(before, "\n"),
		Column:  1 + utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]),
		Problem: fmt.Sprintf(format, args...),
	}
}

type reader struct {
	text   string
	tokens *json.Decoder
}

// next returns the offset of the next token.
func (r *reader) next() int {
	offset := int(r.tokens.InputOffset())
	for offset < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[offset]) >= 0 {
		offset++
	}
	return offset
}

func (r *reader) value() (value, error) {
	v := value{at: r.next()}
	token, err := r.tokens.Token()
	if err != nil {
		return value{}, at(r.text, v.at, "the policy is not valid JSON: %s", err)
	}
	switch token {
	case json.Delim('{'):
		v.members = []member{}
		err = r.object(&v)
	case json.Delim('['):
		v.items = []value{}
		err = r.list(&v)
	default:
		v.scalar = token
	}
	return v, err
}

func (r *reader) object(v *value) error {
	seen := map[string]bool{}
	for r.tokens.More() {
		m := member{at: r.next()}
		token, err := r.tokens.Token()
		if err != nil {
			return at(r.text, m.at, "the policy is not valid JSON: %s", err)
		}
		m.name, _ = token.(string)
		if seen[m.name] {
			return at(r.text, m.at, "the key %q occurs twice in one object; only one of the two would count", m.name)
		}
		seen[m.name] = true
		if m.value, err = r.value(); err != nil {
			return err
		}
		v.members = append(v.members, m)
	}
	return r.end()
}

func (r *reader) list(v *value) error {
	for r.tokens.More() {
		item, err := r.value()
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	return r.end()
}

// end reads the closing bracket.
func (r *reader) end() error {
	if _, err := r.tokens.Token(); err != nil && !errors.Is(err, io.EOF) {
		return at(r.text, r.next(), "the policy is not valid JSON: %s", err)
	}
	return nil
}

// compact returns text without the whitespace between its tokens.
func compact(text string) (string, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return "", syntaxError(text, err)
	}
	return b.String(), nil
}
