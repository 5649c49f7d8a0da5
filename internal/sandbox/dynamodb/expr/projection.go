// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"maps"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

// Projection is a parsed projection expression: which parts of an item to
// return.
type Projection struct {
	root shape
}

// shape defines which parts of a value to keep; an empty one keeps all.
type shape struct {
	names map[string]*shape
	items map[int]*shape
}

// ParseProjection parses "a, b.c, d[0]".
func ParseProjection(text string, params *Params) (*Projection, error) {
	p, err := newParser(text, params)
	if err != nil {
		return nil, err
	}
	var paths []Path
	for {
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
		if !p.accept(",") {
			break
		}
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	if err := checkOverlap(paths); err != nil {
		return nil, err
	}
	projection := &Projection{}
	for _, path := range paths {
		projection.root.add(path)
	}
	return projection, nil
}

func (s *shape) add(path Path) {
	if len(path) == 0 {
		return
	}
	var child *shape
	if step := path[0]; step.Deref {
		if s.items == nil {
			s.items = map[int]*shape{}
		}
		if child = s.items[step.Index]; child == nil {
			child = &shape{}
			s.items[step.Index] = child
		}
	} else {
		if s.names == nil {
			s.names = map[string]*shape{}
		}
		if child = s.names[step.Name]; child == nil {
			child = &shape{}
			s.names[step.Name] = child
		}
	}
	child.add(path[1:])
}

// Apply returns the projected parts of an item; a nil projection returns all.
func (p *Projection) Apply(item attr.Item) attr.Item {
	if p == nil || item == nil {
		return item
	}
	v, ok := p.root.apply(attr.Value{Kind: attr.Map, Map: item})
	if !ok {
		return attr.Item{}
	}
	return v.Map
}

// apply returns the parts of a value that the shape keeps, list members in
// their order and without gaps. It returns false if no part is left.
func (s *shape) apply(v attr.Value) (attr.Value, bool) {
	switch {
	case s.names == nil && s.items == nil:
		return v, true
	case s.names != nil && v.Kind == attr.Map:
		out := attr.Item{}
		for name, child := range s.names {
			if inner, ok := v.Map[name]; ok {
				if kept, ok := child.apply(inner); ok {
					out[name] = kept
				}
			}
		}
		return attr.Value{Kind: attr.Map, Map: out}, len(out) > 0
	case s.items != nil && v.Kind == attr.List:
		var out []attr.Value
		for _, i := range slices.Sorted(maps.Keys(s.items)) {
			if i < len(v.List) {
				if kept, ok := s.items[i].apply(v.List[i]); ok {
					out = append(out, kept)
				}
			}
		}
		return attr.Value{Kind: attr.List, List: out}, len(out) > 0
	}
	return attr.Value{}, false
}

// Touched returns the parts of an item that an update writes to.
func (u *Update) Touched(item attr.Item) attr.Item {
	projection := &Projection{}
	for _, path := range u.Paths() {
		projection.root.add(path)
	}
	return projection.Apply(item)
}
