// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var table = aws.String("xacct-acme")

// values ignores the SDK's internal fields of attribute values.
var values = cmp.Options{
	cmpopts.IgnoreUnexported(
		types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{}, types.AttributeValueMemberBOOL{},
		types.AttributeValueMemberNULL{}, types.AttributeValueMemberL{}, types.AttributeValueMemberM{}, types.AttributeValueMemberSS{},
		types.AttributeValueMemberNS{}, types.AttributeValueMemberBS{}),
}

func put(t *testing.T, client *sdk.Client, i item) {
	t.Helper()
	_, err := client.PutItem(context.Background(), &sdk.PutItemInput{TableName: table, Item: i})
	noError(t, err)
}

func get(t *testing.T, client *sdk.Client, k item) item {
	t.Helper()
	out, err := client.GetItem(context.Background(), &sdk.GetItemInput{TableName: table, Key: k, ConsistentRead: aws.Bool(true)})
	noError(t, err)
	return out.Item
}

func wantItem(t *testing.T, got, want item) {
	t.Helper()
	if diff := cmp.Diff(want, got, values); diff != "" {
		t.Fatalf("the item differs (-want +got):\n%s", diff)
	}
}

func TestAnItemOfEveryTypeRoundTrips(t *testing.T) {
	client := newWorld(t).table(*table)
	all := with(key("a", "b"), item{
		"s": str(""), "n": num("-12.50"), "b": &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"bool": &types.AttributeValueMemberBOOL{Value: false}, "null": &types.AttributeValueMemberNULL{Value: true},
		"ss": &types.AttributeValueMemberSS{Value: []string{"x", "y"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1", "2.5"}},
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
		"l":  &types.AttributeValueMemberL{Value: []types.AttributeValue{str("<&>"), num("0")}},
		"m":  &types.AttributeValueMemberM{Value: item{"inner": &types.AttributeValueMemberL{Value: []types.AttributeValue{}}}},
	})
	put(t, client, all)
	all["n"] = num("-12.5")
	wantItem(t, get(t, client, key("a", "b")), all)
	wantItem(t, get(t, client, key("a", "c")), nil)
}

func TestAWriteWithAFalseConditionFails(t *testing.T) {
	ctx := context.Background()
	client := newWorld(t).table(*table)
	create := &sdk.PutItemInput{TableName: table, Item: with(key("a", "b"), item{"v": num("1")}), ConditionExpression: aws.String("attribute_not_exists(pk)")}
	_, err := client.PutItem(ctx, create)
	noError(t, err)

	create.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	create.Item = with(key("a", "b"), item{"v": num("2")})
	_, err = client.PutItem(ctx, create)
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		t.Fatalf("a second create must fail its condition, got %v", err)
	}
	wantItem(t, failed.Item, with(key("a", "b"), item{"v": num("1")}))
	wantItem(t, get(t, client, key("a", "b")), with(key("a", "b"), item{"v": num("1")}))

	_, err = client.DeleteItem(ctx, &sdk.DeleteItemInput{
		TableName: table, Key: key("a", "b"), ConditionExpression: aws.String("v = :v"), ExpressionAttributeValues: item{":v": num("7")},
	})
	wantCode(t, err, "ConditionalCheckFailedException", "The conditional request failed")
	out, err := client.DeleteItem(ctx, &sdk.DeleteItemInput{
		TableName: table, Key: key("a", "b"), ConditionExpression: aws.String("v = :v"), ExpressionAttributeValues: item{":v": num("1.0")},
		ReturnValues: types.ReturnValueAllOld,
	})
	noError(t, err)
	wantItem(t, out.Attributes, with(key("a", "b"), item{"v": num("1")}))
	wantItem(t, get(t, client, key("a", "b")), nil)
}

func TestAnUpdateReturnsTheRequestedValues(t *testing.T) {
	ctx := context.Background()
	client := newWorld(t).table(*table)
	update := func(returns types.ReturnValue) item {
		out, err := client.UpdateItem(ctx, &sdk.UpdateItemInput{
			TableName: table, Key: key("a", "b"), UpdateExpression: aws.String("SET n = if_not_exists(n, :zero) + :one, s = :s"),
			ExpressionAttributeValues: item{":zero": num("0"), ":one": num("1"), ":s": str("x")}, ReturnValues: returns,
		})
		noError(t, err)
		return out.Attributes
	}
	wantItem(t, update(types.ReturnValueAllOld), nil)
	wantItem(t, update(types.ReturnValueUpdatedOld), item{"n": num("1"), "s": str("x")})
	wantItem(t, update(types.ReturnValueUpdatedNew), item{"n": num("3"), "s": str("x")})
	wantItem(t, update(types.ReturnValueAllNew), with(key("a", "b"), item{"n": num("4"), "s": str("x")}))
	wantItem(t, update(types.ReturnValueNone), nil)
}

func TestAnUpdateWithoutExpressionCreatesTheItem(t *testing.T) {
	client := newWorld(t).table(*table)
	_, err := client.UpdateItem(context.Background(), &sdk.UpdateItemInput{TableName: table, Key: key("a", "b")})
	noError(t, err)
	wantItem(t, get(t, client, key("a", "b")), key("a", "b"))
}

func TestAFailedUpdateLeavesTheItemUnchanged(t *testing.T) {
	client := newWorld(t).table(*table)
	put(t, client, with(key("a", "b"), item{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("1")}}}))
	_, err := client.UpdateItem(context.Background(), &sdk.UpdateItemInput{
		TableName: table, Key: key("a", "b"), UpdateExpression: aws.String("SET l[0] = :x, y = absent"), ExpressionAttributeValues: item{":x": num("2")},
	})
	wantCode(t, err, "ValidationException", "refers to an attribute that does not exist in the item")
	wantItem(t, get(t, client, key("a", "b")), with(key("a", "b"), item{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("1")}}}))
}

func TestInvalidItemRequestsAreRefused(t *testing.T) {
	ctx := context.Background()
	client := newWorld(t).table(*table)
	putting := func(i item) error {
		_, err := client.PutItem(ctx, &sdk.PutItemInput{TableName: table, Item: i})
		return err
	}
	updating := func(expression string, vals item) error {
		_, err := client.UpdateItem(ctx, &sdk.UpdateItemInput{TableName: table, Key: key("a", "b"), UpdateExpression: &expression, ExpressionAttributeValues: vals})
		return err
	}
	tests := map[string]struct {
		err  error
		code string
		part string
	}{
		"a missing key":         {putting(item{"pk": str("a")}), "ValidationException", "Missing the key sk in the item"},
		"a key of another type": {putting(item{"pk": str("a"), "sk": num("1")}), "ValidationException", "Type mismatch for key sk expected: S actual: N"},
		"an empty key":          {putting(key("", "b")), "ValidationException", "cannot contain an empty string value. Key: pk"},
		"a long hash key":       {putting(key(strings.Repeat("x", 2049), "b")), "ValidationException", "Size of hashkey has exceeded"},
		"a long sort key":       {putting(key("a", strings.Repeat("x", 1025))), "ValidationException", "range keys has exceeded"},
		"a big item":            {putting(with(key("a", "b"), item{"x": str(strings.Repeat("x", 400<<10))})), "ValidationException", "Item size has exceeded the maximum allowed size"},
		"an empty set":          {putting(with(key("a", "b"), item{"x": &types.AttributeValueMemberSS{Value: []string{}}})), "ValidationException", "may not be empty"},
		"a set with duplicates": {putting(with(key("a", "b"), item{"x": &types.AttributeValueMemberNS{Value: []string{"1", "1.0"}}})), "ValidationException", "contains duplicates"},
		"a word as a number":    {putting(with(key("a", "b"), item{"x": num("one")})), "ValidationException", "cannot be converted to a numeric value"},
		"39 digits":             {putting(with(key("a", "b"), item{"x": num(strings.Repeat("1", 39))})), "ValidationException", "38 significant digits"},
		"an update of the key":  {updating("SET sk = :x", item{":x": str("c")}), "ValidationException", "Cannot update attribute sk. This attribute is part of the key"},
		"an unused value":       {updating("REMOVE x", item{":x": str("c")}), "ValidationException", "unused in expressions: keys: {:x}"},
		"an undefined value":    {updating("SET x = :y", item{":x": str("c")}), "ValidationException", "is not defined; attribute value: :y"},
		"a reserved word":       {updating("SET status = :x", item{":x": str("c")}), "ValidationException", "reserved keyword: status"},
		"a return value of another operation": {func() error {
			_, err := client.PutItem(ctx, &sdk.PutItemInput{TableName: table, Item: key("a", "b"), ReturnValues: "ALL_NEW"})
			return err
		}(), "ValidationException", "returnValues"},
		"a missing table": {func() error {
			_, err := client.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("nope"), Key: key("a", "b")})
			return err
		}(), "ResourceNotFoundException", "not found"},
		"an incomplete key": {func() error {
			_, err := client.GetItem(ctx, &sdk.GetItemInput{TableName: table, Key: item{"pk": str("a")}})
			return err
		}(), "ValidationException", "does not match the schema"},
		"a parameter that is not implemented": {func() error {
			_, err := client.Query(ctx, &sdk.QueryInput{TableName: table, IndexName: aws.String("i")})
			return err
		}(), "ValidationException", `does not implement the parameter "IndexName"`},
		"an operation that is not implemented": {func() error { _, err := client.ListBackups(ctx, &sdk.ListBackupsInput{}); return err }(), "UnknownOperationException", "ListBackups"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { wantCode(t, test.err, test.code, test.part) })
	}
}

func TestAProjectionReturnsOnlyTheNamedParts(t *testing.T) {
	client := newWorld(t).table(*table)
	put(t, client, with(key("a", "b"), item{
		"name": str("n"), "m": &types.AttributeValueMemberM{Value: item{"x": num("1"), "y": num("2")}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{str("0"), str("1"), str("2")}},
	}))
	out, err := client.GetItem(context.Background(), &sdk.GetItemInput{
		TableName: table, Key: key("a", "b"), ProjectionExpression: aws.String("#n, m.y, l[2], l[0], absent"),
		ExpressionAttributeNames: map[string]string{"#n": "name"},
	})
	noError(t, err)
	wantItem(t, out.Item, item{
		"name": str("n"), "m": &types.AttributeValueMemberM{Value: item{"y": num("2")}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{str("0"), str("2")}},
	})
}
