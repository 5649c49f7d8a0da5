// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func transact(client *sdk.Client, token *string, items ...types.TransactWriteItem) error {
	_, err := client.TransactWriteItems(context.Background(), &sdk.TransactWriteItemsInput{TransactItems: items, ClientRequestToken: token})
	return err
}

func creating(i item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: table, Item: i, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func TestATransactionExecutesAllWritesOrNone(t *testing.T) {
	client := newWorld(t).table(*table)
	put(t, client, with(key("a", "1"), item{"v": num("1")}))
	put(t, client, key("b", "1"))
	bump := types.TransactWriteItem{Update: &types.Update{
		TableName: table, Key: key("a", "1"), UpdateExpression: aws.String("SET v = v + :one"), ExpressionAttributeValues: item{":one": num("1")},
	}}
	check := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: table, Key: key("c", "1"), ConditionExpression: aws.String("attribute_not_exists(pk)")}}
	remove := types.TransactWriteItem{Delete: &types.Delete{TableName: table, Key: key("b", "1")}}
	noError(t, transact(client, nil, bump, check, remove, creating(key("d", "1"))))
	wantItem(t, get(t, client, key("a", "1")), with(key("a", "1"), item{"v": num("2")}))
	wantItem(t, get(t, client, key("b", "1")), nil)
	wantItem(t, get(t, client, key("d", "1")), key("d", "1"))

	err := transact(client, nil, bump, check, creating(with(key("d", "1"), item{"v": num("9")})), creating(key("e", "1")))
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		t.Fatalf("got %v", err)
	}
	codes := ""
	for _, r := range cancelled.CancellationReasons {
		codes += *r.Code + " "
	}
	if codes != "None None ConditionalCheckFailed None " {
		t.Errorf("got the reasons %s", codes)
	}
	wantItem(t, cancelled.CancellationReasons[2].Item, key("d", "1"))
	wantItem(t, get(t, client, key("a", "1")), with(key("a", "1"), item{"v": num("2")}))
	wantItem(t, get(t, client, key("e", "1")), nil)
}

func TestATransactionIsCancelledByAnImpossibleUpdate(t *testing.T) {
	client := newWorld(t).table(*table)
	put(t, client, key("a", "1"))
	err := transact(client, nil, creating(key("b", "1")), types.TransactWriteItem{Update: &types.Update{
		TableName: table, Key: key("a", "1"), UpdateExpression: aws.String("SET v = absent"),
	}})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || *cancelled.CancellationReasons[1].Code != "ValidationError" {
		t.Fatalf("got %v", err)
	}
	wantItem(t, get(t, client, key("b", "1")), nil)
}

func TestAnInvalidTransactionIsRefused(t *testing.T) {
	client := newWorld(t).table(*table)
	wantCode(t, transact(client, nil, creating(key("a", "1")), types.TransactWriteItem{Delete: &types.Delete{TableName: table, Key: key("a", "1")}}),
		"ValidationException", "multiple operations on one item")
	wantCode(t, transact(client, nil, types.TransactWriteItem{}), "ValidationException", "can only contain one of")
	both := creating(key("a", "1"))
	both.Delete = &types.Delete{TableName: table, Key: key("b", "1")}
	wantCode(t, transact(client, nil, both), "ValidationException", "can only contain one of")
	var many []types.TransactWriteItem
	for i := range 101 {
		many = append(many, creating(key("a", fmt.Sprint(i))))
	}
	wantCode(t, transact(client, nil, many...), "ValidationException", "less than or equal to 100")
	noError(t, transact(client, nil, many[:100]...))
}

func TestATransactionWithOneTokenIsExecutedOnce(t *testing.T) {
	w := newWorld(t)
	client := w.table(*table)
	put(t, client, with(key("a", "1"), item{"v": num("0")}))
	bump := func(by string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: table, Key: key("a", "1"), UpdateExpression: aws.String("ADD v :by"), ExpressionAttributeValues: item{":by": num(by)},
		}}
	}
	token := aws.String("0d7a5b1c")
	noError(t, transact(client, token, bump("1")))
	noError(t, transact(client, token, bump("1"))) // a retry after a lost response
	wantCode(t, transact(client, token, bump("2")), "IdempotentParameterMismatchException", "")
	wantItem(t, get(t, client, key("a", "1")), with(key("a", "1"), item{"v": num("1")}))
	w.clock.Advance(11 * time.Minute)
	noError(t, transact(client, token, bump("2")))
	wantItem(t, get(t, client, key("a", "1")), with(key("a", "1"), item{"v": num("3")}))
}

func TestSeveralItemsAreReadInOneTransaction(t *testing.T) {
	client := newWorld(t).table(*table)
	put(t, client, with(key("a", "1"), item{"v": num("1"), "w": num("2")}))
	out, err := client.TransactGetItems(context.Background(), &sdk.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: table, Key: key("a", "1"), ProjectionExpression: aws.String("v")}}, {Get: &types.Get{TableName: table, Key: key("b", "1")}},
	}})
	noError(t, err)
	wantItem(t, out.Responses[0].Item, item{"v": num("1")})
	wantItem(t, out.Responses[1].Item, nil)
}

func TestABatchReadsAndWritesManyItems(t *testing.T) {
	ctx := context.Background()
	client := newWorld(t).table(*table)
	put(t, client, key("old", "1"))
	_, err := client.BatchWriteItem(ctx, &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*table: {
		{PutRequest: &types.PutRequest{Item: key("a", "1")}}, {PutRequest: &types.PutRequest{Item: key("a", "2")}}, {DeleteRequest: &types.DeleteRequest{Key: key("old", "1")}},
	}}})
	noError(t, err)
	read := func(keys ...item) ([]item, error) {
		out, err := client.BatchGetItem(ctx, &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*table: {Keys: keys, ConsistentRead: aws.Bool(true)}}})
		if err != nil {
			return nil, err
		}
		return out.Responses[*table], nil
	}
	got, err := read(key("a", "1"), key("a", "2"), key("old", "1"))
	noError(t, err)
	if len(got) != 2 {
		t.Errorf("got %v", got)
	}
	_, err = read(key("a", "1"), key("a", "1"))
	wantCode(t, err, "ValidationException", "duplicates")
	var many []item
	for i := range 101 {
		many = append(many, key("a", fmt.Sprint(i)))
	}
	_, err = read(many...)
	wantCode(t, err, "ValidationException", "Too many items")
	_, err = client.BatchWriteItem(ctx, &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*table: {
		{PutRequest: &types.PutRequest{Item: key("a", "1")}}, {DeleteRequest: &types.DeleteRequest{Key: key("a", "1")}},
	}}})
	wantCode(t, err, "ValidationException", "duplicates")
}

func TestABatchReturnsUnprocessedKeys(t *testing.T) {
	client := newWorld(t).table(*table)
	big := make([]byte, 399<<10)
	var keys []item
	for i := range 42 {
		k := key("a", fmt.Sprintf("%02d", i))
		keys = append(keys, k)
		put(t, client, with(k, item{"x": &types.AttributeValueMemberB{Value: big}}))
	}
	request := map[string]types.KeysAndAttributes{*table: {Keys: keys}}
	var counts []int
	for len(request) > 0 {
		out, err := client.BatchGetItem(context.Background(), &sdk.BatchGetItemInput{RequestItems: request})
		noError(t, err)
		counts = append(counts, len(out.Responses[*table]))
		request = out.UnprocessedKeys
	}
	if fmt.Sprint(counts) != "[41 1]" {
		t.Errorf("got %v items", counts)
	}
}
