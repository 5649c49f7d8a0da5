// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// must returns the value or panics.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	vendor     = must(account.ParseID("111111111111"))
	commercial = must(account.ParsePartition("aws"))
)

const readBuckets = `{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}]
}`

const restartHosts = `{
  "Version": "2012-10-17",
  "Statement": [{"Sid": "Restart", "Effect": "Allow", "Action": "ec2:RebootInstances", "Resource": "*"}]
}`

func minimal() Set { return Set{Role: Role{InlinePolicies: Policies{"read": readBuckets}}} }

// everything returns a set with every attribute of the first release.
func everything() Set {
	var s Set
	s.TrustedPrincipals = []string{"arn:aws:iam::111111111111:role/ingest/Collector", "arn:aws:iam::111111111111:role/Auditor"}
	s.Role = Role{
		Path:                   "/vendors/acme/",
		Description:            "Read access for ACME: ${not.a.variable}, 100 % übersichtlich",
		ManagedPolicyARNs:      []string{"arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"},
		PermissionsBoundaryARN: "arn:aws:iam::aws:policy/ReadOnlyAccess",
		MaxSessionDuration:     7200,
		Tags:                   map[string]string{"vendor": "acme", "empty": "", "Cost Center": "4711"},
		InlinePolicies: Policies{
			"read": readBuckets,
			"own-home": `{"Version":"2012-10-17","Statement":[{"Sid":"Home","Effect":"Allow","Action":"s3:*",
				"Resource":"arn:aws:s3:::home/${aws:username}/*",
				"Condition":{"StringLike":{"s3:prefix":["a","b"]},"NumericLessThan":{"s3:max-keys":100},"Bool":{"aws:SecureTransport":true}}}]}`,
		},
	}
	s.OptionalPermissions = mixed()
	return s
}

// full returns a set with every attribute.
func full() Set {
	s := everything()
	s.Role.Name = "acme-globex"
	s.TrustedAccountIDs = []string{"222222222222", "333333333333"}
	s.AllowSessionTags, s.AllowSourceIdentity = true, true
	s.Role.ManagedPolicies = Policies{"collection": describing(400), "core": readBuckets}
	tables := s.OptionalPermissions["s3_2nd_look"]
	tables.ManagedPolicies = Policies{"more-tables": strings.Replace(readBuckets, "s3:ListBucket", "glue:GetTable", 1)}
	s.OptionalPermissions["s3_2nd_look"] = tables
	s.Role.ManagedPolicyARNs = append(s.Role.ManagedPolicyARNs, "arn:aws:iam::"+AccountReference+":policy/acme/Own")
	s.Role.InlinePolicies["bucket"] = onBucket("bucket")
	s.CustomerParameters = map[string]CustomerParameter{
		"bucket":        {Description: "Name of the bucket with your logs", AllowedPattern: "[a-z0-9.-]+", MinLength: 3, MaxLength: 63},
		"report_bucket": {Description: "Name of the bucket with your reports", Default: new("")},
		"size":          {Description: "Size of your fleet", Default: new("small"), AllowedValues: []string{"large", "small"}},
	}
	s.CustomerChooses = []string{ChoosesPath, ChoosesBoundary}
	s.OptionalPermissions["reports"] = OptionalPermission{
		Description: "Read reports", WhenParameter: "report_bucket", InlinePolicies: Policies{"reports": onBucket("report_bucket")},
	}
	s.AdditionalRoles = map[string]AdditionalRole{
		"scanner": {
			Description: "Scans snapshots", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"},
			InlinePolicies: Policies{"bucket": onBucket("bucket")}, ManagedPolicies: Policies{"core": restartHosts},
			MaxSessionDuration: 7200, Tags: map[string]string{"vendor": "acme"},
			Trust: Trust{
				TrustedPrincipals: []string{"arn:aws:iam::444444444444:role/Scanner"}, TrustedAccountIDs: []string{"444444444444"},
				AllowSessionTags: true, AllowSourceIdentity: true,
			},
		},
		"billing": {ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"}},
	}
	s.TemplateResources, s.TemplateOutputs = exports, exported
	return s
}

// exports are template resources and outputs with everything that is allowed in them.
const (
	exports = `{
  "Exports": {
    "Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
    "Properties": {
      "BucketName": "acme-{{xacct:account_id}}-exports",
      "Tags": [{"Key": "vendor", "Value": "acme ${not.a.variable}"}],
      "VersioningConfiguration": {"Status": "Enabled"}
    }
  },
  "ExportsPolicy": {
    "Type": "AWS::S3::BucketPolicy",
    "Properties": {
      "Bucket": {"Ref": "Exports"},
      "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [{"Fn::GetAtt": ["Exports", "Arn"]}, {"Fn::Join": ["/", [{"Fn::GetAtt": ["Exports", "Arn"]}, "*"]]}, "arn:{{xacct:partition}}:s3:::{{xacct:parameter:bucket}}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringNotEquals": {"aws:PrincipalAccount": ["{{xacct:account_id}}"]}}
      }]}
    }
  },
  "Queue": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete", "Properties": {"MessageRetentionPeriod": 86400}},
  "Queues": {
    "Type": "AWS::SQS::QueuePolicy", "DependsOn": "Queue",
    "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": {
      "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": "Queue.Arn"},
      "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Changes", "Arn"]}}}
    }}}
  },
  "Changes": {"Type": "AWS::Events::Rule", "Properties": {
    "EventPattern": {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"], "account": ["{{xacct:account_id}}"]},
    "Targets": [{"Id": "queue", "Arn": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":sqs:", {"Ref": "AWS::Region"}, ":{{xacct:account_id}}:", {"Fn::GetAtt": ["Queue", "QueueName"]}]]}}]
  }},
  "Topic": {"Type": "AWS::SNS::Topic"},
  "Topics": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sns:Subscribe", "Resource": {"Ref": "Topic"}}]}}},
  "Subscription": {"Type": "AWS::SNS::Subscription", "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}}},
  "Log": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "RetainExceptOnCreate", "Properties": {"RetentionInDays": 30}}
}`
	exported = `{"bucket": {"Ref": "Exports"}, "queue_url": {"Ref": "Queue"}, "where": {"Fn::Join": ["/", ["{{xacct:account_id}}", {"Ref": "AWS::Region"}]]}, "kind": "exports of {{xacct:parameter:size}}"}`
)

// onBucket returns a policy for the bucket that a parameter names.
func onBucket(parameter string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject",
		"Resource":["arn:` + PartitionReference + `:s3:::` + ParameterReference(parameter) + `/*"],
		"Condition":{"StringEquals":{"s3:ResourceAccount":"` + AccountReference + `"}}}]}`
}

// describing returns a policy with a statement for each of n services.
func describing(n int) string {
	statements := make([]string, n)
	for i := range statements {
		statements[i] = fmt.Sprintf(`{"Effect":"Allow","Action":"service%d:Describe*","Resource":"*"}`, i)
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func mixed() map[string]OptionalPermission {
	return map[string]OptionalPermission{
		"restart_hosts": {Description: "Restart hosts that hang.", DefaultEnabled: true, InlinePolicies: Policies{"restart": restartHosts}},
		"billing":       {Description: "Read invoices & budgets", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"}},
		"s3_2nd_look": {
			Description:       "Look into ${your} buckets",
			ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "arn:aws:iam::aws:policy/AmazonAthenaFullAccess"},
			InlinePolicies: Policies{
				"tables":  strings.Replace(readBuckets, "s3:ListBucket", "glue:GetTables", 1),
				"buckets": strings.Replace(readBuckets, `"*"`, `"arn:aws:s3:::${aws:PrincipalTag/team}/*"`, 1),
			},
		},
	}
}
