// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// withResources returns a specification with template resources: a bucket that reports new objects to a
// queue, a topic for alarms, a rule for the account's events, and a log.
func withResources() Specification {
	s := asking()
	s.OptionalPermissions["changes"] = permissionset.OptionalPermission{ // its condition could get the name of a resource
		Description: "See changes", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/ViewOnlyAccess"},
	}
	s.TemplateResources = `{
  "Exports": {
    "Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "DependsOn": "ArrivalsPolicy",
    "Properties": {
      "BucketName": "acme-{{xacct:account_id}}-exports",
      "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
      "PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
      "NotificationConfiguration": {"QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Arrivals", "Arn"]}}]},
      "Tags": [{"Key": "vendor", "Value": "eHsiUmVmIjogIlJvbGUifQ=="}, {"Key": "text", "Value": "${not.a.variable} & <b>"}]
    }
  },
  "ExportsPolicy": {
    "Type": "AWS::S3::BucketPolicy",
    "Properties": {
      "Bucket": {"Ref": "Exports"},
      "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
        "Sid": "TLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [{"Fn::GetAtt": ["Exports", "Arn"]}, "arn:{{xacct:partition}}:s3:::acme-{{xacct:account_id}}-exports/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}
      }]}
    }
  },
  "Arrivals": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain", "Properties": {"MessageRetentionPeriod": 86400, "SqsManagedSseEnabled": true}},
  "ArrivalsPolicy": {
    "Type": "AWS::SQS::QueuePolicy",
    "Properties": {"Queues": [{"Ref": "Arrivals"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": {
      "Effect": "Allow", "Principal": {"Service": ["s3.amazonaws.com", "events.amazonaws.com"]}, "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Arrivals", "Arn"]},
      "Condition": {"StringEquals": {"aws:SourceAccount": "{{xacct:account_id}}"}}
    }}}
  },
  "ChangesEnabled": {"Type": "AWS::Events::Rule", "Properties": {
    "Description": "Tells of instances in {{xacct:account_id}}",
    "EventPattern": {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]},
    "Targets": [{"Id": "arrivals", "Arn": {"Fn::GetAtt": ["Arrivals", "Arn"]}}]
  }},
  "Alarms": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "Alarms of {{xacct:parameter:log_bucket}}"}},
  "AlarmsPolicy": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "Alarms"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sns:Subscribe", "Resource": {"Ref": "Alarms"}}]}}},
  "AlarmsToArrivals": {"Type": "AWS::SNS::Subscription", "Properties": {"TopicArn": {"Ref": "Alarms"}, "Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Arrivals", "Arn"]}}},
  "Log": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "RetainExceptOnCreate", "Properties": {"RetentionInDays": 30}}
}`
	s.TemplateOutputs = `{"bucket": {"Ref": "Exports"}, "queue_url": {"Ref": "Arrivals"}, "log": {"Fn::GetAtt": ["Log", "Arn"]},
		"region": {"Fn::Join": ["/", ["{{xacct:account_id}}", {"Ref": "AWS::Region"}]]}, "logs": "s3://{{xacct:parameter:log_bucket}}/"}`
	return s
}

// The phone-home is created after all template resources, and deleted before them.
func TestThePhoneHomeDependsOnAllTemplateResources(t *testing.T) {
	var template struct {
		Resources map[string]struct {
			DependsOn  any
			Properties map[string]any
		}
	}
	s := withResources()
	if err := json.Unmarshal(must(Render(s)).JSON(), &template); err != nil {
		t.Fatal(err)
	}
	phoneHome := template.Resources[PhoneHomeLogicalID]
	depends := map[string]bool{}
	references(phoneHome.Properties, depends)
	for _, name := range phoneHome.DependsOn.([]any) {
		if depends[name.(string)] {
			t.Errorf("%s is named twice, which cfn-lint reports", name)
		}
		depends[name.(string)] = true
	}
	names := resourceNames(s)
	for _, name := range names {
		if _, there := template.Resources[name]; !there || !depends[name] {
			t.Errorf("%s exists: %t; the phone-home depends on it: %t", name, there, depends[name])
		}
	}
	if len(names) != 9 {
		t.Errorf("%d resources", len(names))
	}
	reported, _ := phoneHome.Properties["Reported"].(map[string]any)
	if got := sortedKeys(reported); !slices.Equal(got, []string{"bucket", "log", "logs", "queue_url", "region"}) {
		t.Errorf("it reports %v", got)
	}
	without := minimal("us-east-1")
	if text := string(must(Render(without)).JSON()); strings.Contains(text, "DependsOn") || strings.Contains(text, "Reported") {
		t.Error("a template without template resources has DependsOn or Reported")
	}
}

// Only references are replaced. A text that looks like a function remains a text.
func TestTemplateResourcesAreUnchangedInTheTemplate(t *testing.T) {
	s := withResources()
	var template struct{ Resources map[string]map[string]any }
	if err := json.Unmarshal(must(Render(s)).JSON(), &template); err != nil {
		t.Fatal(err)
	}
	account := map[string]any{"Ref": "AWS::AccountId"}
	var want map[string]map[string]any
	text := strings.NewReplacer(
		`"acme-{{xacct:account_id}}-exports"`, `{"Fn::Join": ["", ["acme-", {"Ref": "AWS::AccountId"}, "-exports"]]}`,
		`"arn:{{xacct:partition}}:s3:::acme-{{xacct:account_id}}-exports/*"`, `{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::acme-", {"Ref": "AWS::AccountId"}, "-exports/*"]]}`,
		`"Tells of instances in {{xacct:account_id}}"`, `{"Fn::Join": ["", ["Tells of instances in ", {"Ref": "AWS::AccountId"}]]}`,
		`"{{xacct:account_id}}"`, `{"Ref": "AWS::AccountId"}`,
		`"Alarms of {{xacct:parameter:log_bucket}}"`, `{"Fn::Join": ["", ["Alarms of ", {"Ref": "InputLogBucket"}]]}`,
	).Replace(string(s.TemplateResources))
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	want["Exports"]["UpdateReplacePolicy"], want["Log"]["UpdateReplacePolicy"] = "Retain", "Retain" // the only addition
	for name, definition := range want {
		if diff := cmp.Diff(definition, template.Resources[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	reported := template.Resources[PhoneHomeLogicalID]["Properties"].(map[string]any)["Reported"].(map[string]any)
	if diff := cmp.Diff(any(map[string]any{"Fn::Join": []any{"/", []any{account, map[string]any{"Ref": "AWS::Region"}}}}), reported["region"]); diff != "" {
		t.Error(diff)
	}
}

func TestTheDescriptionSaysWhatElseTheStackCreates(t *testing.T) {
	s := minimal("us-east-1")
	s.TemplateResources = `{"Exports": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}, "Q": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete"}}`
	s.TemplateOutputs = `{"bucket": {"Ref": "Exports"}}`
	const want = " It also creates S3 bucket Exports, which stays when you delete the stack; SQS queue Q, which is deleted with the stack. It tells acme: bucket. Deleting the stack ends the access."
	if got := description(s); !strings.Contains(got, want) {
		t.Error(got)
	}
}
