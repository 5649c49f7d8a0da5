// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// keyedCall is a call that names the partitions of its items.
type keyedCall struct {
	action string
	call   func(client *sdk.Client, partitions ...string) error
}

// single returns a keyedCall that makes one call for each partition.
func single(action string, call func(ctx context.Context, client *sdk.Client, pk string) error) keyedCall {
	return keyedCall{action, func(client *sdk.Client, partitions ...string) error {
		for _, pk := range partitions {
			if err := call(context.Background(), client, pk); err != nil {
				return err
			}
		}
		return nil
	}}
}

// inTransaction returns a keyedCall that makes one write for each partition, in
// one transaction.
func inTransaction(action string, write func(pk string) types.TransactWriteItem) keyedCall {
	return keyedCall{action, func(client *sdk.Client, partitions ...string) error {
		var writes []types.TransactWriteItem
		for _, pk := range partitions {
			writes = append(writes, write(pk))
		}
		return transact(client, nil, writes...)
	}}
}

func batchWrite(write func(pk string) types.WriteRequest) keyedCall {
	return keyedCall{"BatchWriteItem", func(client *sdk.Client, partitions ...string) error {
		var writes []types.WriteRequest
		for _, pk := range partitions {
			writes = append(writes, write(pk))
		}
		_, err := client.BatchWriteItem(context.Background(), &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*table: writes}})
		return err
	}}
}

var keyedCalls = map[string]keyedCall{
	"GetItem": single("GetItem", func(ctx context.Context, client *sdk.Client, pk string) error {
		_, err := client.GetItem(ctx, &sdk.GetItemInput{TableName: table, Key: key(pk, "1")})
		return err
	}),
	"PutItem": single("PutItem", func(ctx context.Context, client *sdk.Client, pk string) error {
		_, err := client.PutItem(ctx, &sdk.PutItemInput{TableName: table, Item: key(pk, "1")})
		return err
	}),
	"UpdateItem": single("UpdateItem", func(ctx context.Context, client *sdk.Client, pk string) error {
		_, err := client.UpdateItem(ctx, &sdk.UpdateItemInput{TableName: table, Key: key(pk, "1")})
		return err
	}),
	"DeleteItem": single("DeleteItem", func(ctx context.Context, client *sdk.Client, pk string) error {
		_, err := client.DeleteItem(ctx, &sdk.DeleteItemInput{TableName: table, Key: key(pk, "1")})
		return err
	}),
	"Query": single("Query", func(ctx context.Context, client *sdk.Client, pk string) error {
		_, err := client.Query(ctx, &sdk.QueryInput{
			TableName: table, KeyConditionExpression: aws.String("begins_with(sk, :s) AND #p = :p"),
			ExpressionAttributeNames: map[string]string{"#p": "pk"}, ExpressionAttributeValues: item{":p": str(pk), ":s": str("1")},
		})
		return err
	}),
	"BatchGetItem": {"BatchGetItem", func(client *sdk.Client, partitions ...string) error {
		var keys []map[string]types.AttributeValue
		for _, pk := range partitions {
			keys = append(keys, key(pk, "1"))
		}
		_, err := client.BatchGetItem(context.Background(), &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*table: {Keys: keys}}})
		return err
	}},
	"BatchWriteItem of puts": batchWrite(func(pk string) types.WriteRequest {
		return types.WriteRequest{PutRequest: &types.PutRequest{Item: key(pk, "1")}}
	}),
	"BatchWriteItem of deletes": batchWrite(func(pk string) types.WriteRequest {
		return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key(pk, "1")}}
	}),
	"TransactGetItems": {"GetItem", func(client *sdk.Client, partitions ...string) error {
		var gets []types.TransactGetItem
		for _, pk := range partitions {
			gets = append(gets, types.TransactGetItem{Get: &types.Get{TableName: table, Key: key(pk, "1")}})
		}
		_, err := client.TransactGetItems(context.Background(), &sdk.TransactGetItemsInput{TransactItems: gets})
		return err
	}},
	"a transaction that puts": inTransaction("PutItem", func(pk string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: table, Item: key(pk, "1")}}
	}),
	"a transaction that updates": inTransaction("UpdateItem", func(pk string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: table, Key: key(pk, "1"), UpdateExpression: aws.String("SET v = :v"), ExpressionAttributeValues: item{":v": str("x")},
		}}
	}),
	"a transaction that deletes": inTransaction("DeleteItem", func(pk string) types.TransactWriteItem {
		return types.TransactWriteItem{Delete: &types.Delete{TableName: table, Key: key(pk, "1")}}
	}),
	"a transaction that checks": inTransaction("ConditionCheckItem", func(pk string) types.TransactWriteItem {
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: table, Key: key(pk, "9"), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}}
	}),
}

// only returns a policy that allows actions on the table if a condition is
// true.
func only(actions, condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"arn:aws:dynamodb:eu-west-1:111111111111:table/xacct-acme","Condition":{` + condition + `}}]}`
}

func TestLeadingKeysLimitEveryCallToItsPartitions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.table(*table)
	for name, call := range keyedCalls {
		w.policies[name] = only(`"dynamodb:`+call.action+`"`,
			`"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["LIVE#*","OUTBOX"]},"Null":{"dynamodb:LeadingKeys":"false"}`)
	}
	for name, call := range keyedCalls {
		t.Run(name, func(t *testing.T) {
			client := w.client(vendor + "-" + name)
			noError(t, call.call(client, "LIVE#1", "LIVE#2", "OUTBOX"))
			wantCode(t, call.call(client, "HUB"), "AccessDeniedException", "dynamodb:"+call.action)
			wantCode(t, call.call(client, "LIVE#1", "HUB", "LIVE#2"), "AccessDeniedException", "dynamodb:"+call.action)
			wantCode(t, call.call(client, "LIVE"), "AccessDeniedException", "")
			wantCode(t, call.call(client, "OUTBOX#2"), "AccessDeniedException", "")
		})
	}
}

func TestEachMemberOfATransactionIsAuthorizedSeparately(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.table(*table)
	w.policies["registrar"] = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"*","Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":"a"}}},` +
		`{"Effect":"Allow","Action":"dynamodb:DeleteItem","Resource":"*","Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":"b"}}}]}`
	client := w.client(vendor + "-registrar")
	put := func(pk string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: table, Item: key(pk, "1")}}
	}
	remove := func(pk string) types.TransactWriteItem {
		return types.TransactWriteItem{Delete: &types.Delete{TableName: table, Key: key(pk, "2")}}
	}
	noError(t, transact(client, nil, put("a"), remove("b")))
	wantCode(t, transact(client, nil, put("b"), remove("b")), "AccessDeniedException", "dynamodb:PutItem")
	wantCode(t, transact(client, nil, put("a"), remove("a")), "AccessDeniedException", "dynamodb:DeleteItem")
}

func TestACallThatNamesNoItemsHasNoLeadingKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.table(*table)
	scan := func(condition string) error {
		w.policies["scanner"] = only(`"dynamodb:*"`, condition)
		_, err := w.client(vendor+"-scanner").Scan(context.Background(), &sdk.ScanInput{TableName: table})
		return err
	}
	noError(t, scan(`"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":"a"}`))
	noError(t, scan(`"Null":{"dynamodb:LeadingKeys":"true"}`))
	for _, condition := range []string{
		`"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":"a"},"Null":{"dynamodb:LeadingKeys":"false"}`,
		`"ForAnyValue:StringLike":{"dynamodb:LeadingKeys":"*"}`,
		`"StringLike":{"dynamodb:LeadingKeys":"*"}`,
	} {
		wantCode(t, scan(condition), "AccessDeniedException", "dynamodb:Scan")
	}
}

func TestForAnyValueIsTrueForOnePartitionOfMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.table(*table)
	w.policies["reader"] = only(`"dynamodb:BatchGetItem"`, `"ForAnyValue:StringEquals":{"dynamodb:LeadingKeys":"a"}`)
	client := w.client(vendor + "-reader")
	noError(t, keyedCalls["BatchGetItem"].call(client, "a", "b"))
	wantCode(t, keyedCalls["BatchGetItem"].call(client, "b", "c"), "AccessDeniedException", "dynamodb:BatchGetItem")
}

func TestABatchIsAuthorizedTableByTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.table(*table)
	w.table("other")
	w.policies["reader"] = fmt.Sprintf(`{"Version":"2012-10-17","Statement":[%s,%s]}`, readOf("other", "b"), readOf(*table, "a"))
	read := func(first, second string) error {
		_, err := w.client(vendor+"-reader").BatchGetItem(context.Background(), &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			*table: {Keys: []map[string]types.AttributeValue{key(first, "1")}}, "other": {Keys: []map[string]types.AttributeValue{key(second, "1")}},
		}})
		return err
	}
	noError(t, read("a", "b"))
	wantCode(t, read("b", "b"), "AccessDeniedException", "table/"+*table)
	wantCode(t, read("a", "a"), "AccessDeniedException", "table/other")
}

func readOf(table, partition string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":"dynamodb:BatchGetItem","Resource":"arn:aws:dynamodb:*:*:table/%s","Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":%q}}}`, table, partition)
}

func TestTheEnclosingOperationIsSetInTransactionsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.table(*table)
	w.policies["writer"] = only(`"dynamodb:*"`, `"ForAnyValue:StringEquals":{"dynamodb:EnclosingOperation":["TransactWriteItems"]}`)
	client := w.client(vendor + "-writer")
	noError(t, keyedCalls["a transaction that puts"].call(client, "a"))
	wantCode(t, keyedCalls["PutItem"].call(client, "a"), "AccessDeniedException", "dynamodb:PutItem")
	wantCode(t, keyedCalls["TransactGetItems"].call(client, "a"), "AccessDeniedException", "dynamodb:GetItem")
}
