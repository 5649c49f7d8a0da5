// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package expr parses and evaluates DynamoDB's expressions: conditions and
// filters, key conditions, updates and projections.
//
// An expression is parsed together with the request's placeholders (#name and
// :value), so that an undefined one is found at once, and an unused one after
// all of the request's expressions are parsed (Params.Unused). The package does
// not use tables: callers pass the items.
package expr

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

const maxExpression = 4096 // bytes

// Error is the error for an invalid expression. The service adds which
// expression it is.
type Error string

func (e Error) Error() string { return string(e) }

func wrong(format string, args ...any) error { return Error(fmt.Sprintf(format, args...)) }

// Params are a request's ExpressionAttributeNames and
// ExpressionAttributeValues, with a record of those that its expressions use.
type Params struct {
	Names  map[string]string
	Values attr.Item

	used map[string]bool
}

func (p *Params) use(placeholder string) {
	if p.used == nil {
		p.used = map[string]bool{}
	}
	p.used[placeholder] = true
}

// Step is one part of a document path: a name, or an index into a list.
type Step struct {
	Name  string
	Index int
	Deref bool // an index
}

// Path is a document path: "a.b[2]".
type Path []Step

// String returns a path as DynamoDB's messages format it: [a, b, [2]].
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.Name
		if s.Deref {
			parts[i] = "[" + strconv.Itoa(s.Index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// Get returns the value at a path in an item, and whether there is one.
func (p Path) Get(item attr.Item) (attr.Value, bool) {
	v := attr.Value{Kind: attr.Map, Map: item}
	for _, s := range p {
		var ok bool
		if v, ok = s.get(v); !ok {
			return attr.Value{}, false
		}
	}
	return v, true
}

func (s Step) get(v attr.Value) (attr.Value, bool) {
	if s.Deref {
		if v.Kind != attr.List || s.Index >= len(v.List) {
			return attr.Value{}, false
		}
		return v.List[s.Index], true
	}
	if v.Kind != attr.Map {
		return attr.Value{}, false
	}
	w, ok := v.Map[s.Name]
	return w, ok
}

// startsWith reports whether q is p or a prefix of it.
func (p Path) startsWith(q Path) bool {
	if len(q) > len(p) {
		return false
	}
	for i := range q {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// checkOverlap returns an error if one of two paths leads to the other, or if
// they need one value to be both a map and a list.
func checkOverlap(paths []Path) error {
	for i, p := range paths {
		for _, q := range paths[:i] {
			if p.startsWith(q) || q.startsWith(p) {
				return wrong("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", q, p)
			}
			common := 0
			for common < min(len(p), len(q)) && p[common] == q[common] {
				common++
			}
			if p[common].Deref != q[common].Deref {
				return wrong("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", q, p)
			}
		}
	}
	return nil
}
