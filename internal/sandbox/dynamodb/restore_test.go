// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"
)

// setRecovery switches point-in-time recovery on or off.
func setRecovery(t *testing.T, client *sdk.Client, on bool) {
	t.Helper()
	_, err := client.UpdateContinuousBackups(context.Background(), &sdk.UpdateContinuousBackupsInput{
		TableName: table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on},
	})
	noError(t, err)
}

func restore(client *sdk.Client, target string, at time.Time) error {
	_, err := client.RestoreTableToPointInTime(context.Background(), &sdk.RestoreTableToPointInTimeInput{
		SourceTableName: table, TargetTableName: &target, RestoreDateTime: &at,
	})
	return err
}

// all returns the values of a table's items, by key.
func all(t interface{ Fatal(...any) }, client *sdk.Client, name string) map[string]string {
	out, err := client.Scan(context.Background(), &sdk.ScanInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	items := map[string]string{}
	for _, i := range out.Items {
		value := ""
		if v, ok := i["v"].(*types.AttributeValueMemberN); ok {
			value = v.Value
		}
		items[i["pk"].(*types.AttributeValueMemberS).Value+"/"+i["sk"].(*types.AttributeValueMemberS).Value] = value
	}
	return items
}

func TestATableIsRestoredToItsItemsAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.table(*table)
	setRecovery(t, client, true)
	put(t, client, with(key("a", "1"), item{"v": num("1")}))
	put(t, client, with(key("b", "1"), item{"v": num("1")}))
	w.clock.Advance(time.Minute)
	then := w.clock.Now()
	w.clock.Advance(time.Minute)
	put(t, client, with(key("a", "1"), item{"v": num("2")}))
	put(t, client, key("c", "1"))
	_, err := client.DeleteItem(context.Background(), &sdk.DeleteItemInput{TableName: table, Key: key("b", "1")})
	noError(t, err)
	noError(t, transact(client, nil, creating(key("d", "1"))))
	wantCode(t, restore(client, "restored", w.clock.Now()), "InvalidRestoreTimeException", "")
	w.clock.Advance(10 * time.Minute)
	noError(t, restore(client, "restored", then))
	if got := all(t, client, "restored"); len(got) != 2 || got["a/1"] != "1" || got["b/1"] != "1" {
		t.Errorf("the restored table has %v", got)
	}
	if got := all(t, client, *table); len(got) != 3 || got["a/1"] != "2" {
		t.Errorf("the source has %v", got)
	}
	if d := describe(t, client, "restored"); *d.ItemCount != 2 {
		t.Errorf("the restored table counts %d items", *d.ItemCount)
	}
	wantCode(t, restore(client, "restored", then), "TableAlreadyExistsException", "restored")
	wantCode(t, restore(client, "older", then.Add(-time.Hour)), "InvalidRestoreTimeException", "")
	_, err = client.RestoreTableToPointInTime(context.Background(), &sdk.RestoreTableToPointInTimeInput{SourceTableName: table, TargetTableName: aws.String("latest"), UseLatestRestorableTime: aws.Bool(true)})
	noError(t, err)
	if got := all(t, client, "latest"); len(got) != 3 {
		t.Errorf("the latest has %v", got)
	}
	setRecovery(t, client, false)
	wantCode(t, restore(client, "never", then), "PointInTimeRecoveryUnavailableException", "")
}

func TestARestoreNeedsItsPermissionsOnBothTables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.table(*table)
	setRecovery(t, client, true)
	w.clock.Advance(time.Hour)
	w.policies["half"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:RestoreTableToPointInTime","Resource":"*"}]}`
	wantCode(t, restore(w.client(vendor+"-half"), "restored", w.clock.Now().Add(-10*time.Minute)), "AccessDeniedException", "dynamodb:BatchWriteItem")
}

func TestARewoundTableHasItsFormerItemsAfterAnyChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t)
		client := w.table(*table)
		setRecovery(t, client, true)
		type moment struct {
			at    time.Time
			items map[string]string
		}
		var moments []moment
		for range rapid.IntRange(1, 12).Draw(r, "writes") {
			k := key(rapid.SampledFrom([]string{"a", "b"}).Draw(r, "pk"), rapid.SampledFrom([]string{"1", "2"}).Draw(r, "sk"))
			if rapid.Bool().Draw(r, "delete") {
				_, err := client.DeleteItem(context.Background(), &sdk.DeleteItemInput{TableName: table, Key: k})
				noError(t, err)
			} else {
				put(t, client, with(k, item{"v": num(rapid.StringMatching("[1-9]").Draw(r, "value"))}))
			}
			moments = append(moments, moment{w.clock.Now(), all(r, client, *table)})
			w.clock.Advance(time.Second)
		}
		// Rewind to each moment, from the latest to the earliest.
		for i := len(moments) - 1; i >= 0; i-- {
			noError(t, w.service.Rewind(vendor, region, *table, moments[i].at))
			if got := all(r, client, *table); len(got) != len(moments[i].items) {
				r.Fatalf("rewound to %v, want %v", got, moments[i].items)
			} else {
				for k, v := range moments[i].items {
					if got[k] != v {
						r.Fatalf("rewound to %v, want %v", got, moments[i].items)
					}
				}
			}
		}
	})
}

func TestATableWithoutRecoveryIsNotRewound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.table(*table)
	for name, to := range map[string]time.Time{*table: w.clock.Now(), "absent": w.clock.Now()} {
		if w.service.Rewind(vendor, region, name, to) == nil {
			t.Errorf("%s was rewound", name)
		}
	}
	setRecovery(t, client, true)
	if w.service.Rewind(vendor, region, *table, w.clock.Now().Add(-time.Hour)) == nil {
		t.Error("a table was rewound to a time before its recovery was on")
	}
}
