// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func describe(t *testing.T, client *sdk.Client, name string) *types.TableDescription {
	t.Helper()
	out, err := client.DescribeTable(context.Background(), &sdk.DescribeTableInput{TableName: &name})
	noError(t, err)
	return out.Table
}

func TestATableIsDescribedAsItWasCreated(t *testing.T) {
	client := newWorld(t).table(*table)
	d := describe(t, client, *table)
	if d.TableStatus != types.TableStatusActive || *d.TableArn != "arn:aws:dynamodb:eu-west-1:111111111111:table/xacct-acme" {
		t.Errorf("got %s, %s", d.TableStatus, *d.TableArn)
	}
	if d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest || *d.KeySchema[1].AttributeName != "sk" || d.KeySchema[1].KeyType != types.KeyTypeRange {
		t.Errorf("got %v, %+v", d.BillingModeSummary.BillingMode, d.KeySchema)
	}
	if d.CreationDateTime == nil || d.TableId == nil || *d.DeletionProtectionEnabled {
		t.Errorf("got %v, %v, %t", d.CreationDateTime, d.TableId, *d.DeletionProtectionEnabled)
	}
}

func TestATableNameIsUniqueInItsAccountAndRegion(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	client := w.table(*table)
	_, err := client.CreateTable(ctx, tableInput(*table))
	wantCode(t, err, "ResourceInUseException", "Table already exists: xacct-acme")
	_, err = w.clientIn(vendor, "us-east-1").CreateTable(ctx, tableInput(*table))
	noError(t, err)
	_, err = w.client(stranger).CreateTable(ctx, tableInput(*table))
	noError(t, err)
}

func TestATableMayStayCreatingForAWhile(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.service.SetCreationTime(20 * time.Second)
	client := w.table(*table)
	if got := describe(t, client, *table).TableStatus; got != types.TableStatusCreating {
		t.Errorf("got %s, want CREATING", got)
	}
	_, err := client.PutItem(ctx, &sdk.PutItemInput{TableName: table, Item: key("a", "b")})
	wantCode(t, err, "ResourceNotFoundException", "")
	_, err = client.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: table})
	wantCode(t, err, "ResourceInUseException", "")
	w.clock.Advance(21 * time.Second)
	if got := describe(t, client, *table).TableStatus; got != types.TableStatusActive {
		t.Errorf("got %s, want ACTIVE", got)
	}
	put(t, client, key("a", "b"))
}

func TestAProtectedTableIsNotDeleted(t *testing.T) {
	ctx := context.Background()
	client := newWorld(t).table(*table)
	protect := func(on bool) {
		_, err := client.UpdateTable(ctx, &sdk.UpdateTableInput{TableName: table, DeletionProtectionEnabled: &on})
		noError(t, err)
	}
	protect(true)
	_, err := client.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: table})
	wantCode(t, err, "ValidationException", "protected against deletion")
	protect(false)
	_, err = client.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: table})
	noError(t, err)
	_, err = client.DescribeTable(ctx, &sdk.DescribeTableInput{TableName: table})
	wantCode(t, err, "ResourceNotFoundException", "")
}

func TestAnInvalidTableIsRefused(t *testing.T) {
	client := newWorld(t).client(vendor)
	for name, change := range map[string]func(*sdk.CreateTableInput){
		"a short name":          func(in *sdk.CreateTableInput) { in.TableName = aws.String("ab") },
		"a name with a space":   func(in *sdk.CreateTableInput) { in.TableName = aws.String("my table") },
		"provisioned billing":   func(in *sdk.CreateTableInput) { in.BillingMode = types.BillingModeProvisioned },
		"an undefined key":      func(in *sdk.CreateTableInput) { in.AttributeDefinitions = in.AttributeDefinitions[:1] },
		"an unused definition":  func(in *sdk.CreateTableInput) { in.KeySchema = in.KeySchema[:1] },
		"a range before a hash": func(in *sdk.CreateTableInput) { slices.Reverse(in.KeySchema) },
		"a secondary index": func(in *sdk.CreateTableInput) {
			in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{IndexName: aws.String("i"), KeySchema: in.KeySchema, Projection: &types.Projection{}}}
		},
		"a stream": func(in *sdk.CreateTableInput) {
			in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := tableInput(*table)
			change(in)
			_, err := client.CreateTable(context.Background(), in)
			wantCode(t, err, "ValidationException", "")
		})
	}
}

func TestTablesAreListedPageByPage(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"ccc", "aaa", "bbb"} {
		w.table(name)
	}
	var got []string
	pages := sdk.NewListTablesPaginator(w.client(vendor), &sdk.ListTablesInput{Limit: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		noError(t, err)
		got = append(got, page.TableNames...)
	}
	if !slices.Equal(got, []string{"aaa", "bbb", "ccc"}) {
		t.Errorf("got %v", got)
	}
}

func TestPointInTimeRecoveryStaysAsSet(t *testing.T) {
	ctx := context.Background()
	client := newWorld(t).table(*table)
	status := func() types.PointInTimeRecoveryStatus {
		out, err := client.DescribeContinuousBackups(ctx, &sdk.DescribeContinuousBackupsInput{TableName: table})
		noError(t, err)
		return out.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus
	}
	for _, on := range []bool{true, false, true} {
		_, err := client.UpdateContinuousBackups(ctx, &sdk.UpdateContinuousBackupsInput{
			TableName: table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on},
		})
		noError(t, err)
		if got := status(); (got == types.PointInTimeRecoveryStatusEnabled) != on {
			t.Errorf("set to %t, got %s", on, got)
		}
	}
	_, err := client.DescribeContinuousBackups(ctx, &sdk.DescribeContinuousBackupsInput{TableName: aws.String("nope")})
	wantCode(t, err, "TableNotFoundException", "")
}

func TestTimeToLiveIsEnabledAndDisabledOnlyOnce(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	client := w.table(*table)
	set := func(on bool, name string) error {
		_, err := client.UpdateTimeToLive(ctx, &sdk.UpdateTimeToLiveInput{TableName: table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &name, Enabled: &on}})
		return err
	}
	noError(t, set(true, "ttl"))
	wantCode(t, set(true, "ttl"), "ValidationException", "already enabled")
	wantCode(t, set(false, "other"), "ValidationException", "different AttributeName")
	out, err := client.DescribeTimeToLive(ctx, &sdk.DescribeTimeToLiveInput{TableName: table})
	noError(t, err)
	if d := out.TimeToLiveDescription; d.TimeToLiveStatus != types.TimeToLiveStatusEnabled || *d.AttributeName != "ttl" {
		t.Errorf("got %+v", d)
	}
	put(t, client, with(key("a", "b"), item{"ttl": num("1")}))
	w.clock.Advance(time.Hour)
	if get(t, client, key("a", "b")) == nil {
		t.Error("an expired item was deleted at once; on AWS it may stay for days")
	}
	noError(t, set(false, "ttl"))
	wantCode(t, set(false, "ttl"), "ValidationException", "already disabled")
}

func TestTagsAreAddedAndRemoved(t *testing.T) {
	ctx := context.Background()
	client := newWorld(t).table(*table)
	arn := describe(t, client, *table).TableArn
	_, err := client.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}})
	noError(t, err)
	_, err = client.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a", "never"}})
	noError(t, err)
	out, err := client.ListTagsOfResource(ctx, &sdk.ListTagsOfResourceInput{ResourceArn: arn})
	noError(t, err)
	if len(out.Tags) != 1 || *out.Tags[0].Key != "b" {
		t.Errorf("got %+v", out.Tags)
	}
	_, err = client.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("1")}}})
	wantCode(t, err, "ValidationException", "System tag")
}

func TestAPermissionIsNeededForEachAction(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.table(*table)
	w.policies["reader"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query","dynamodb:PutItem"],"Resource":"arn:aws:dynamodb:eu-west-1:111111111111:table/xacct-acme"}]}`
	reader := w.client(vendor + "-reader")
	_, err := reader.GetItem(ctx, &sdk.GetItemInput{TableName: table, Key: key("a", "b")})
	noError(t, err)
	_, err = reader.Scan(ctx, &sdk.ScanInput{TableName: table})
	wantCode(t, err, "AccessDeniedException", "not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb:eu-west-1:111111111111:table/xacct-acme")
	_, err = reader.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("another"), Key: key("a", "b")})
	wantCode(t, err, "AccessDeniedException", "table/another")

	// A transaction needs the permissions of its members.
	_, err = reader.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: table, Item: key("a", "b")}}}})
	noError(t, err)
	_, err = reader.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Delete: &types.Delete{TableName: table, Key: key("a", "b")}}}})
	wantCode(t, err, "AccessDeniedException", "dynamodb:DeleteItem")
}

func TestAnotherAccountsTableCannotBeUsed(t *testing.T) {
	w := newWorld(t)
	arn := describe(t, w.table(*table), *table).TableArn
	_, err := w.client(stranger).GetItem(context.Background(), &sdk.GetItemInput{TableName: arn, Key: key("a", "b")})
	wantCode(t, err, "AccessDeniedException", "")
	_, err = w.client(vendor).GetItem(context.Background(), &sdk.GetItemInput{TableName: arn, Key: key("a", "b")})
	noError(t, err)
}
