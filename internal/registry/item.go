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

// schema is the version of the records that this release writes. It must be incremented
// with every field added to a record, since a release that does not know the field
// would drop it.
const schema = 2

// encode returns the item of a record. The record is one attribute in JSON, so that the
// domain's types are stored unchanged, without a second set of types that could
// diverge. Attributes for conditions, operators and DynamoDB's expiry are added beside
// it.
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

// decode returns the record in an item. The error is *NewerSchemaError if a newer
// release wrote it.
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

// get returns one item, read consistently, or nil if it does not exist.
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

// orNoTable returns the error of a read, or the not-found error if the table does not
// exist. With a policy that has dynamodb:LeadingKeys, AWS may deny the read of a table
// that does not exist, because its keys are unknown (aws-facts 13.11).
func (r *Registry) orNoTable(ctx context.Context, err error) error {
	if !awsclient.IsAccessDenied(err) {
		return err
	}
	if _, missing := r.describe(ctx); awsclient.IsNotFound(missing) {
		return missing
	}
	return err
}

// batchSize is the maximum number of items that DynamoDB returns in one call.
const batchSize = 100

// getAll returns the existing items among keys, read consistently in as few calls as
// possible.
func (r *Registry) getAll(ctx context.Context, keys ...key) (map[key]item, error) {
	found := make(map[key]item, len(keys))
	for some := range slices.Chunk(keys, batchSize) {
		if err := r.getBatch(ctx, some, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// getBatch reads at most batchSize items into found. A busy DynamoDB leaves some of
// them unprocessed; getBatch waits before it requests these again, so as not to
// increase the load.
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
		if err := r.sleep(ctx, min(50*time.Millisecond<<attempt, 2*time.Second)); err != nil {
			return err
		}
	}
	return fmt.Errorf("table %s is too busy: it left %d items unread after %d calls", r.table, len(request[r.table].Keys), attempts)
}

// keyRange is a range of sort keys in a partition.
type keyRange struct {
	partition   string
	above       string // lower bound, exclusive; inclusive if last is set
	last        string // upper bound, inclusive; empty: to the end
	itemsAtOnce int32  // items per page; 0: as many as fit
}

// allOf returns the range of a whole partition.
func allOf(partition string) keyRange { return keyRange{partition: partition} }

// query calls each for every item of a range, in the order of their sort keys, until it
// returns an error.
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

// pages returns an iterator over the pages of a range. Pages may be empty.
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

// put writes an item on the condition that the stored one has the revision before, or
// does not exist if before is 0. Otherwise the error is ErrConflict.
func (r *Registry) put(ctx context.Context, k key, i item, before int64) error {
	condition, values := revisionCondition(before)
	return r.putIf(ctx, k, i, condition, values)
}

// putIf writes an item on a condition, and returns ErrConflict if it is not met. If the
// response to a write was lost, the SDK's retry finds the item already written, which
// is not a conflict.
func (r *Registry) putIf(ctx context.Context, k key, i item, condition string, values item) error {
	err := r.retryContended(ctx, func() error {
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

// revisionCondition returns the condition that an item still has a revision, or does
// not exist if revision is 0.
func revisionCondition(revision int64) (condition string, values item) {
	if revision == 0 {
		return "attribute_not_exists(pk)", nil
	}
	return "revision = :before", item{":before": number(revision)}
}

// same reports whether a stored item is identical to the one that was to be written.
func same(stored, written item) bool {
	return stored != nil && textOf(stored, "record") == textOf(written, "record") &&
		numberOf(stored, "revision") == numberOf(written, "revision")
}

// transact makes the writes in one transaction, all or none.
func (r *Registry) transact(ctx context.Context, writes []types.TransactWriteItem) error {
	return r.retryContended(ctx, func() error {
		_, err := r.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		return err
	})
}

// retryContended retries a write that DynamoDB refused because of a concurrent
// transaction, which also happens to writes of one item. Such transactions end within
// milliseconds; the SDK does not retry.
func (r *Registry) retryContended(ctx context.Context, write func() error) error {
	const attempts = 5
	var err error
	for attempt := range attempts {
		if err = write(); err == nil || !awsclient.IsContended(err) {
			return err
		}
		if waited := r.sleep(ctx, time.Duration(attempt+1)*50*time.Millisecond); waited != nil {
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

// failedItem returns the existing item that failed the condition of the n-th write of a
// cancelled transaction; ok is false if that write's condition did not fail.
func failedItem(err error, n int) (stored item, ok bool) {
	reasons := awsclient.CancellationReasons(err)
	if n >= len(reasons) || aws.ToString(reasons[n].Code) != "ConditionalCheckFailed" {
		return nil, false
	}
	return reasons[n].Item, true
}

// conflicts reports whether a write failed because of another write since the read.
func conflicts(err error) bool {
	return awsclient.IsConditionFailed(err) || awsclient.IsContended(err) || errors.Is(err, ErrConflict)
}
