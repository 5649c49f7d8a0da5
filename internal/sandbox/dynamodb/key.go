// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

const (
	maxHashBytes = 2048
	maxSortBytes = 1024
	maxItemBytes = 400 << 10
)

func (t *table) keys() []keyAttribute {
	if t.sort == nil {
		return []keyAttribute{t.hash}
	}
	return []keyAttribute{t.hash, *t.sort}
}

// isKey reports whether an attribute is part of the key.
func (t *table) isKey(name string) bool {
	return name == t.hash.name || t.sort != nil && name == t.sort.name
}

// checkKey returns an error if a key does not have exactly the attributes of
// the table's key, or if a value is invalid.
func (t *table) checkKey(key attr.Item) error {
	if len(key) != len(t.keys()) {
		return invalid("The provided key element does not match the schema")
	}
	for _, k := range t.keys() {
		v, ok := key[k.name]
		if !ok || v.Kind != k.kind {
			return invalid("The provided key element does not match the schema")
		}
		if err := t.checkKeyValue(k, v); err != nil {
			return err
		}
	}
	return nil
}

// checkItem returns an error if an item cannot be stored, because of its key or
// its size.
func (t *table) checkItem(item attr.Item) error {
	for _, k := range t.keys() {
		v, ok := item[k.name]
		if !ok {
			return invalid("One or more parameter values were invalid: Missing the key %s in the item", k.name)
		}
		if v.Kind != k.kind {
			return invalid("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", k.name, k.kind, v.Kind)
		}
		if err := t.checkKeyValue(k, v); err != nil {
			return err
		}
	}
	if _, ok := item[""]; ok {
		return invalid("One or more parameter values were invalid: An attribute name must not be empty")
	}
	if item.Size() > maxItemBytes {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return nil
}

func (t *table) checkKeyValue(k keyAttribute, v attr.Value) error {
	if v.Kind == attr.String && v.Text == "" || v.Kind == attr.Binary && len(v.Bin) == 0 {
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", k.name)
	}
	size := max(len(v.Text), len(v.Bin))
	if k == t.hash && size > maxHashBytes {
		return invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of %d bytes", maxHashBytes)
	}
	if k != t.hash && size > maxSortBytes {
		return invalid("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of %d bytes", maxSortBytes)
	}
	return nil
}

// keyOf returns the key part of an item.
func (t *table) keyOf(item attr.Item) attr.Item {
	key := attr.Item{}
	for _, k := range t.keys() {
		key[k.name] = item[k.name]
	}
	return key
}
