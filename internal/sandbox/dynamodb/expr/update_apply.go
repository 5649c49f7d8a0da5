// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"cmp"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

// errPath is what an update says when it would write below something that is
// not there, or not a map or list.
const errPath = Error("The document path provided in the update expression is invalid for update")

// Apply gives the updated item and leaves the one it was given as it is. All
// values are read from the item as it was. Members of lists are removed last,
// the hindmost first, so that the indices mean what they meant before.
func (u *Update) Apply(before attr.Item) (attr.Item, error) {
	item := before.Clone()
	if item == nil {
		item = attr.Item{}
	}
	for _, a := range u.sets {
		v, err := a.value.eval(before)
		if err != nil {
			return nil, err
		}
		if err := write(item, a.path, v.Clone()); err != nil {
			return nil, err
		}
	}
	for _, a := range u.adds {
		if err := add(before, item, a); err != nil {
			return nil, err
		}
	}
	removes := slices.Clone(u.removes)
	for _, a := range u.deletes {
		emptied, err := subtract(before, item, a)
		if err != nil {
			return nil, err
		}
		if emptied {
			removes = append(removes, a.path)
		}
	}
	slices.SortFunc(removes, hindmostFirst)
	for _, path := range removes {
		if err := remove(item, path); err != nil {
			return nil, err
		}
	}
	return item, nil
}

// hindmostFirst orders paths so that removing one moves none that is to come.
func hindmostFirst(p, q Path) int {
	for i := range min(len(p), len(q)) {
		if order := cmp.Or(cmp.Compare(q[i].Index, p[i].Index), cmp.Compare(p[i].Name, q[i].Name)); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(q), len(p))
}

func add(before, item attr.Item, a valueAction) error {
	old, ok := a.path.Get(before)
	switch {
	case !ok:
		return write(item, a.path, a.value)
	case old.Kind != a.value.Kind:
		return errType
	case old.IsSet():
		return write(item, a.path, old.Union(a.value))
	}
	sum, err := old.Num.Add(a.value.Num)
	if err != nil {
		return err
	}
	return write(item, a.path, attr.Of(sum))
}

// subtract takes members from a set. An empty set is no attribute at all: the
// caller removes it.
func subtract(before, item attr.Item, a valueAction) (emptied bool, err error) {
	old, ok := a.path.Get(before)
	if !ok {
		return false, nil
	}
	if old.Kind != a.value.Kind {
		return false, errType
	}
	left := old.Minus(a.value)
	if left.Len() == 0 {
		return true, nil
	}
	return false, write(item, a.path, left)
}

// write puts a value where a path leads, into an item that may be changed.
func write(item attr.Item, path Path, v attr.Value) error {
	return change(item, path, func(parent attr.Value, step Step) (attr.Value, error) {
		switch {
		case !step.Deref && parent.Kind == attr.Map:
			parent.Map[step.Name] = v
		case step.Deref && parent.Kind == attr.List && step.Index < len(parent.List):
			parent.List[step.Index] = v
		case step.Deref && parent.Kind == attr.List:
			parent.List = append(parent.List, v)
		default:
			return parent, errPath
		}
		return parent, nil
	})
}

// remove takes away where a path leads; nothing there is no error, but a
// missing parent is.
func remove(item attr.Item, path Path) error {
	return change(item, path, func(parent attr.Value, step Step) (attr.Value, error) {
		switch {
		case !step.Deref && parent.Kind == attr.Map:
			delete(parent.Map, step.Name)
		case step.Deref && parent.Kind == attr.List:
			if step.Index < len(parent.List) {
				parent.List = slices.Delete(parent.List, step.Index, step.Index+1)
			}
		default:
			return parent, errPath
		}
		return parent, nil
	})
}

// change walks to the parent of where a path leads, lets edit change it, and
// puts the changed parent back on the way up (a list's header may have moved).
func change(item attr.Item, path Path, edit func(parent attr.Value, step Step) (attr.Value, error)) error {
	_, err := changeIn(attr.Value{Kind: attr.Map, Map: item}, path, edit)
	return err
}

func changeIn(v attr.Value, path Path, edit func(attr.Value, Step) (attr.Value, error)) (attr.Value, error) {
	step := path[0]
	if len(path) == 1 {
		return edit(v, step)
	}
	child, ok := step.get(v)
	if !ok {
		return v, errPath
	}
	child, err := changeIn(child, path[1:], edit)
	if err != nil {
		return v, err
	}
	if step.Deref {
		v.List[step.Index] = child
	} else {
		v.Map[step.Name] = child
	}
	return v, nil
}
