// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"cmp"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

// errPath is the error of an update that would write below a value that does
// not exist, or is not a map or list.
const errPath = Error("The document path provided in the update expression is invalid for update")

// Apply returns the updated item and does not change the given one. All values
// are read from the original item. List members are removed at the end, the
// highest index first, so that the indices keep their meaning.
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
	slices.SortFunc(removes, compareHighestFirst)
	for _, path := range removes {
		if err := remove(item, path); err != nil {
			return nil, err
		}
	}
	return item, nil
}

// compareHighestFirst orders paths by descending list index, so that no removal
// moves a value that is still to be removed.
func compareHighestFirst(p, q Path) int {
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

// subtract removes members from a set. It returns true if no member is left:
// the caller then removes the attribute, because an empty set cannot be stored.
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

// write sets the value at a path, in an item that may be changed.
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

// remove removes the value at a path; a missing value is no error, but a
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

// change calls edit with the parent of a path, and stores the parent that edit
// returns (a list may have been reallocated).
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
