// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// registryChecks test DynamoDB.
var registryChecks = []Check{
	{
		ID: "10.1", Title: "attribute_not_exists creates once, version = :v writes once, and both fail with the old item",
		Mark:  "use ConsistentRead. (Expression names [R]",
		Place: "internal/registry/write.go", Makes: "a table", run: conditions,
	},
	{
		ID: "10.3", Title: "BatchGetItem accepts 100 keys, and returns at most 16 MB of items",
		Mark:  "12,000 read units and 4,000 write units at once. [R]",
		Place: "internal/registry/batch.go", Makes: "a table with 18 MB", run: batches,
	},
	{
		ID: "10.4", Title: "TransactWriteItems accepts 100 different items, including checks; an UpdateExpression has at most 4 KB",
		Mark:  "10.4 [R]",
		Place: "internal/registry/transaction.go", Makes: "a table", run: transactions,
	},
	{
		ID: "13.1", Title: "Each member of a transaction is authorised by the partition of its own item",
		Mark:  "names the transaction (DynamoDB Developer Guide, transaction-apis-iam). [I]",
		Place: "internal/leastpolicy/registry.go", Makes: "a table, a role", run: leadingKeysOfMembers,
	},
	{
		ID: "13.11", Title: "A call on a table that does not exist has no dynamodb:LeadingKeys, so Null: false refuses it",
		Mark:  "13.11 [?]",
		Place: "internal/registry/missing.go (DescribeTable decides)", Makes: "a role", run: leadingKeysOfNoTable,
	},
	{
		ID: "13.4b", Title: "A disabled key makes DynamoDB refuse with a code that names the key",
		Mark:  "[?] Whether SetQueueAttributes looks at the key; codes of DynamoDB for a key that is disabled or gone.",
		Place: "internal/awsclient/errors.go", Makes: "a table, a KMS key", run: disabledKey,
	},
}

func (t *trial) table(ctx context.Context, part string, change func(*dynamodb.CreateTableInput)) (string, error) {
	name := t.name(part)
	if err := t.creates(t.Vendor, "table", t.home(), name); err != nil {
		return "", err
	}
	call := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: ddb.BillingModePayPerRequest, Tags: []ddb.Tag{{Key: aws.String(Tag), Value: &t.Run}},
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: ddb.ScalarAttributeTypeS}},
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: ddb.KeyTypeHash}},
	}
	if change != nil {
		change(call)
	}
	if _, err := t.Vendor.DynamoDB().CreateTable(ctx, call); err != nil && !awsclient.HasCode(err, "ResourceInUseException") {
		return "", err
	}
	return name, t.until(ctx, isPending, func() error {
		out, err := t.Vendor.DynamoDB().DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if err == nil && out.Table.TableStatus != ddb.TableStatusActive {
			return errPending
		}
		return err
	})
}

type item = map[string]ddb.AttributeValue

func text(s string) ddb.AttributeValue { return &ddb.AttributeValueMemberS{Value: s} }

func key(of string) item { return item{"pk": text(of)} }

func conditions(ctx context.Context, t *trial) error {
	table, err := t.table(ctx, "items", nil)
	if err != nil {
		return err
	}
	put := func(version, condition string, values item) error {
		_, err := t.Vendor.DynamoDB().PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &table, Item: item{"pk": text("once"), "version": text(version)}, ConditionExpression: &condition,
			ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: ddb.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	}
	if err := t.accepted("a create", put("1", "attribute_not_exists(pk)", nil)); err != nil {
		return err
	}
	if err := t.failsWithOld("a second create", put("9", "attribute_not_exists(pk)", nil), "1"); err != nil {
		return err
	}
	if err := t.accepted("a write at the version", put("2", "version = :v", item{":v": text("1")})); err != nil {
		return err
	}
	return t.failsWithOld("a write at an older version", put("3", "version = :v", item{":v": text("1")}), "2")
}

// failsWithOld requires that err is a failed condition, and that it contains the
// stored version.
func (t *trial) failsWithOld(what string, err error, version string) error {
	if wrong := t.refused(what, err, "ConditionalCheckFailedException"); wrong != nil {
		return wrong
	}
	var failed *ddb.ConditionalCheckFailedException
	if !errors.As(err, &failed) || failed.Item["version"] == nil {
		return instead("%s fails without the old item", what)
	}
	if old, _ := failed.Item["version"].(*ddb.AttributeValueMemberS); old == nil || old.Value != version {
		return instead("%s fails with version %v, but %s is stored", what, failed.Item["version"], version)
	}
	return nil
}

func batches(ctx context.Context, t *trial) error {
	table, err := t.table(ctx, "items", nil)
	if err != nil {
		return err
	}
	get := func(keys []item) (*dynamodb.BatchGetItemOutput, error) {
		return t.Vendor.DynamoDB().BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]ddb.KeysAndAttributes{table: {Keys: keys}}})
	}
	var keys []item
	for i := range 101 {
		keys = append(keys, key(fmt.Sprintf("batch-%d", i)))
	}
	_, err = get(keys[:100])
	if err := t.accepted("100 keys", err); err != nil {
		return err
	}
	_, err = get(keys)
	if err := t.refused("101 keys", err, "ValidationException"); err != nil {
		return err
	}
	big := &ddb.AttributeValueMemberB{Value: bytes.Repeat([]byte("x"), 370<<10)}
	for _, k := range keys[:50] {
		if _, err := t.Vendor.DynamoDB().PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: item{"pk": k["pk"], "large": big}}); err != nil {
			return err
		}
	}
	out, err := get(keys[:50])
	if err != nil {
		return err
	}
	got, left := len(out.Responses[table]), len(out.UnprocessedKeys[table].Keys)
	t.remark("of 50 items with 18 MB in total, %d were returned and %d were unprocessed", got, left)
	if left == 0 || got+left != 50 || got*370<<10 > 16<<20 {
		return instead("of 50 items with 18 MB in total, %d were returned and %d were in UnprocessedKeys", got, left)
	}
	return nil
}

func transactions(ctx context.Context, t *trial) error {
	table, err := t.table(ctx, "items", nil)
	if err != nil {
		return err
	}
	put := func(name string) ddb.TransactWriteItem {
		return ddb.TransactWriteItem{Put: &ddb.Put{TableName: &table, Item: key(name)}}
	}
	check := func(name string) ddb.TransactWriteItem {
		return ddb.TransactWriteItem{ConditionCheck: &ddb.ConditionCheck{TableName: &table, Key: key(name), ConditionExpression: aws.String("attribute_not_exists(taken)")}}
	}
	write := func(members ...ddb.TransactWriteItem) error {
		_, err := t.Vendor.DynamoDB().TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: members})
		return err
	}
	members := []ddb.TransactWriteItem{check("checked")}
	for i := range 99 {
		members = append(members, put(fmt.Sprintf("transaction-%d", i)))
	}
	if err := t.accepted("99 writes and a check", write(members...)); err != nil {
		return err
	}
	if err := t.refused("100 writes and a check", write(append(members, put("one-more"))...), "ValidationException"); err != nil {
		return err
	}
	if err := t.refused("a write and a check of one item", write(check("twice"), put("twice")), "ValidationException"); err != nil {
		return err
	}
	update := func(size int) error {
		expression := "SET note = :v"
		expression += strings.Repeat(" ", size-len(expression))
		_, err := t.Vendor.DynamoDB().UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &table, Key: key("updated"), UpdateExpression: &expression, ExpressionAttributeValues: item{":v": text("x")},
		})
		return err
	}
	if err := t.accepted("an UpdateExpression of 4,096 bytes", update(4096)); err != nil {
		return err
	}
	return t.refused("an UpdateExpression of 4,097 bytes", update(4097), "ValidationException")
}

// onPartition returns a statement that allows writes to one partition, as the hub's
// policies do.
func (t *trial) onPartition(table, partition string) statement {
	return statement{
		"Effect": "Allow", "Action": []string{"dynamodb:PutItem", "dynamodb:GetItem"},
		"Resource": fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s", t.home().Partition(), t.home(), t.Vendor.Account, table),
		"Condition": map[string]any{
			"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": []string{partition}},
			"Null":                    map[string]any{"dynamodb:LeadingKeys": "false"},
		},
	}
}

func leadingKeysOfMembers(ctx context.Context, t *trial) error {
	table, err := t.table(ctx, "items", nil)
	if err != nil {
		return err
	}
	writer, err := t.principal(ctx, t.Vendor, "partition", t.onPartition(table, "OURS#*"))
	if err != nil {
		return err
	}
	write := func(names ...string) error {
		var members []ddb.TransactWriteItem
		for _, name := range names {
			members = append(members, ddb.TransactWriteItem{Put: &ddb.Put{TableName: &table, Item: key(name)}})
		}
		_, err := writer.DynamoDB().TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: members})
		return err
	}
	err = t.until(ctx, unsettled, func() error { return write("OURS#1", "OURS#2") })
	if err := t.accepted("a transaction in the partitions of the policy", err); err != nil {
		return err
	}
	return t.refused("a transaction with one item of another partition", write("OURS#1", "THEIRS#1"), "AccessDeniedException")
}

func leadingKeysOfNoTable(ctx context.Context, t *trial) error {
	missing := t.name("missing")
	reader, err := t.principal(ctx, t.Vendor, "notable", t.onPartition(missing, "OURS#*"))
	if err != nil {
		return err
	}
	_, err = reader.DynamoDB().GetItem(ctx, &dynamodb.GetItemInput{TableName: &missing, Key: key("OURS#1")})
	return t.refused("GetItem on a table that does not exist", err, "AccessDeniedException")
}

func disabledKey(ctx context.Context, t *trial) error {
	made, err := t.Vendor.kms().CreateKey(ctx, &kms.CreateKeyInput{
		Description: aws.String(t.name("key")), Tags: []kmstypes.Tag{{TagKey: aws.String(Tag), TagValue: &t.Run}},
	})
	if err != nil {
		return err
	}
	// The caller can't choose a key's ID, so it is in the ledger only after AWS has
	// returned it.
	id := *made.KeyMetadata.KeyId
	if err := t.creates(t.Vendor, "key", t.home(), id); err != nil {
		return err
	}
	table, err := t.table(ctx, "keyed", func(call *dynamodb.CreateTableInput) {
		call.SSESpecification = &ddb.SSESpecification{Enabled: aws.Bool(true), SSEType: ddb.SSETypeKms, KMSMasterKeyId: made.KeyMetadata.Arn}
	})
	if err != nil {
		return err
	}
	put := func() error {
		_, err := t.Vendor.DynamoDB().PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: key("x")})
		return err
	}
	if err := t.accepted("a write with the key", put()); err != nil {
		return err
	}
	if _, err := t.Vendor.kms().DisableKey(ctx, &kms.DisableKeyInput{KeyId: &id}); err != nil {
		return err
	}
	err = nil
	for range 30 { // DynamoDB caches data keys for minutes
		if err = put(); err != nil {
			break
		}
		if err := t.Pass(ctx, 20*time.Second); err != nil {
			return err
		}
	}
	if err == nil {
		return instead("ten minutes after its key was disabled, the table still accepts writes")
	}
	if !strings.Contains(strings.ToLower(err.Error()), "kms") && !strings.Contains(strings.ToLower(err.Error()), "key") {
		t.note("a write with the disabled key", err.Error())
		return instead("the refusal does not name the key: %v", err)
	}
	t.remark("%s", awsclient.Code(err))
	return t.refused("a write with the disabled key", err, "AccessDeniedException", "InaccessibleEncryptionCredentialsException", "KMSInvalidStateException", "ValidationException")
}
