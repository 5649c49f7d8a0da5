// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// console makes changes to hub acme that a person could make in the AWS console.
type console struct {
	*acctest.World
	ctx context.Context
}

const (
	acmeQueue = "arn:aws:sqs:us-east-1:111111111111:xacct-acme"
	acmeTopic = "arn:aws:sns:us-east-1:111111111111:xacct-acme-0"
	foreign   = "alias/another-key"
)

func (c console) topic(name, value string) error {
	_, err := c.Clients.SNS(c.Clients.Region).SetTopicAttributes(c.ctx, &sns.SetTopicAttributesInput{TopicArn: aws.String(acmeTopic), AttributeName: &name, AttributeValue: &value})
	return err
}

func (c console) subscription(name, value string) error {
	topics := c.Clients.SNS(c.Clients.Region)
	found, err := topics.ListSubscriptionsByTopic(c.ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(acmeTopic)})
	if err != nil {
		return err
	}
	_, err = topics.SetSubscriptionAttributes(c.ctx, &sns.SetSubscriptionAttributesInput{SubscriptionArn: found.Subscriptions[0].SubscriptionArn, AttributeName: &name, AttributeValue: &value})
	return err
}

func (c console) queue(queue, name, value string) error {
	queues := c.Clients.SQS(c.Clients.Region)
	found, err := queues.GetQueueUrl(c.ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		return err
	}
	_, err = queues.SetQueueAttributes(c.ctx, &sqs.SetQueueAttributesInput{QueueUrl: found.QueueUrl, Attributes: map[string]string{name: value}})
	return err
}

func (c console) bucket() *string {
	record, err := c.Registry("acme").Hub(c.ctx)
	if err != nil {
		panic(err)
	}
	return &record.Bucket
}

func (c console) table() *string { return aws.String("xacct-acme") }

// manualChanges has one change for each property of a hub that can be changed by hand,
// under the name that the plan's warning must give it. %B stands for the bucket's name.
var manualChanges = map[string]func(console) error{
	"signature version of topic " + acmeTopic:                               func(c console) error { return c.topic("SignatureVersion", "1") },
	"encryption of topic " + acmeTopic:                                      func(c console) error { return c.topic("KmsMasterKeyId", foreign) },
	"filter policy of subscription " + acmeTopic:                            func(c console) error { return c.subscription("FilterPolicy", `{"kind":["none"]}`) },
	"raw message delivery of subscription " + acmeTopic:                     func(c console) error { return c.subscription("RawMessageDelivery", "true") },
	"message retention of queue " + acmeQueue:                               func(c console) error { return c.queue("xacct-acme", "MessageRetentionPeriod", "86400") },
	"visibility timeout of queue " + acmeQueue:                              func(c console) error { return c.queue("xacct-acme", "VisibilityTimeout", "1") },
	"receive wait time of queue " + acmeQueue:                               func(c console) error { return c.queue("xacct-acme", "ReceiveMessageWaitTimeSeconds", "0") },
	"delivery delay of queue " + acmeQueue:                                  func(c console) error { return c.queue("xacct-acme", "DelaySeconds", "900") },
	"policy of queue " + acmeQueue:                                          func(c console) error { return c.queue("xacct-acme", "Policy", "") },
	"redrive policy of queue " + acmeQueue:                                  func(c console) error { return c.queue("xacct-acme", "RedrivePolicy", "") },
	"encryption of queue " + acmeQueue:                                      func(c console) error { return c.queue("xacct-acme", "KmsMasterKeyId", foreign) },
	"message retention of dead-letter queue " + acmeQueue + "-dead-letters": func(c console) error { return c.queue("xacct-acme-dead-letters", "MessageRetentionPeriod", "86400") },
	"policy of dead-letter queue " + acmeQueue + "-dead-letters":            func(c console) error { return c.queue("xacct-acme-dead-letters", "Policy", "") },
	"encryption of dead-letter queue " + acmeQueue + "-dead-letters":        func(c console) error { return c.queue("xacct-acme-dead-letters", "KmsMasterKeyId", foreign) },
	"policy of bucket arn:aws:s3:::%B": func(c console) error {
		_, err := c.Clients.S3().DeleteBucketPolicy(c.ctx, &s3.DeleteBucketPolicyInput{Bucket: c.bucket()})
		return err
	},
	"public access block of bucket arn:aws:s3:::%B": func(c console) error {
		_, err := c.Clients.S3().DeletePublicAccessBlock(c.ctx, &s3.DeletePublicAccessBlockInput{Bucket: c.bucket()})
		return err
	},
	"encryption of bucket arn:aws:s3:::%B": func(c console) error {
		_, err := c.Clients.S3().PutBucketEncryption(c.ctx, &s3.PutBucketEncryptionInput{
			Bucket: c.bucket(), ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{Rules: []s3types.ServerSideEncryptionRule{{
				ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{SSEAlgorithm: s3types.ServerSideEncryptionAwsKms},
			}}},
		})
		return err
	},
	"deletion protection of table arn:aws:dynamodb:us-east-1:111111111111:table/xacct-acme": func(c console) error {
		_, err := c.Clients.DynamoDB().UpdateTable(c.ctx, &dynamodb.UpdateTableInput{TableName: c.table(), DeletionProtectionEnabled: aws.Bool(false)})
		return err
	},
	"point-in-time recovery of table arn:aws:dynamodb:us-east-1:111111111111:table/xacct-acme": func(c console) error {
		_, err := c.Clients.DynamoDB().UpdateContinuousBackups(c.ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName: c.table(), PointInTimeRecoverySpecification: &dynamodbtypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(false)},
		})
		return err
	},
	"time to live of table arn:aws:dynamodb:us-east-1:111111111111:table/xacct-acme": func(c console) error {
		_, err := c.Clients.DynamoDB().UpdateTimeToLive(c.ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName: c.table(), TimeToLiveSpecification: &dynamodbtypes.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(false)},
		})
		return err
	},
	"encryption of table arn:aws:dynamodb:us-east-1:111111111111:table/xacct-acme": func(c console) error {
		_, err := c.Clients.DynamoDB().UpdateTable(c.ctx, &dynamodb.UpdateTableInput{TableName: c.table(), SSESpecification: &dynamodbtypes.SSESpecification{Enabled: aws.Bool(true)}})
		return err
	},
}

// All properties are changed in one hub at once. The plan must name each of them and no
// other, and after the apply none may have drifted.
func TestPropertiesChangedByHandAreNamedByThePlanAndRestoredByTheApply(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s, c := newState(t, w), console{w, t.Context()}
	config := hubHCL() + linkHCL(globex)
	s.apply(config)
	var want []string
	for name, change := range manualChanges {
		if err := change(c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want = append(want, strings.ReplaceAll(name, "%B", *c.bucket()))
	}
	link, err := w.Registry("acme").Customer(t.Context(), "globex")
	if err != nil {
		t.Fatal(err)
	}
	template, err := url.Parse(link.Link.TemplateURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Clients.S3().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: c.bucket(), Key: aws.String(strings.TrimPrefix(template.Path, "/"))}); err != nil {
		t.Fatal(err)
	}

	p := s.wantDrift(config, want)
	if p.Actions[linkGlobex] != tfcore.Update {
		t.Errorf("the plan is %v, want an update of the link to restore its template", p.Actions)
	}
	s.wantRestored(p, config)
}

// wantDrift plans a configuration and returns the plan. The drift warning must list
// exactly want, and the plan must update the hub.
func (s state) wantDrift(config string, want []string) *tfcore.Plan {
	s.t.Helper()
	p, found := s.Plan(s.t.Context(), s.w.Provider()+config, tfcore.Options{})
	if err := found.Err(); err != nil {
		s.t.Fatal(err)
	}
	var got []string
	for _, d := range found {
		if d.Address == theHub && d.Summary == "Hub acme has drifted" {
			for line := range strings.Lines(d.Detail) {
				if defect, listed := strings.CutPrefix(strings.TrimSpace(line), "- "); listed {
					got = append(got, defect)
				}
			}
		}
	}
	slices.Sort(want)
	if slices.Sort(got); !slices.Equal(got, want) {
		s.t.Errorf("the plan lists the drift\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if p.Actions[theHub] != tfcore.Update {
		s.t.Errorf("the plan is %v, want an update of the hub", p.Actions)
	}
	return p
}

// wantRestored applies a plan. The next plan must be empty and report no drift.
func (s state) wantRestored(p *tfcore.Plan, config string) {
	s.t.Helper()
	if err := s.Apply(s.t.Context(), p).Err(); err != nil {
		s.t.Fatal(err)
	}
	p, found := s.Plan(s.t.Context(), s.w.Provider()+config, tfcore.Options{})
	if !p.Empty() || strings.Contains(summaries(found), "drifted") {
		s.t.Errorf("after the apply the plan still has %s %s", p, found)
	}
}

// The topic, subscription, queues and bucket of one hub are deleted at once. After the
// apply, a customer can still launch the link that they had before.
func TestResourcesDeletedByHandAreNamedByThePlanAndRestoredByTheApply(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s, c := newState(t, w), console{w, t.Context()}
	config := hubHCL(`regions = ["us-east-1", "eu-west-1"]`) + linkHCL(globex) + roleHCL(globex)
	s.apply(config)
	const subscribed = "arn:aws:sns:eu-west-1:111111111111:xacct-acme-0"
	bucket := c.bucket()
	ireland := w.ClientsIn("eu-west-1").SNS(w.ClientsIn("eu-west-1").Region)
	for what, err := range map[string]error{
		"topic":             c.deleteTopic(),
		"subscription":      unsubscribe(t.Context(), ireland, subscribed),
		"queue":             c.deleteQueue("xacct-acme"),
		"dead-letter queue": c.deleteQueue("xacct-acme-dead-letters"),
		"bucket":            c.deleteBucket(bucket),
	} {
		if err != nil {
			t.Fatalf("delete the %s: %v", what, err)
		}
	}
	p := s.wantDrift(config, []string{
		"topic " + acmeTopic + " is gone", "subscription " + subscribed + " is gone",
		"queue " + acmeQueue + " is gone", "dead-letter queue " + acmeQueue + "-dead-letters is gone", "bucket arn:aws:s3:::" + *bucket + " is gone",
	})
	w.Clock().Advance(sqsForgets)
	s.wantRestored(p, config)
	defer w.Registrar("acme")()
	w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE")()
}

func (c console) deleteTopic() error {
	_, err := c.Clients.SNS(c.Clients.Region).DeleteTopic(c.ctx, &sns.DeleteTopicInput{TopicArn: aws.String(acmeTopic)})
	return err
}

func unsubscribe(ctx context.Context, topics *sns.Client, topic string) error {
	found, err := topics.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	if err != nil {
		return err
	}
	_, err = topics.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: found.Subscriptions[0].SubscriptionArn})
	return err
}

func (c console) deleteQueue(name string) error {
	queues := c.Clients.SQS(c.Clients.Region)
	found, err := queues.GetQueueUrl(c.ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return err
	}
	_, err = queues.DeleteQueue(c.ctx, &sqs.DeleteQueueInput{QueueUrl: found.QueueUrl})
	return err
}

// deleteBucket deletes a bucket and all its objects.
func (c console) deleteBucket(bucket *string) error {
	objects, err := c.Clients.S3().ListObjectsV2(c.ctx, &s3.ListObjectsV2Input{Bucket: bucket})
	if err != nil {
		return err
	}
	for _, object := range objects.Contents {
		if _, err := c.Clients.S3().DeleteObject(c.ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: object.Key}); err != nil {
			return err
		}
	}
	_, err = c.Clients.S3().DeleteBucket(c.ctx, &s3.DeleteBucketInput{Bucket: bucket})
	return err
}
