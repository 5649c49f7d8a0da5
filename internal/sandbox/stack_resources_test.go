// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// exportStack is a template with a bucket, a queue, a topic, a subscription, a rule
// and a log group, and with policies of the first three.
const exportStack = `{"Resources": {
  "Exports": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {
    "BucketName": {"Fn::Join": ["-", ["exports", {"Ref": "AWS::AccountId"}]]},
    "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
    "LifecycleConfiguration": {"Rules": [{"Id": "old", "Status": "Enabled", "ExpirationInDays": 30}]},
    "PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
    "VersioningConfiguration": {"Status": "Enabled"}, "Tags": [{"Key": "vendor", "Value": "acme"}]}},
  "ExportsPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Exports"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": [
    {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": {"Fn::Join": ["", [{"Fn::GetAtt": ["Exports", "Arn"]}, "/secret/*"]]}}]}}},
  "Queue": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete", "Properties": {"VisibilityTimeout": 60}},
  "QueuePolicy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}, "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}]}}},
  "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "Alarms"}},
  "TopicPolicy": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sns:Publish", "Resource": {"Ref": "Topic"}}]}}},
  "Subscription": {"Type": "AWS::SNS::Subscription", "DependsOn": "QueuePolicy", "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}, "RawMessageDelivery": true}},
  "Rule": {"Type": "AWS::Events::Rule", "DependsOn": "QueuePolicy", "Properties": {"EventPattern": {"source": [{"prefix": "globex."}], "detail": {"state": ["bad"]}},
    "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}]}},
  "Log": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Delete", "Properties": {"RetentionInDays": 30}}},
 "Outputs": {"Queue": {"Value": {"Ref": "Queue"}}, "Topic": {"Value": {"Ref": "Topic"}}, "Rule": {"Value": {"Fn::GetAtt": ["Rule", "Arn"]}}, "Log": {"Value": {"Fn::GetAtt": ["Log", "Arn"]}},
  "Domain": {"Value": {"Fn::GetAtt": ["Exports", "RegionalDomainName"]}}}}`

// TestAStacksResourcesWork checks that a stack's buckets, queues, topics, rules and
// log groups are those of the sandbox's services: they receive what others send,
// can be updated, and do not exist after they were deleted.
func TestAStacksResourcesWork(t *testing.T) {
	box := start(t, WithRegion("eu-west-1"))
	if err := box.OpenAccount(customer, "aws"); err != nil {
		t.Fatal(err)
	}
	ctx, config := t.Context(), as(t, box, customer)
	config.Region = "eu-west-1"
	stacks, queues, topics, events := cfn.NewFromConfig(config), sqs.NewFromConfig(config), sns.NewFromConfig(config), eventbridge.NewFromConfig(config)
	buckets := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	settled := func(id, status string) Stack {
		t.Helper()
		st, err := box.WaitStack(ctx, id)
		if err != nil || st.Status != status {
			t.Fatalf("the stack is %s, not %s (%v): %v", st.Status, status, err, box.StackEvents(id))
		}
		return st
	}
	name := aws.String("exports")
	created, err := stacks.CreateStack(ctx, &cfn.CreateStackInput{StackName: name, TemplateBody: aws.String(exportStack)})
	check(err)
	st := settled(*created.StackId, "CREATE_COMPLETE")

	const bucket = "exports-" + customer
	if st.Outputs["Domain"] != bucket+".s3.eu-west-1.amazonaws.com" || !strings.HasSuffix(st.Outputs["Log"], ":*") || !strings.Contains(st.Outputs["Rule"], ":rule/exports-Rule-") {
		t.Errorf("the outputs are %v", st.Outputs)
	}
	put := func(key string) error {
		_, err := buckets.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader("x")})
		return err
	}
	check(put("a"))
	if code(put("secret/a")) != "AccessDenied" {
		t.Error("the bucket's policy does not apply")
	}
	versions, err := buckets.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: aws.String(bucket)})
	if err != nil || versions.Status != "Enabled" {
		t.Errorf("the bucket's versioning is %v, %v", versions, err)
	}
	received := func() string {
		t.Helper()
		out, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(st.Outputs["Queue"])})
		check(err)
		if len(out.Messages) == 0 {
			return ""
		}
		return *out.Messages[0].Body
	}
	_, err = topics.Publish(ctx, &sns.PublishInput{TopicArn: aws.String(st.Outputs["Topic"]), Message: aws.String("an alarm")})
	check(err)
	if got := received(); got != "an alarm" {
		t.Errorf("the queue has %q", got)
	}
	for _, state := range []string{"good", "bad"} {
		_, err := events.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
			Source: aws.String("globex.shop"), DetailType: aws.String("Change"), Detail: aws.String(`{"state":"` + state + `"}`),
		}}})
		check(err)
	}
	if got := received(); !strings.Contains(got, `"state":"bad"`) {
		t.Errorf("the rule sent %q", got)
	}
	if got := received(); got != "" {
		t.Errorf("the rule sent %q as well", got)
	}

	next := strings.NewReplacer(`"VisibilityTimeout": 60`, `"VisibilityTimeout": 90`, `"DisplayName": "Alarms"`, `"DisplayName": "Bells"`, `"RetentionInDays": 30`, `"RetentionInDays": 60`,
		`["bad"]`, `["good"]`, `/secret/*`, `/private/*`, `"Status": "Enabled"}, "Tags"`, `"Status": "Suspended"}, "Tags"`).Replace(exportStack)
	_, err = stacks.UpdateStack(ctx, &cfn.UpdateStackInput{StackName: name, TemplateBody: &next})
	check(err)
	settled(*created.StackId, "UPDATE_COMPLETE")
	check(put("secret/a"))
	attributes, err := queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(st.Outputs["Queue"]), AttributeNames: []sqstypes.QueueAttributeName{"VisibilityTimeout"}})
	if err != nil || attributes.Attributes["VisibilityTimeout"] != "90" {
		t.Errorf("the queue has %v, %v", attributes, err)
	}
	check(box.DeleteStack(ctx, *created.StackId))
	settled(*created.StackId, "DELETE_COMPLETE")
	check(put("b")) // the bucket was retained
	if _, err := queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(st.Outputs["Queue"])}); code(err) != "QueueDoesNotExist" && !strings.Contains(code(err), "NonExistentQueue") {
		t.Errorf("the queue still exists: %v", err)
	}
	if rules, err := events.ListRules(ctx, &eventbridge.ListRulesInput{}); err != nil || len(rules.Rules) > 0 {
		t.Errorf("rules: %v, %v", rules, err)
	}
	if _, err := topics.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(st.Outputs["Topic"])}); code(err) != "NotFound" {
		t.Errorf("the topic still exists: %v", err)
	}

	// A second stack fails, because the first one's bucket still exists.
	again, err := stacks.CreateStack(ctx, &cfn.CreateStackInput{StackName: aws.String("again"), TemplateBody: aws.String(exportStack)})
	check(err)
	settled(*again.StackId, "ROLLBACK_COMPLETE")
}

func TestAStackWithUnimplementedPropertiesFails(t *testing.T) {
	box := start(t, WithRegion("eu-west-1"))
	if err := box.OpenAccount(customer, "aws"); err != nil {
		t.Fatal(err)
	}
	config := as(t, box, customer)
	config.Region = "eu-west-1"
	stacks := cfn.NewFromConfig(config)
	for name, c := range map[string]struct{ resource, want string }{
		"a website":        {`{"Type": "AWS::S3::Bucket", "Properties": {"WebsiteConfiguration": {}}}`, "extraneous key [WebsiteConfiguration]"},
		"a FIFO queue":     {`{"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": true}}`, "extraneous key [FifoQueue]"},
		"an email address": {`{"Type": "AWS::SNS::Subscription", "Properties": {"TopicArn": "arn:aws:sns:eu-west-1:222222222222:x", "Protocol": "email", "Endpoint": "a@b.example"}}`, "Service: Sns"},
		"a schedule":       {`{"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "rate(1 day)"}}`, "extraneous key [ScheduleExpression]"},
		"another pattern":  {`{"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": [{"suffix": "x"}]}}}`, "has another comparison"},
		"a target's input": {`{"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": ["x"]}, "Targets": [{"Id": "a", "Arn": "b", "Input": "c"}]}}`, "extraneous key [Input]"},
		"another Region":   {`{"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": ["x"]}, "Targets": [{"Id": "a", "Arn": "arn:aws:sqs:us-west-2:222222222222:q"}]}}`, "in the rule's Region"},
		"a key for logs":   {`{"Type": "AWS::Logs::LogGroup", "Properties": {"KmsKeyId": "x"}}`, "extraneous key [KmsKeyId]"},
		"a retention":      {`{"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 31}}`, "retentionInDays"},
	} {
		t.Run(name, func(t *testing.T) {
			created, err := stacks.CreateStack(t.Context(), &cfn.CreateStackInput{
				StackName: aws.String(strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), "'", "")), TemplateBody: aws.String(`{"Resources": {"X": ` + c.resource + `}}`),
			})
			if err != nil {
				t.Fatal(err)
			}
			st, err := box.WaitStack(t.Context(), *created.StackId)
			reasons := ""
			for _, e := range box.StackEvents(st.ID) {
				reasons += e.ResourceStatusReason + "\n"
			}
			if err != nil || st.Status != "ROLLBACK_COMPLETE" || !strings.Contains(reasons, c.want) {
				t.Errorf("the stack is %s, %v:\n%s", st.Status, err, reasons)
			}
		})
	}
}
