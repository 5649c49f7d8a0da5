// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// schema is the number of today's records. It grows with every field that a
// record gains, since a release that does not know a field would drop it.
const schema = 1

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

// get reads one item; nil where there is none.
func (r *Registry) get(ctx context.Context, k key) (item, error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &r.table,
		Key:            k.item(),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// getAll reads several items in one call; those that are not there are not in
// the answer. DynamoDB may leave some for another call when it is busy.
func (r *Registry) getAll(ctx context.Context, keys ...key) (map[key]item, error) {
	wanted := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, k := range keys {
		wanted.Keys = append(wanted.Keys, k.item())
	}
	found := map[key]item{}
	for request := map[string]types.KeysAndAttributes{r.table: wanted}; len(request) > 0; {
		out, err := r.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			return nil, err
		}
		for _, i := range out.Responses[r.table] {
			found[key{textOf(i, "pk"), textOf(i, "sk")}] = i
		}
		request = out.UnprocessedKeys
	}
	return found, nil
}

// query reads all items of a partition whose sort key begins with a prefix,
// page by page, and hands each to a function.
func (r *Registry) query(ctx context.Context, partition, prefix string, each func(item) error) error {
	input := &dynamodb.QueryInput{
		TableName:                 &r.table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: item{":pk": text(partition)},
	}
	if prefix != "" {
		input.KeyConditionExpression = aws.String("pk = :pk AND begins_with(sk, :prefix)")
		input.ExpressionAttributeValues[":prefix"] = text(prefix)
	}
	pages := dynamodb.NewQueryPaginator(r.client, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, i := range page.Items {
			if err := each(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// put writes an item over the revision that it had; 0: where there was none.
func (r *Registry) put(ctx context.Context, k key, i item, before int64) error {
	condition, values := revisionIs(before)
	return r.putIf(ctx, k, i, condition, values)
}

// putIf writes an item under a condition. A write whose answer got lost is
// tried again by the SDK and then finds itself: that is no conflict.
func (r *Registry) putIf(ctx context.Context, k key, i item, condition string, values item) error {
	_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &r.table,
		Item:                                i,
		ConditionExpression:                 &condition,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
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

// revisionIs is the condition that an item still has a revision.
func revisionIs(revision int64) (condition string, values item) {
	if revision == 0 {
		return "attribute_not_exists(pk)", nil
	}
	return "revision = :before", item{":before": number(revision)}
}

// same reports whether a stored item is the one that was to be written.
func same(stored, written item) bool {
	return stored != nil && textOf(stored, "record") == textOf(written, "record") &&
		numberOf(stored, "revision") == numberOf(written, "revision") &&
		bytes.Equal(bytesOf(stored, "key"), bytesOf(written, "key"))
}

// transact writes all or nothing. Where other transactions are in the way it
// tries again, as they are over in milliseconds; the SDK does not.
func (r *Registry) transact(ctx context.Context, writes []types.TransactWriteItem) error {
	const attempts = 5
	var err error
	for attempt := range attempts {
		_, err = r.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		if err == nil || !awsclient.IsContended(err) {
			return err
		}
		if waited := r.wait(ctx, time.Duration(attempt+1)*50*time.Millisecond); waited != nil {
			return waited
		}
	}
	return err
}

// putWrite is a conditional put as a part of a transaction.
func (r *Registry) putWrite(i item, condition string, values item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName:                           &r.table,
		Item:                                i,
		ConditionExpression:                 &condition,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// failedItem is the item that stood in the way of the n-th write of a
// cancelled transaction; ok is false where that write was not the reason.
func failedItem(err error, n int) (stood item, ok bool) {
	reasons := awsclient.CancellationReasons(err)
	if n >= len(reasons) || aws.ToString(reasons[n].Code) != "ConditionalCheckFailed" {
		return nil, false
	}
	return reasons[n].Item, true
}

// isLink tells the two kinds of item in the customers' partition apart.
func isLink(i item) bool { return strings.HasSuffix(textOf(i, "sk"), "/LINK") }
