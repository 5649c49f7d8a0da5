// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

// Update is a parsed update expression: up to four clauses, each with actions
// on paths of which none leads to another.
type Update struct {
	sets    []setAction
	removes []Path
	adds    []valueAction
	deletes []valueAction
}

type setAction struct {
	path  Path
	value term
}

type valueAction struct {
	path  Path
	value attr.Value
}

// ParseUpdate parses "SET a = :a, b = b + :one REMOVE c ADD d :d DELETE e :e".
func ParseUpdate(text string, params *Params) (*Update, error) {
	p, err := newParser(text, params)
	if err != nil {
		return nil, err
	}
	u := &Update{}
	seen := map[string]bool{}
	for p.peek().kind != end {
		clause := strings.ToUpper(p.peek().text)
		parse, ok := map[string]func(*parser) error{
			"SET": u.set, "REMOVE": u.remove, "ADD": u.add, "DELETE": u.delete,
		}[clause]
		if !ok || p.peek().kind != word {
			return nil, p.syntaxError()
		}
		if seen[clause] {
			return nil, wrong("The %q section can only be used once in an update expression;", clause)
		}
		seen[clause] = true
		p.next++
		if err := commaSeparated(p, parse); err != nil {
			return nil, err
		}
	}
	return u, checkOverlap(u.Paths())
}

// Paths returns all paths that the update writes to.
func (u *Update) Paths() []Path {
	paths := append([]Path{}, u.removes...)
	for _, a := range u.sets {
		paths = append(paths, a.path)
	}
	for _, a := range append(u.adds[:len(u.adds):len(u.adds)], u.deletes...) {
		paths = append(paths, a.path)
	}
	return paths
}

func commaSeparated(p *parser, one func(*parser) error) error {
	for {
		if err := one(p); err != nil {
			return err
		}
		if !p.accept(",") {
			return nil
		}
	}
}

// set := path "=" term
func (u *Update) set(p *parser) error {
	path, err := p.path()
	if err != nil {
		return err
	}
	if err := p.expect("="); err != nil {
		return err
	}
	value, err := p.term()
	u.sets = append(u.sets, setAction{path: path, value: value})
	return err
}

func (u *Update) remove(p *parser) error {
	path, err := p.path()
	u.removes = append(u.removes, path)
	return err
}

// add := path value; numbers are added, sets united.
func (u *Update) add(p *parser) error {
	a, err := p.valueAction()
	if err != nil {
		return err
	}
	if a.value.Kind != attr.Num && !a.value.IsSet() {
		return wrong("Incorrect operand type for operator or function; operator: ADD, operand type: %s", typeName(a.value.Kind))
	}
	u.adds = append(u.adds, a)
	return nil
}

// delete := path value; members are removed from a set.
func (u *Update) delete(p *parser) error {
	a, err := p.valueAction()
	if err != nil {
		return err
	}
	if !a.value.IsSet() {
		return wrong("Incorrect operand type for operator or function; operator: DELETE, operand type: %s", typeName(a.value.Kind))
	}
	u.deletes = append(u.deletes, a)
	return nil
}

func (p *parser) valueAction() (valueAction, error) {
	path, err := p.path()
	if err != nil {
		return valueAction{}, err
	}
	v, err := p.value()
	return valueAction{path: path, value: v}, err
}

// typeName returns a type's name in the messages about ADD and DELETE.
func typeName(k attr.Kind) string {
	names := map[attr.Kind]string{
		attr.String: "STRING", attr.Num: "NUMBER", attr.Binary: "BINARY", attr.List: "LIST",
		attr.Map: "MAP", attr.Bool: "BOOLEAN", attr.Null: "NULL",
	}
	if name, ok := names[k]; ok {
		return name
	}
	return string(k)
}
