// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/expr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// statistics are the parameters that ask for metrics in the response. Only NONE
// is implemented.
type statistics struct {
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

func (s statistics) check() error {
	if s.ReturnConsumedCapacity != "" && s.ReturnConsumedCapacity != "NONE" {
		return invalid("The sandbox's DynamoDB does not count capacity: ReturnConsumedCapacity may only be NONE.")
	}
	if s.ReturnItemCollectionMetrics != "" && s.ReturnItemCollectionMetrics != "NONE" {
		return invalid("The sandbox's DynamoDB has no item collection metrics: ReturnItemCollectionMetrics may only be NONE.")
	}
	return nil
}

// projected has the parameters that select parts of an item.
type projected struct {
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

func (p projected) parse() (*expr.Projection, error) {
	params := &expr.Params{Names: p.ExpressionAttributeNames}
	if err := params.Check(p.ProjectionExpression != nil); err != nil {
		return nil, invalid("%v", err)
	}
	if p.ProjectionExpression == nil {
		return nil, nil
	}
	projection, err := expr.ParseProjection(*p.ProjectionExpression, params)
	if err != nil {
		return nil, invalid("Invalid ProjectionExpression: %v", err)
	}
	if err := params.Unused(); err != nil {
		return nil, invalid("%v", err)
	}
	return projection, nil
}

type getItemInput struct {
	statistics
	projected
	TableName      string
	Key            attr.Item
	ConsistentRead bool
}

func (s *Service) getItem(c *kernel.Call, in *getItemInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findActive(c, in.TableName, "GetItem", in.Key)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	projection, err := in.parse()
	if err != nil {
		return nil, err
	}
	if err := t.checkKey(in.Key); err != nil {
		return nil, err
	}
	return itemResult("Item", projection.Apply(t.get(in.Key))), nil
}

// itemResult returns a result with an item, or an empty result if the item does
// not exist.
func itemResult(name string, item attr.Item) map[string]any {
	if item == nil {
		return map[string]any{}
	}
	return map[string]any{name: item}
}

type putItemInput struct {
	statistics
	conditional
	TableName    string
	Item         attr.Item
	ReturnValues string
}

func (s *Service) putItem(c *kernel.Call, in *putItemInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findActive(c, in.TableName, "PutItem", in.Item)
	if err != nil {
		return nil, err
	}
	if err := t.checkItem(in.Item); err != nil {
		return nil, err
	}
	w := &write{table: t, key: t.keyOf(in.Item), put: in.Item}
	return w.single(s.env.Clock.Now(), in.statistics, in.conditional, nil, in.ReturnValues, "NONE", "ALL_OLD")
}

type deleteItemInput struct {
	statistics
	conditional
	TableName    string
	Key          attr.Item
	ReturnValues string
}

func (s *Service) deleteItem(c *kernel.Call, in *deleteItemInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findActive(c, in.TableName, "DeleteItem", in.Key)
	if err != nil {
		return nil, err
	}
	if err := t.checkKey(in.Key); err != nil {
		return nil, err
	}
	w := &write{table: t, key: in.Key}
	return w.single(s.env.Clock.Now(), in.statistics, in.conditional, nil, in.ReturnValues, "NONE", "ALL_OLD")
}

type updateItemInput struct {
	statistics
	conditional
	TableName        string
	Key              attr.Item
	UpdateExpression *string
	ReturnValues     string
}

func (s *Service) updateItem(c *kernel.Call, in *updateItemInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findActive(c, in.TableName, "UpdateItem", in.Key)
	if err != nil {
		return nil, err
	}
	if err := t.checkKey(in.Key); err != nil {
		return nil, err
	}
	w := &write{table: t, key: in.Key, upsert: true}
	return w.single(s.env.Clock.Now(), in.statistics, in.conditional, in.UpdateExpression, in.ReturnValues,
		"NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
}

// single executes a write that is a request of its own, and returns its result.
func (w *write) single(now time.Time, asked statistics, in conditional, updateText *string, returnValues string, allowed ...string) (any, error) {
	if err := asked.check(); err != nil {
		return nil, err
	}
	if returnValues != "" && !slices.Contains(allowed, returnValues) {
		return nil, badEnum(returnValues, "returnValues", strings.Join(allowed, ", "))
	}
	if err := w.prepare(in, updateText); err != nil {
		return nil, err
	}
	if err := w.evaluate(); err != nil {
		return nil, err
	}
	w.commit(now)
	return itemResult("Attributes", w.returned(returnValues)), nil
}
