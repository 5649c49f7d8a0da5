// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// selfTestPartition is the partition in which registrars record the self-tests that have
// arrived, for the apply that sent them.
const selfTestPartition = "SELF-TEST"

// selfTestLifetime is how long the record of a self-test is kept.
const selfTestLifetime = time.Hour

func selfTestKey(nonce, topic string) key { return key{selfTestPartition, nonce + "#" + topic} }

// RecordSelfTest records that the self-test with a nonce has arrived through a topic.
func (r *Registry) RecordSelfTest(ctx context.Context, nonce string, topic account.TopicARN) error {
	record := selfTestKey(nonce, topic.String()).item()
	record["schema"] = number(schema)
	record["expires"] = unixTime(r.now().Add(selfTestLifetime))
	if _, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: record}); err != nil {
		return fmt.Errorf("record in table %s that a self-test has arrived: %w", r.table, err)
	}
	return nil
}

// SelfTests returns the ARNs of the topics through which the self-test with a nonce has
// arrived.
func (r *Registry) SelfTests(ctx context.Context, nonce string) ([]string, error) {
	var topics []string
	pages := dynamodb.NewQueryPaginator(r.client, &dynamodb.QueryInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :nonce)"),
		ExpressionAttributeValues: item{":pk": text(selfTestPartition), ":nonce": text(nonce + "#")},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the self-tests from table %s: %w", r.table, err)
		}
		for _, found := range page.Items {
			_, topic, _ := strings.Cut(textOf(found, "sk"), "#")
			topics = append(topics, topic)
		}
	}
	return topics, nil
}
