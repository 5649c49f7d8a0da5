// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// console makes changes that a person could make in the AWS console.
type console struct {
	*world
	ctx context.Context
}

func (m console) topic(attribute, value string) error {
	_, err := m.Manager.clients.SNS(virginia).SetTopicAttributes(m.ctx, &sns.SetTopicAttributesInput{
		TopicArn: aws.String(m.Manager.topic(virginia, 0).String()), AttributeName: &attribute, AttributeValue: &value,
	})
	return err
}

func (m console) subscriptionARN() string {
	arn, err := m.Manager.subscription(m.ctx, m.Manager.topic(virginia, 0))
	m.must(err)
	return arn
}

func (m console) subscription(attribute, value string) error {
	_, err := m.Manager.clients.SNS(virginia).SetSubscriptionAttributes(m.ctx, &sns.SetSubscriptionAttributesInput{
		SubscriptionArn: aws.String(m.subscriptionARN()), AttributeName: &attribute, AttributeValue: &value,
	})
	return err
}

func (m console) queue(name, attribute, value string) error {
	_, err := m.Manager.clients.SQS(frankfurt).SetQueueAttributes(m.ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: aws.String(m.queueURL(name)), Attributes: map[string]string{attribute: value},
	})
	return err
}

func (m console) bucket() *string { return aws.String(m.hubRecord().Bucket) }
func (m console) table() *string  { return aws.String(m.registry.Table()) }

const (
	mainQueue   = "xacct-acme"
	deadLetters = "xacct-acme-dead-letters"
	someKey     = "alias/another-key"
)

// drifts are changes by hand, each with the defect that a read must report.
var drifts = map[string]struct {
	change   func(console) error
	part     Part
	property Property
}{
	"a topic is deleted": {func(m console) error {
		return m.deleteTopics(m.ctx, []account.TopicARN{m.Manager.topic(virginia, 0)})
	}, Topic, ""},
	"a topic signs with SHA-1":    {func(m console) error { return m.topic("SignatureVersion", "1") }, Topic, SignatureVersion},
	"a topic is encrypted":        {func(m console) error { return m.topic("KmsMasterKeyId", someKey) }, Topic, Encryption},
	"a subscription is filtering": {func(m console) error { return m.subscription("FilterPolicy", `{"kind":["none"]}`) }, Subscription, FilterPolicy},
	"a subscription is raw":       {func(m console) error { return m.subscription("RawMessageDelivery", "true") }, Subscription, RawDelivery},
	"a subscription is deleted": {func(m console) error {
		_, err := m.Manager.clients.SNS(virginia).Unsubscribe(m.ctx, &sns.UnsubscribeInput{SubscriptionArn: aws.String(m.subscriptionARN())})
		return err
	}, Subscription, ""},

	"the queue is deleted":               {func(m console) error { return m.deleteQueue(m.ctx, mainQueue) }, Queue, ""},
	"the queue keeps messages for a day": {func(m console) error { return m.queue(mainQueue, "MessageRetentionPeriod", "86400") }, Queue, MessageRetention},
	"the queue hides them for a second":  {func(m console) error { return m.queue(mainQueue, "VisibilityTimeout", "1") }, Queue, VisibilityTimeout},
	"the queue is short-polled":          {func(m console) error { return m.queue(mainQueue, "ReceiveMessageWaitTimeSeconds", "0") }, Queue, ReceiveWaitTime},
	"the queue delays messages":          {func(m console) error { return m.queue(mainQueue, "DelaySeconds", "900") }, Queue, DeliveryDelay},
	"the queue's policy is gone":         {func(m console) error { return m.queue(mainQueue, "Policy", "") }, Queue, Policy},
	"the queue has no dead letters":      {func(m console) error { return m.queue(mainQueue, "RedrivePolicy", "") }, Queue, RedrivePolicy},
	"the queue has a foreign key":        {func(m console) error { return m.queue(mainQueue, "KmsMasterKeyId", someKey) }, Queue, Encryption},
	"the queue is not encrypted":         {func(m console) error { return m.queue(mainQueue, "SqsManagedSseEnabled", "false") }, Queue, Encryption},

	"the dead letters are deleted":       {func(m console) error { return m.deleteQueue(m.ctx, deadLetters) }, DeadLetterQueue, ""},
	"dead letters are kept for a day":    {func(m console) error { return m.queue(deadLetters, "MessageRetentionPeriod", "86400") }, DeadLetterQueue, MessageRetention},
	"the dead letters' policy is gone":   {func(m console) error { return m.queue(deadLetters, "Policy", "") }, DeadLetterQueue, Policy},
	"the dead letters have another key":  {func(m console) error { return m.queue(deadLetters, "KmsMasterKeyId", someKey) }, DeadLetterQueue, Encryption},
	"the dead letters are not encrypted": {func(m console) error { return m.queue(deadLetters, "SqsManagedSseEnabled", "false") }, DeadLetterQueue, Encryption},

	"the bucket is deleted": {func(m console) error { _, err := m.deleteBucket(m.ctx, m.hubRecord()); return err }, Bucket, ""},
	"the bucket's policy is gone": {func(m console) error {
		_, err := m.Manager.clients.S3().DeleteBucketPolicy(m.ctx, &s3.DeleteBucketPolicyInput{Bucket: m.bucket()})
		return err
	}, Bucket, Policy},
	"the bucket allows public ACLs": {func(m console) error {
		_, err := m.Manager.clients.S3().DeletePublicAccessBlock(m.ctx, &s3.DeletePublicAccessBlockInput{Bucket: m.bucket()})
		return err
	}, Bucket, PublicAccess},
	"the bucket has a foreign key": {func(m console) error {
		_, err := m.Manager.clients.S3().PutBucketEncryption(m.ctx, &s3.PutBucketEncryptionInput{
			Bucket: m.bucket(), ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{Rules: []s3types.ServerSideEncryptionRule{{
				ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{SSEAlgorithm: s3types.ServerSideEncryptionAwsKms},
			}}},
		})
		return err
	}, Bucket, Encryption},

	"the table may be deleted": {func(m console) error {
		_, err := m.Manager.clients.DynamoDB().UpdateTable(m.ctx, &dynamodb.UpdateTableInput{TableName: m.table(), DeletionProtectionEnabled: aws.Bool(false)})
		return err
	}, Table, DeletionProtection},
	"the table has no point-in-time recovery": {func(m console) error {
		_, err := m.Manager.clients.DynamoDB().UpdateContinuousBackups(m.ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName: m.table(), PointInTimeRecoverySpecification: &dynamodbtypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(false)},
		})
		return err
	}, Table, PointInTimeRecovery},
	"the table expires nothing": {func(m console) error {
		_, err := m.Manager.clients.DynamoDB().UpdateTimeToLive(m.ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName: m.table(), TimeToLiveSpecification: &dynamodbtypes.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(false)},
		})
		return err
	}, Table, Expiry},
	"the table has another key": {func(m console) error {
		_, err := m.Manager.clients.DynamoDB().UpdateTable(m.ctx, &dynamodb.UpdateTableInput{
			TableName: m.table(), SSESpecification: &dynamodbtypes.SSESpecification{Enabled: aws.Bool(true)},
		})
		return err
	}, Table, Encryption},
}

func TestChangesByHandAreReportedAndRepaired(t *testing.T) {
	t.Parallel()
	for name, drift := range drifts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHub(t)
			w.linked("globex", globex)
			w.must(w.Permissions().Allow(t.Context(), 0, globex))
			w.must(drift.change(console{w, t.Context()}))

			state, err := w.process().Read(t.Context())
			w.must(err)
			if !slices.ContainsFunc(state.Defects, func(d Defect) bool { return d.Part == drift.part && d.Property == drift.property }) {
				t.Errorf("the defects are %v, want %q of the %s", state.Defects, drift.property, drift.part)
			}
			if drift.property != "" && len(state.Defects) != 1 {
				t.Errorf("the defects are %v, want one", state.Defects)
			}
			_, err = w.process().Update(t.Context(), spec())
			w.must(err)
			w.complete(frankfurt, virginia)
			w.mayPublish(globex, frankfurt, virginia)
		})
	}
}

// Unlike other properties, publishers are repaired by a refresh.
func TestATopicsPublishersChangedByHandAreRepairedByARefresh(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]string{
		"all are gone":      `{"Version":"2008-10-17","Statement":[{"Sid":"owner","Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Subscribe","Resource":"arn:aws:sns:us-east-1:111111111111:xacct-acme-0","Condition":{"StringEquals":{"AWS:SourceOwner":"111111111111"}}}]}`,
		"others allow more": `{"Version":"2012-10-17","Statement":[{"Sid":"XacctPublishers1","Effect":"Allow","Principal":"*","Action":"SNS:Publish","Resource":"arn:aws:sns:us-east-1:111111111111:xacct-acme-0"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHub(t)
			w.linked("globex", globex)
			w.must(w.Permissions().Allow(t.Context(), 0, globex))
			w.must(console{w, t.Context()}.topic("Policy", policy))
			state, err := w.Read(t.Context())
			w.must(err)
			if !state.PoliciesOutdated {
				t.Error("the read reports no policy that is behind")
			}
			w.must(w.process().Permissions().Repair(t.Context()))
			w.mayPublish(globex, virginia)
			w.mayNotPublish(initech, virginia)
			w.complete(frankfurt, virginia)
		})
	}
}
