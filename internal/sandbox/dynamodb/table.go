// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

// table is a table with its items. Stored items are never changed in place: a
// write stores a new one.
type table struct {
	key     tableKey
	id      string
	created time.Time
	active  time.Time // the time from which it is ACTIVE

	hash keyAttribute
	sort *keyAttribute // nil: none

	protected bool
	class     string
	tags      map[string]string
	ttl       string // the attribute's name; empty: off
	backups   *backups

	encryption *encryption // nil: encrypted with a key that AWS owns

	// partitions are in the order of their hashes, which is the order of a
	// Scan: it looks random, and does not change.
	partitions []*partition
	items      int
	bytes      int
}

type keyAttribute struct {
	name string
	kind attr.Kind
}

// partition holds the items of one hash key, in the order of their sort keys.
type partition struct {
	place [16]byte
	hash  attr.Value
	items []attr.Item
}

func (t *table) status(now time.Time) string {
	if now.Before(t.active) {
		return "CREATING"
	}
	return "ACTIVE"
}

// place returns a partition's position among the others.
func place(v attr.Value) [16]byte {
	text := v.Text
	switch v.Kind {
	case attr.Num:
		text = v.Num.String()
	case attr.Binary:
		text = string(v.Bin)
	}
	sum := sha256.Sum256([]byte(text))
	return [16]byte(sum[:])
}

func comparePlaces(a, b [16]byte) int {
	for i := 0; i < 16; i += 8 {
		x, y := binary.BigEndian.Uint64(a[i:]), binary.BigEndian.Uint64(b[i:])
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	return 0
}

// partitionAt returns a partition's index, or the index at which to insert it.
func (t *table) partitionAt(at [16]byte) (int, bool) {
	return slices.BinarySearchFunc(t.partitions, at, func(p *partition, at [16]byte) int {
		return comparePlaces(p.place, at)
	})
}

// partition returns a hash key's items; nil if there are none.
func (t *table) partition(hash attr.Value) []attr.Item {
	if i, ok := t.partitionAt(place(hash)); ok {
		return t.partitions[i].items
	}
	return nil
}

// itemAt returns an item's index by its sort key, or the index at which to
// insert it.
func (t *table) itemAt(items []attr.Item, key attr.Item) (int, bool) {
	if t.sort == nil {
		return 0, len(items) > 0
	}
	return slices.BinarySearchFunc(items, key, func(a, b attr.Item) int {
		order, _ := a[t.sort.name].Compare(b[t.sort.name])
		return order
	})
}

// get returns the item of a key, or nil.
func (t *table) get(key attr.Item) attr.Item {
	items := t.partition(key[t.hash.name])
	if i, ok := t.itemAt(items, key); ok {
		return items[i]
	}
	return nil
}

// put stores an item, and replaces the one with the same key.
func (t *table) put(item attr.Item) {
	hash := item[t.hash.name]
	at := place(hash)
	i, ok := t.partitionAt(at)
	if !ok {
		t.partitions = slices.Insert(t.partitions, i, &partition{place: at, hash: hash})
	}
	p := t.partitions[i]
	j, ok := t.itemAt(p.items, item)
	t.bytes += item.Size()
	if ok {
		t.bytes -= p.items[j].Size()
		p.items[j] = item
		return
	}
	t.items++
	p.items = slices.Insert(p.items, j, item)
}

// remove removes the item of a key, if there is one.
func (t *table) remove(key attr.Item) {
	i, ok := t.partitionAt(place(key[t.hash.name]))
	if !ok {
		return
	}
	p := t.partitions[i]
	j, ok := t.itemAt(p.items, key)
	if !ok {
		return
	}
	t.items--
	t.bytes -= p.items[j].Size()
	p.items = slices.Delete(p.items, j, j+1)
	if len(p.items) == 0 {
		t.partitions = slices.Delete(t.partitions, i, i+1)
	}
}
