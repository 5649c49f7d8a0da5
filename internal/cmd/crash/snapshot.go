// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// snapshot has one line for each resource in the vendor's account and for each in
// Terraform's state. Lines are sorted, and values that differ between runs (random
// keys, times, counters) are replaced.
type snapshot []string

// differs returns an error that names what is missing and what should not
// exist.
func (w snapshot) differs(want snapshot) error {
	missing, extra := without(want, w), without(w, want)
	if len(missing)+len(extra) == 0 {
		return nil
	}
	return fmt.Errorf("the result differs from a run without a crash\n  missing:\n    %s\n  unexpected:\n    %s",
		strings.Join(missing, "\n    "), strings.Join(extra, "\n    "))
}

func without(from, these snapshot) snapshot {
	left := slices.Clone(from)
	for _, line := range these {
		if i := slices.Index(left, line); i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
	}
	return left
}

// replacements are the values that differ between runs, with their placeholders.
var replacements = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "<uuid>"},
	{regexp.MustCompile(`[0-9a-f]{16,}`), "<hex>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "<time>"},
	{regexp.MustCompile(`(<time>#)\d{12}`), "$1<count>"}, // a history's key ends in a revision
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "<sandbox>"},
	{regexp.MustCompile(`"\d{10,13}"`), `"<moment>"`},
	{regexp.MustCompile(`"ApproximateNumberOfMessages":"\d+"`), "<answered already>"}, // leave checks the queue if this could hide a difference
	{regexp.MustCompile(`(Revision\\*":)\d+`), "$1<count>"},
	{regexp.MustCompile(`(XacctPublishers)\d+`), "$1<count>"},
	{regexp.MustCompile(`(Incarnation\\*":\{\\*"ID\\*":\\*")[A-Z2-7]{26}`), "$1<in no state>"},
}

// ofState finds a resource's address and its incarnation in the line of the state.
var ofState = regexp.MustCompile(`^state (\S+) .*"incarnation":"([A-Z2-7]{26})"`)

// nameIncarnations replaces the random incarnations of the state's resources with
// their addresses in all lines. A record with another incarnation still differs.
func (w snapshot) nameIncarnations() {
	var names []string
	for _, line := range w {
		if found := ofState.FindStringSubmatch(line); found != nil {
			names = append(names, found[2], "<incarnation of "+found[1]+">")
		}
	}
	replacer := strings.NewReplacer(names...)
	for i := range w {
		w[i] = replacer.Replace(w[i])
	}
}

// snapshot returns the current state of the account and of Terraform's state.
func (s *stage) snapshot(ctx context.Context) (snapshot, error) {
	clients, err := trial.Clients(ctx, s.box, vendor, "us-east-1")
	if err != nil {
		return nil, err
	}
	var seen snapshot
	looks := []func(context.Context, *awsclient.Clients) (snapshot, error){readTopics, readQueues, readBuckets, readTables}
	for _, at := range looks {
		found, err := at(ctx, clients)
		if err != nil {
			return nil, err
		}
		seen = append(seen, found...)
	}
	state, err := s.readState()
	if err != nil {
		return nil, err
	}
	seen = append(seen, state...)
	seen.nameIncarnations()
	for i := range seen {
		for _, r := range replacements {
			seen[i] = r.what.ReplaceAllString(seen[i], r.by)
		}
	}
	slices.Sort(seen)
	return seen, nil
}

// regions are the Regions of the hub, and one that must stay empty.
var regions = []string{"us-east-1", "eu-west-1", "eu-central-1"}

func readTopics(ctx context.Context, clients *awsclient.Clients) (snapshot, error) {
	var seen snapshot
	for _, name := range regions {
		region, err := account.ParseRegion(name)
		if err != nil {
			return nil, err
		}
		client := clients.SNS(region)
		topics, err := client.ListTopics(ctx, &sns.ListTopicsInput{})
		if err != nil {
			return nil, err
		}
		for _, topic := range topics.Topics {
			attributes, err := client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic.TopicArn})
			if err != nil {
				return nil, err
			}
			tags, err := client.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: topic.TopicArn})
			if err != nil {
				return nil, err
			}
			seen = append(seen, line("topic", *topic.TopicArn, attributes.Attributes, tags.Tags))
		}
		subscriptions, err := client.ListSubscriptions(ctx, &sns.ListSubscriptionsInput{})
		if err != nil {
			return nil, err
		}
		for _, subscription := range subscriptions.Subscriptions {
			attributes, err := client.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: subscription.SubscriptionArn})
			if err != nil {
				return nil, err
			}
			seen = append(seen, line("subscription", *subscription.TopicArn, attributes.Attributes))
		}
	}
	return seen, nil
}

func readQueues(ctx context.Context, clients *awsclient.Clients) (snapshot, error) {
	client := clients.SQS(clients.Region)
	queues, err := client.ListQueues(ctx, &sqs.ListQueuesInput{})
	if err != nil {
		return nil, err
	}
	var seen snapshot
	for _, url := range queues.QueueUrls {
		attributes, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
		})
		if err != nil {
			return nil, err
		}
		tags, err := client.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
		if err != nil {
			return nil, err
		}
		seen = append(seen, line("queue", url, attributes.Attributes, tags.Tags))
	}
	return seen, nil
}

func readBuckets(ctx context.Context, clients *awsclient.Clients) (snapshot, error) {
	client := clients.S3()
	buckets, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return nil, err
	}
	var seen snapshot
	for _, bucket := range buckets.Buckets {
		policy, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket.Name})
		if err != nil {
			return nil, err
		}
		access, err := client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket.Name})
		if err != nil {
			return nil, err
		}
		tags, err := client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket.Name})
		if err != nil {
			return nil, err
		}
		seen = append(seen, line("bucket", *bucket.Name, aws.ToString(policy.Policy), access.PublicAccessBlockConfiguration, tags.TagSet))
		objects, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket.Name})
		if err != nil {
			return nil, err
		}
		for _, object := range objects.Contents {
			seen = append(seen, line("object", *object.Key, object.Size))
		}
	}
	return seen, nil
}

// transientAttributes are attributes of items that count writes or belong to leases.
var transientAttributes = []string{"revision", "sequence", "written", "lease_holder", "lease_until", "ttl"}

func readTables(ctx context.Context, clients *awsclient.Clients) (snapshot, error) {
	client := clients.DynamoDB()
	tables, err := client.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		return nil, err
	}
	var seen snapshot
	for _, name := range tables.TableNames {
		table, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if err != nil {
			return nil, err
		}
		backups, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
		if err != nil {
			return nil, err
		}
		tags, err := client.ListTagsOfResource(ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: table.Table.TableArn})
		if err != nil {
			return nil, err
		}
		seen = append(seen, line("table", name, table.Table.DeletionProtectionEnabled, table.Table.KeySchema,
			backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus, tags.Tags))
		items, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: &name, ConsistentRead: aws.Bool(true)})
		if err != nil {
			return nil, err
		}
		for _, item := range items.Items {
			if _, expires := item["expires"]; expires && isTransient(item) {
				continue // left by a killed process: DynamoDB's time to live removes it
			}
			for _, attribute := range transientAttributes {
				delete(item, attribute)
			}
			delete(item, "key") // the hub's secret
			seen = append(seen, line("item", "", item))
		}
	}
	return seen, nil
}

// isTransient reports whether an item is a registrar's heartbeat, or its record of a
// test message that has arrived.
func isTransient(item map[string]dynamodbtypes.AttributeValue) bool {
	pk, _ := item["pk"].(*dynamodbtypes.AttributeValueMemberS)
	return pk != nil && (pk.Value == "REGISTRARS" || pk.Value == "SELF-TEST")
}

// readState reads the state file itself.
func (s *stage) readState() (snapshot, error) {
	resources, err := s.state()
	if err != nil {
		return nil, err
	}
	var seen snapshot
	for _, r := range resources {
		for _, instance := range r.Instances {
			seen = append(seen, line("state", r.Type+"."+r.Name, instance))
		}
	}
	return seen, nil
}

type stateResource struct {
	Type, Name string
	Instances  []struct {
		Status     string         `json:"status"` // "tainted", or empty
		Deposed    string         `json:"deposed"`
		Attributes map[string]any `json:"attributes"`
	}
}

func (s *stage) state() ([]stateResource, error) {
	text, err := os.ReadFile(filepath.Join(s.Dir, "terraform.tfstate"))
	if err != nil {
		return nil, err
	}
	var state struct{ Resources []stateResource }
	if err := json.Unmarshal(text, &state); err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	return state.Resources, nil
}

func (s *stage) attribute(kind, name, attribute string) (string, error) {
	resources, err := s.state()
	if err != nil {
		return "", err
	}
	for _, r := range resources {
		if r.Type == kind && r.Name == name && len(r.Instances) == 1 {
			text, _ := r.Instances[0].Attributes[attribute].(string)
			return text, nil
		}
	}
	return "", fmt.Errorf("%s.%s is not in the state", kind, name)
}

// drained waits until the hub's queue is empty. Its messages were answered before the
// crash, but a registrar has to receive and delete them.
func (s *stage) drained(ctx context.Context) error {
	clients, err := trial.Clients(ctx, s.box, vendor, "us-east-1")
	if err != nil {
		return err
	}
	client, name := clients.SQS(clients.Region), "xacct-crash"
	queue, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return err
	}
	for look := time.NewTicker(50 * time.Millisecond); ; {
		left, err := trial.Messages(ctx, client, *queue.QueueUrl)
		if err == nil && left == 0 {
			return nil
		}
		if err == nil {
			select {
			case <-look.C:
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		return fmt.Errorf("%d messages are left in the queue: %w", left, err)
	}
}

// nothingLeft returns an error if anything exists, anywhere.
func nothingLeft(ctx context.Context, s *stage) error {
	left, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind by the destroy:\n    %s", strings.Join(left, "\n    "))
	}
	return nil
}

// line returns the line of one resource: equal resources have equal lines.
func line(kind, name string, parts ...any) string {
	text := []string{kind, name}
	for _, part := range parts {
		text = append(text, canonical(part))
	}
	return strings.Join(text, " ")
}

// canonical returns JSON in which lists, such as tags, are sorted.
func canonical(part any) string {
	encoded, err := json.Marshal(part)
	if err != nil {
		return err.Error()
	}
	var list []any
	if json.Unmarshal(encoded, &list) != nil || list == nil {
		return string(encoded)
	}
	elements := make([]string, len(list))
	for i, element := range list {
		elements[i] = canonical(element)
	}
	slices.Sort(elements)
	return "[" + strings.Join(elements, ",") + "]"
}
