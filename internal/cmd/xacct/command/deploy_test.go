// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/rogpeppe/go-internal/testscript"
)

// deploy FILE creates the queues, table, bucket and topic of a hub's template, as
// CloudFormation would. The sandbox's CloudFormation supports only the resource types
// of customers' stacks.
func (w *world) deploy(ts *testscript.TestScript, args []string) {
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				QueueName, TableName, BucketName, TopicName string

				KeySchema            []struct{ AttributeName, KeyType string }
				AttributeDefinitions []struct{ AttributeName, AttributeType string }
			}
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &template))
	ctx, made := context.Background(), 0
	for _, r := range template.Resources {
		p := r.Properties
		var err error
		switch r.Type {
		case "AWS::SQS::Queue":
			_, err = w.clients.SQS(w.clients.Region).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &p.QueueName})
		case "AWS::SNS::Topic":
			_, err = w.clients.SNS(w.clients.Region).CreateTopic(ctx, &sns.CreateTopicInput{Name: &p.TopicName})
		case "AWS::S3::Bucket":
			_, err = w.clients.S3().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &p.BucketName})
		case "AWS::DynamoDB::Table":
			input := &dynamodb.CreateTableInput{TableName: &p.TableName, BillingMode: types.BillingModePayPerRequest}
			for _, k := range p.KeySchema {
				input.KeySchema = append(input.KeySchema, types.KeySchemaElement{AttributeName: aws.String(k.AttributeName), KeyType: types.KeyType(k.KeyType)})
			}
			for _, a := range p.AttributeDefinitions {
				input.AttributeDefinitions = append(input.AttributeDefinitions, types.AttributeDefinition{
					AttributeName: aws.String(a.AttributeName), AttributeType: types.ScalarAttributeType(a.AttributeType),
				})
			}
			_, err = w.clients.DynamoDB().CreateTable(ctx, input)
		default:
			continue
		}
		ts.Check(err)
		made++
	}
	if made != 5 {
		ts.Fatalf("the template has %d queues, tables, buckets and topics, not 5", made)
	}
}
