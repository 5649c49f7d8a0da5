// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// partition adds items with these sort keys to the partition "p", and one item
// to each of two other partitions.
func partition(t *testing.T, client *sdk.Client, sorts ...string) {
	t.Helper()
	put(t, client, key("o", "x"))
	put(t, client, key("q", "x"))
	for i, sk := range sorts {
		put(t, client, with(key("p", sk), item{"n": num(fmt.Sprint(i))}))
	}
}

func sortKeys(items []item) []string {
	out := []string{}
	for _, i := range items {
		out = append(out, i["sk"].(*types.AttributeValueMemberS).Value)
	}
	return out
}

func TestAQueryReturnsAPartOfOnePartitionInOrder(t *testing.T) {
	client := newWorld(t).table(*table)
	partition(t, client, "b#2", "a#1", "b#1", "c#1", "b#10")
	for name, test := range map[string]struct {
		condition string
		values    item
		backward  bool
		want      []string
	}{
		"everything":  {"pk = :p", item{}, false, []string{"a#1", "b#1", "b#10", "b#2", "c#1"}},
		"backward":    {"pk = :p", item{}, true, []string{"c#1", "b#2", "b#10", "b#1", "a#1"}},
		"one":         {"pk = :p AND sk = :x", item{":x": str("b#1")}, false, []string{"b#1"}},
		"a prefix":    {"pk = :p AND begins_with(sk, :x)", item{":x": str("b#")}, false, []string{"b#1", "b#10", "b#2"}},
		"between":     {"pk = :p AND sk BETWEEN :x AND :y", item{":x": str("b#10"), ":y": str("c")}, false, []string{"b#10", "b#2"}},
		"less":        {"pk = :p AND sk < :x", item{":x": str("b#1")}, false, []string{"a#1"}},
		"not less":    {"pk = :p AND sk >= :x", item{":x": str("b#2")}, true, []string{"c#1", "b#2"}},
		"nothing":     {"pk = :p AND sk > :x", item{":x": str("z")}, false, []string{}},
		"other order": {"sk > :x AND pk = :p", item{":x": str("b#2")}, false, []string{"c#1"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := client.Query(context.Background(), &sdk.QueryInput{
				TableName: table, KeyConditionExpression: &test.condition, ScanIndexForward: aws.Bool(!test.backward),
				ExpressionAttributeValues: with(test.values, item{":p": str("p")}), ConsistentRead: aws.Bool(true),
			})
			noError(t, err)
			if got := sortKeys(out.Items); !slices.Equal(got, test.want) || int(out.Count) != len(test.want) || out.LastEvaluatedKey != nil {
				t.Errorf("got %v (%d), want %v", got, out.Count, test.want)
			}
		})
	}
}

func TestAQueryContinuesWhereThePageEnded(t *testing.T) {
	client := newWorld(t).table(*table)
	partition(t, client, "a", "b", "c", "d")
	for _, forward := range []bool{true, false} {
		var got []string
		pages := sdk.NewQueryPaginator(client, &sdk.QueryInput{
			TableName: table, KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": str("p")},
			Limit: aws.Int32(2), ScanIndexForward: &forward,
		})
		count := 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(context.Background())
			noError(t, err)
			got = append(got, sortKeys(page.Items)...)
			count++
		}
		want := []string{"a", "b", "c", "d"}
		if !forward {
			slices.Reverse(want)
		}
		// The second page is full, so there is a third one, which is empty.
		if !slices.Equal(got, want) || count != 3 {
			t.Errorf("got %v in %d pages", got, count)
		}
	}
}

func TestAPageEndsAtAMegabyte(t *testing.T) {
	client := newWorld(t).table(*table)
	big := strings.Repeat("x", 300<<10)
	for i := range 5 {
		put(t, client, with(key("p", fmt.Sprint(i)), item{"x": str(big)}))
	}
	out, err := client.Query(context.Background(), &sdk.QueryInput{TableName: table, KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": str("p")}})
	noError(t, err)
	if len(out.Items) != 4 || out.LastEvaluatedKey == nil {
		t.Errorf("got %d items and the last key %v", len(out.Items), out.LastEvaluatedKey)
	}
}

func TestAFilterIsAppliedAfterTheLimit(t *testing.T) {
	client := newWorld(t).table(*table)
	partition(t, client, "a", "b", "c", "d")
	in := &sdk.QueryInput{
		TableName: table, KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("n >= :n"),
		ExpressionAttributeValues: item{":p": str("p"), ":n": num("2")}, Limit: aws.Int32(3),
	}
	out, err := client.Query(context.Background(), in)
	noError(t, err)
	if out.Count != 1 || out.ScannedCount != 3 || out.LastEvaluatedKey == nil {
		t.Errorf("got %d of %d", out.Count, out.ScannedCount)
	}
	in.Select, in.Limit = types.SelectCount, nil
	out, err = client.Query(context.Background(), in)
	noError(t, err)
	if out.Count != 2 || len(out.Items) != 0 {
		t.Errorf("COUNT returned the count %d and %d items", out.Count, len(out.Items))
	}
	in.FilterExpression, in.ExpressionAttributeValues = aws.String("sk = :n"), item{":p": str("p"), ":n": str("a")}
	_, err = client.Query(context.Background(), in)
	wantCode(t, err, "ValidationException", "Filter Expression can only contain non-primary key attributes")
}

func TestAQueryThatDoesNotFitTheKeysIsRefused(t *testing.T) {
	client := newWorld(t).table(*table)
	for condition, values := range map[string]item{
		"pk = :p":             {":p": num("1")},
		"pk = :p AND sk > :x": {":p": str("p"), ":x": num("1")},
		"sk = :x":             {":x": str("x")},
		"pk = :p AND n = :p":  {":p": str("p")},
	} {
		_, err := client.Query(context.Background(), &sdk.QueryInput{TableName: table, KeyConditionExpression: &condition, ExpressionAttributeValues: values})
		wantCode(t, err, "ValidationException", "")
	}
	_, err := client.Query(context.Background(), &sdk.QueryInput{
		TableName: table, KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": str("p")}, ExclusiveStartKey: key("q", "x"),
	})
	wantCode(t, err, "ValidationException", "outside query boundaries")
}

func TestAScanReturnsEveryItemOnce(t *testing.T) {
	client := newWorld(t).table(*table)
	want := map[string]bool{}
	for i := range 30 {
		pk, sk := fmt.Sprint(i%10), fmt.Sprint(i)
		want[pk+"/"+sk] = true
		put(t, client, key(pk, sk))
	}
	pages := sdk.NewScanPaginator(client, &sdk.ScanInput{TableName: table, Limit: aws.Int32(4)})
	seen := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		noError(t, err)
		for _, i := range page.Items {
			seen++
			delete(want, i["pk"].(*types.AttributeValueMemberS).Value+"/"+i["sk"].(*types.AttributeValueMemberS).Value)
		}
		// Items that were read may be deleted: the next page still starts after
		// them.
		for _, i := range page.Items {
			_, err := client.DeleteItem(context.Background(), &sdk.DeleteItemInput{TableName: table, Key: i})
			noError(t, err)
		}
	}
	if seen != 30 || len(want) != 0 {
		t.Errorf("saw %d items, missed %v", seen, want)
	}
	if d := describe(t, client, *table); *d.ItemCount != 0 || *d.TableSizeBytes != 0 {
		t.Errorf("an empty table counts %d items in %d bytes", *d.ItemCount, *d.TableSizeBytes)
	}
}
