// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Leftovers returns the resources in the accounts of vendor and customer whose names
// begin with the prefix of all runs, and that are in no ledger: a run on another
// machine may have been killed. It finds a hub by its table.
func Leftovers(ctx context.Context, w *World) ([]Entry, error) {
	var found []Entry
	for _, p := range []*Party{w.Vendor, w.Customer} {
		add := func(kind, region, name string) {
			if strings.HasPrefix(name, Prefix) {
				found = append(found, Entry{Party: p.name, Kind: kind, Region: region, Name: name})
			}
		}
		for _, region := range w.Regions {
			stacks, err := p.cloudFormation(region).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
			if err != nil {
				return found, err
			}
			for _, s := range stacks.Stacks {
				add("stack", region.String(), aws.ToString(s.StackName))
			}
			topics, err := p.SNS(region).ListTopics(ctx, &sns.ListTopicsInput{})
			if err != nil {
				return found, err
			}
			for _, t := range topics.Topics {
				add("topic", region.String(), lastPart(aws.ToString(t.TopicArn), ":"))
			}
			queues, err := p.SQS(region).ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String(Prefix)})
			if err != nil {
				return found, err
			}
			for _, url := range queues.QueueUrls {
				add("queue", region.String(), lastPart(url, "/"))
			}
		}
		tables, err := p.DynamoDB().ListTables(ctx, &dynamodb.ListTablesInput{})
		if err != nil {
			return found, err
		}
		for _, name := range tables.TableNames {
			if hubName, ok := strings.CutPrefix(name, "xacct-"); ok && strings.HasPrefix(name, Prefix) && (strings.HasSuffix(name, "-hub") || strings.HasSuffix(name, "-tf")) {
				found = append(found, Entry{Party: p.name, Kind: "hub", Region: p.Region.String(), Name: hubName})
				continue
			}
			add("table", p.Region.String(), name)
		}
		buckets, err := p.S3().ListBuckets(ctx, &s3.ListBucketsInput{})
		if err != nil {
			return found, err
		}
		for _, b := range buckets.Buckets {
			add("bucket", p.Region.String(), aws.ToString(b.Name))
		}
		roles, err := p.iam().ListRoles(ctx, &iam.ListRolesInput{})
		if err != nil {
			return found, err
		}
		for _, r := range roles.Roles {
			add("role", p.Region.String(), aws.ToString(r.RoleName))
		}
	}
	return found, nil
}

func lastPart(s, separator string) string { return s[strings.LastIndex(s, separator)+1:] }
