// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"maps"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxBatchBytes = 16 << 20
)

type keysAndAttributes struct {
	projected
	Keys           []attr.Item
	ConsistentRead bool
}

// wireKeys is keysAndAttributes as it is returned to the caller.
type wireKeys struct {
	Keys                     []attr.Item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

type batchGetItemInput struct {
	statistics
	RequestItems map[string]keysAndAttributes
}

func (s *Service) batchGetItem(c *kernel.Call, in *batchGetItemInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := in.check(); err != nil {
		return nil, err
	}
	total := 0
	for _, request := range in.RequestItems {
		total += len(request.Keys)
	}
	switch {
	case total == 0:
		return nil, invalid("1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case total > maxBatchGet:
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	responses, unprocessed := map[string][]attr.Item{}, map[string]wireKeys{}
	size := 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		request := in.RequestItems[name]
		t, err := s.findActive(c, name, "BatchGetItem", request.Keys...)
		if err != nil {
			return nil, err
		}
		projection, err := request.parse()
		if err != nil {
			return nil, err
		}
		if err := checkDistinct(t, request.Keys, "Provided list of item keys contains duplicates"); err != nil {
			return nil, err
		}
		responses[name] = []attr.Item{}
		for i, key := range request.Keys {
			item := t.get(key)
			if size += item.Size(); size > maxBatchBytes {
				unprocessed[name] = wireKeys{request.Keys[i:], request.ConsistentRead, request.ProjectionExpression, request.ExpressionAttributeNames}
				break
			}
			if item != nil {
				responses[name] = append(responses[name], projection.Apply(item))
			}
		}
	}
	return map[string]any{"Responses": responses, "UnprocessedKeys": unprocessed}, nil
}

func checkDistinct(t *table, keys []attr.Item, message string) error {
	for i, key := range keys {
		if err := t.checkKey(key); err != nil {
			return err
		}
		if slices.ContainsFunc(keys[:i], key.Equal) {
			return invalid("%s", message)
		}
	}
	return nil
}

type writeRequest struct {
	PutRequest    *struct{ Item attr.Item }
	DeleteRequest *struct{ Key attr.Item }
}

type batchWriteItemInput struct {
	statistics
	RequestItems map[string][]writeRequest
}

func (s *Service) batchWriteItem(c *kernel.Call, in *batchWriteItemInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := in.check(); err != nil {
		return nil, err
	}
	var writes []*write
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		t, err := s.findActive(c, name, "BatchWriteItem", writtenItems(in.RequestItems[name])...)
		if err != nil {
			return nil, err
		}
		var keys []attr.Item
		for _, request := range in.RequestItems[name] {
			w, err := request.write(t)
			if err != nil {
				return nil, err
			}
			writes, keys = append(writes, w), append(keys, w.key)
		}
		if err := checkDistinct(t, keys, "Provided list of item keys contains duplicates"); err != nil {
			return nil, err
		}
	}
	if len(writes) == 0 || len(writes) > maxBatchWrite {
		return nil, invalid("1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must have between 1 and %d write requests", maxBatchWrite)
	}
	for _, w := range writes {
		if err := w.evaluate(); err != nil {
			return nil, err
		}
		w.commit(s.env.Clock.Now())
	}
	return map[string]any{"UnprocessedItems": map[string]any{}}, nil
}

// writtenItems returns the items and keys of write requests.
func writtenItems(requests []writeRequest) []attr.Item {
	var items []attr.Item
	for _, request := range requests {
		if request.PutRequest != nil {
			items = append(items, request.PutRequest.Item)
		}
		if request.DeleteRequest != nil {
			items = append(items, request.DeleteRequest.Key)
		}
	}
	return items
}

func (r writeRequest) write(t *table) (*write, error) {
	switch {
	case r.PutRequest != nil && r.DeleteRequest == nil:
		return &write{table: t, key: t.keyOf(r.PutRequest.Item), put: r.PutRequest.Item}, t.checkItem(r.PutRequest.Item)
	case r.DeleteRequest != nil && r.PutRequest == nil:
		return &write{table: t, key: r.DeleteRequest.Key}, t.checkKey(r.DeleteRequest.Key)
	}
	return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of PutRequest and DeleteRequest")
}
