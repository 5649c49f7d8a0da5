// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// schema is the number of today's records. It grows with every field that a
// record gains, since a release that does not know a field would drop it.
const schema = 2

// encode makes an item of a record. The record itself is one attribute, as
// JSON: the domain's types are stored as they are, byte for byte, with no
// second set of types beside them that could drift. What conditions, people
// and DynamoDB's expiry look at stands beside it.
func encode(k key, record any) (item, error) {
	body, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode record %s: %w", k, err)
	}
	i := k.item()
	i["schema"] = number(schema)
	i["record"] = text(string(body))
	return i, nil
}

// decode reads a record back.
func decode[T any](r *Registry, k key, i item) (T, error) {
	var record T
	if err := r.checkSchema(k, i); err != nil {
		return record, err
	}
	if err := json.Unmarshal([]byte(textOf(i, "record")), &record); err != nil {
		return record, fmt.Errorf("record %s in table %s cannot be read: %w", k, r.table, err)
	}
	return record, nil
}

func (r *Registry) checkSchema(k key, i item) error {
	if found := int(numberOf(i, "schema")); found > schema {
		return &NewerSchemaError{Table: r.table, Record: k.String(), Schema: found}
	}
	return nil
}

// get returns one item; nil if there is none.
func (r *Registry) get(ctx context.Context, k key) (item, error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &r.table,
		Key:            k.item(),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, r.orNoTable(ctx, err)
	}
	return out.Item, nil
}

// orNoTable returns the error of a read, or that the table is not there. A
// policy with dynamodb:LeadingKeys may refuse the read of a table that AWS does
// not know, because it does not know the table's keys either (aws-facts 13.11).
func (r *Registry) orNoTable(ctx context.Context, err error) error {
	if !awsclient.IsAccessDenied(err) {
		return err
	}
	if _, missing := r.describe(ctx); awsclient.IsNotFound(missing) {
		return missing
	}
	return err
}

// batchSize is how many items DynamoDB gives in one call.
const batchSize = 100

// getAll returns the existing items of several keys, read consistently in as few
// calls as possible.
func (r *Registry) getAll(ctx context.Context, keys ...key) (map[key]item, error) {
	found := make(map[key]item, len(keys))
	for some := range slices.Chunk(keys, batchSize) {
		if err := r.getBatch(ctx, some, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// getBatch is one call of getAll. When DynamoDB is busy it leaves some of the
// items for another call, which has to wait: asking at once makes it busier.
func (r *Registry) getBatch(ctx context.Context, keys []key, found map[key]item) error {
	wanted := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, k := range keys {
		wanted.Keys = append(wanted.Keys, k.item())
	}
	const attempts = 10
	request := map[string]types.KeysAndAttributes{r.table: wanted}
	for attempt := range attempts {
		out, err := r.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			return r.orNoTable(ctx, err)
		}
		for _, i := range out.Responses[r.table] {
			found[keyOf(i)] = i
		}
		if request = out.UnprocessedKeys; len(request) == 0 {
			return nil
		}
		if err := r.wait(ctx, min(50*time.Millisecond<<attempt, 2*time.Second)); err != nil {
			return err
		}
	}
	return fmt.Errorf("table %s is too busy: it left %d items unread after %d calls", r.table, len(request[r.table].Keys), attempts)
}

// keyRange is a part of a partition.
type keyRange struct {
	partition   string
	above       string // sort keys behind this one; with last: this one and those behind it
	last        string // none: to the end
	itemsAtOnce int32  // none: as many as fit into a page
}

// allOf returns a whole partition.
func allOf(partition string) keyRange { return keyRange{partition: partition} }

// query hands each item of a range to a function, page by page, in the order of
// their sort keys.
func (r *Registry) query(ctx context.Context, from keyRange, each func(item) error) error {
	for items, err := range r.pages(ctx, from) {
		if err != nil {
			return err
		}
		for _, i := range items {
			if err := each(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// pages returns the items of a range, page by page. Some pages may be empty.
func (r *Registry) pages(ctx context.Context, from keyRange) iter.Seq2[[]item, error] {
	condition, values := "pk = :pk", item{":pk": text(from.partition)}
	switch {
	case from.last != "":
		condition += " AND sk BETWEEN :above AND :last"
		values[":above"], values[":last"] = text(from.above), text(from.last)
	case from.above != "":
		condition += " AND sk > :above"
		values[":above"] = text(from.above)
	}
	input := &dynamodb.QueryInput{
		TableName:                 &r.table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    &condition,
		ExpressionAttributeValues: values,
	}
	if from.itemsAtOnce > 0 {
		input.Limit = &from.itemsAtOnce
	}
	return func(yield func([]item, error) bool) {
		pages := dynamodb.NewQueryPaginator(r.client, input)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page.Items, nil) {
				return
			}
		}
	}
}

// put writes an item over the revision that it had; 0: there was none.
func (r *Registry) put(ctx context.Context, k key, i item, before int64) error {
	condition, values := revisionIs(before)
	return r.putIf(ctx, k, i, condition, values)
}

// putIf writes an item under a condition. A write whose answer got lost is
// tried again by the SDK and then finds itself: that is no conflict.
func (r *Registry) putIf(ctx context.Context, k key, i item, condition string, values item) error {
	err := r.uncontended(ctx, func() error {
		_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName:                           &r.table,
			Item:                                i,
			ConditionExpression:                 &condition,
			ExpressionAttributeValues:           values,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		if same(failed.Item, i) {
			return nil
		}
		return fmt.Errorf("record %s: %w", k, ErrConflict)
	}
	return err
}

// revisionIs returns the condition that an item still has a revision.
func revisionIs(revision int64) (condition string, values item) {
	if revision == 0 {
		return "attribute_not_exists(pk)", nil
	}
	return "revision = :before", item{":before": number(revision)}
}

// same reports whether a stored item is the one that was to be written.
func same(stored, written item) bool {
	return stored != nil && textOf(stored, "record") == textOf(written, "record") &&
		numberOf(stored, "revision") == numberOf(written, "revision")
}

// transact writes all or nothing.
func (r *Registry) transact(ctx context.Context, writes []types.TransactWriteItem) error {
	return r.uncontended(ctx, func() error {
		_, err := r.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		return err
	})
}

// uncontended tries a write again if transactions of others are in the way, as
// they are over in milliseconds; the SDK does not. A write of one item is refused
// for that reason, too.
func (r *Registry) uncontended(ctx context.Context, write func() error) error {
	const attempts = 5
	var err error
	for attempt := range attempts {
		if err = write(); err == nil || !awsclient.IsContended(err) {
			return err
		}
		if waited := r.wait(ctx, time.Duration(attempt+1)*50*time.Millisecond); waited != nil {
			return waited
		}
	}
	return err
}

// putWrite returns a conditional put as a part of a transaction.
func (r *Registry) putWrite(i item, condition string, values item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName:                           &r.table,
		Item:                                i,
		ConditionExpression:                 &condition,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// failedItem returns the item that stood in the way of the n-th write of a
// cancelled transaction; ok is false if that write was not the reason.
func failedItem(err error, n int) (stood item, ok bool) {
	reasons := awsclient.CancellationReasons(err)
	if n >= len(reasons) || aws.ToString(reasons[n].Code) != "ConditionalCheckFailed" {
		return nil, false
	}
	return reasons[n].Item, true
}

// conflicts reports whether a write failed because something else was written
// meanwhile.
func conflicts(err error) bool {
	return awsclient.IsConditionFailed(err) || awsclient.IsContended(err) || errors.Is(err, ErrConflict)
}
