// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/expr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// reading are the parameters that Query and Scan share.
type reading struct {
	statistics
	placeholders
	TableName            string
	ConsistentRead       bool
	ExclusiveStartKey    attr.Item
	FilterExpression     *string
	ProjectionExpression *string
	Select               string
	Limit                *int
}

type queryInput struct {
	reading
	KeyConditionExpression *string
	ScanIndexForward       *bool
}

func (s *Service) query(c *kernel.Call, in *queryInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findActive(c, in.TableName, "Query", s.partitionAsked(c, in)...)
	if err != nil {
		return nil, err
	}
	if in.KeyConditionExpression == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	r := reader{table: t, start: in.ExclusiveStartKey}
	condition, err := r.prepare(&in.reading, in.KeyConditionExpression)
	if err != nil {
		return nil, err
	}
	backward := in.ScanIndexForward != nil && !*in.ScanIndexForward
	if r.start != nil && !r.start[t.hash.name].Equal(condition.Hash) {
		return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	items := t.partition(condition.Hash)
	from := 0
	if backward {
		items = slices.Clone(items)
		slices.Reverse(items)
	}
	if r.start != nil {
		from = afterKey(t, items, r.start, backward)
	}
	for _, item := range items[from:] {
		if condition.Holds(item) && !r.read(item) {
			break
		}
	}
	return r.result(), nil
}

// partitionAsked returns the partition that a query names, as an item with only
// its hash key. It returns nil if the query does not name one; the query then
// fails later, with the reason.
func (s *Service) partitionAsked(c *kernel.Call, in *queryInput) []attr.Item {
	key, err := keyOf(c, in.TableName)
	t := s.tables[key]
	if err != nil || t == nil || in.KeyConditionExpression == nil {
		return nil
	}
	r := reader{table: t}
	condition, err := r.parseKey(*in.KeyConditionExpression, &expr.Params{Names: in.ExpressionAttributeNames, Values: in.ExpressionAttributeValues})
	if err != nil {
		return nil
	}
	return []attr.Item{{t.hash.name: condition.Hash}}
}

// afterKey returns the position after a key, whether or not its item still
// exists.
func afterKey(t *table, items []attr.Item, start attr.Item, backward bool) int {
	if t.sort == nil {
		return len(items)
	}
	i, found := slices.BinarySearchFunc(items, start, func(a, b attr.Item) int {
		order, _ := a[t.sort.name].Compare(b[t.sort.name])
		if backward {
			return -order
		}
		return order
	})
	if found {
		i++
	}
	return i
}

type scanInput struct {
	reading
	Segment, TotalSegments *int
}

func (s *Service) scan(c *kernel.Call, in *scanInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.findActive(c, in.TableName, "Scan")
	if err != nil {
		return nil, err
	}
	if in.Segment != nil || in.TotalSegments != nil {
		return nil, invalid("The sandbox's DynamoDB does not implement parallel scans (Segment, TotalSegments).")
	}
	r := reader{table: t, start: in.ExclusiveStartKey}
	if _, err := r.prepare(&in.reading, nil); err != nil {
		return nil, err
	}
	partitions, skip := t.partitions, 0
	if r.start != nil {
		i, found := t.partitionAt(place(r.start[t.hash.name]))
		partitions = partitions[i:]
		if found {
			skip = afterKey(t, partitions[0].items, r.start, false)
		}
	}
	for i, p := range partitions {
		items := p.items
		if i == 0 {
			items = items[skip:]
		}
		if !slices.ContainsFunc(items, func(item attr.Item) bool { return !r.read(item) }) {
			continue
		}
		break
	}
	return r.result(), nil
}

// maxPage is how many bytes are read for one page, before the filter.
const maxPage = 1 << 20

// reader collects one page.
type reader struct {
	table      *table
	start      attr.Item
	filter     *expr.Condition
	projection *expr.Projection
	countOnly  bool
	limit      int // 0: none

	items   []attr.Item
	count   int
	scanned int
	bytes   int
	last    attr.Item // key of the last item, if the page is full
}

// prepare parses and checks the parameters, and returns the key condition;
// keyText is nil for a Scan.
func (r *reader) prepare(in *reading, keyText *string) (*expr.KeyCondition, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	params := &expr.Params{Names: in.ExpressionAttributeNames, Values: in.ExpressionAttributeValues}
	if err := params.Check(keyText != nil || in.FilterExpression != nil || in.ProjectionExpression != nil); err != nil {
		return nil, invalid("%v", err)
	}
	if err := r.prepareSelect(in); err != nil {
		return nil, err
	}
	condition, err := r.parse(in, keyText, params)
	if err != nil {
		return nil, err
	}
	if err := params.Unused(); err != nil {
		return nil, invalid("%v", err)
	}
	if r.start != nil {
		if err := r.table.checkKey(r.start); err != nil {
			return nil, invalid("The provided starting key is invalid: %v", err)
		}
	}
	return condition, nil
}

func (r *reader) prepareSelect(in *reading) error {
	switch {
	case in.Select == "COUNT" && in.ProjectionExpression != nil,
		in.Select == "ALL_ATTRIBUTES" && in.ProjectionExpression != nil:
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
	case in.Select == "SPECIFIC_ATTRIBUTES" && in.ProjectionExpression == nil:
		return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case !slices.Contains([]string{"", "COUNT", "ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES"}, in.Select):
		return badEnum(in.Select, "select", "SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES")
	}
	r.countOnly = in.Select == "COUNT"
	if in.Limit != nil {
		if *in.Limit < 1 {
			return invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
		}
		r.limit = *in.Limit
	}
	return nil
}

func (r *reader) parse(in *reading, keyText *string, params *expr.Params) (condition *expr.KeyCondition, err error) {
	if keyText != nil {
		if condition, err = r.parseKey(*keyText, params); err != nil {
			return nil, err
		}
	}
	if in.FilterExpression != nil {
		if r.filter, err = expr.ParseCondition(*in.FilterExpression, params); err != nil {
			return nil, invalid("Invalid FilterExpression: %v", err)
		}
		for _, name := range r.filter.Attributes() {
			if keyText != nil && r.table.isKey(name) {
				return nil, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
			}
		}
	}
	if in.ProjectionExpression != nil {
		if r.projection, err = expr.ParseProjection(*in.ProjectionExpression, params); err != nil {
			return nil, invalid("Invalid ProjectionExpression: %v", err)
		}
	}
	return condition, nil
}

func (r *reader) parseKey(text string, params *expr.Params) (*expr.KeyCondition, error) {
	sortName := ""
	if r.table.sort != nil {
		sortName = r.table.sort.name
	}
	condition, err := expr.ParseKeyCondition(text, params, r.table.hash.name, sortName)
	if err != nil {
		return nil, invalid("Invalid KeyConditionExpression: %v", err)
	}
	mismatch := invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
	if condition.Hash.Kind != r.table.hash.kind {
		return nil, mismatch
	}
	for _, v := range condition.SortOperands() {
		if v.Kind != r.table.sort.kind {
			return nil, mismatch
		}
	}
	return condition, nil
}

// read adds one more item to the page; it returns false when the page is full.
func (r *reader) read(item attr.Item) bool {
	r.scanned++
	r.bytes += item.Size()
	if r.filter == nil || r.filter.Holds(item) {
		r.count++
		if !r.countOnly {
			r.items = append(r.items, r.projection.Apply(item))
		}
	}
	// If the page is full exactly at the last item, there is one more page,
	// which is empty, as on AWS.
	if r.scanned == r.limit || r.bytes >= maxPage {
		r.last = r.table.keyOf(item)
		return false
	}
	return true
}

func (r *reader) result() any {
	result := map[string]any{"Count": r.count, "ScannedCount": r.scanned}
	if !r.countOnly {
		result["Items"] = append([]attr.Item{}, r.items...)
	}
	if r.last != nil {
		result["LastEvaluatedKey"] = r.last
	}
	return result
}
