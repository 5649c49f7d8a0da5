// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// grantOf is what a principal of a run may do on resources. In the resources' names,
// %[1]s is the partition and %[2]s the account.
type grantOf struct {
	sid       string
	resources []string
	actions   []string
	// handlers are actions that only AWS's resource handlers need, as far as is known:
	// the run itself doesn't call them, and the sandbox requires fewer.
	handlers []string
}

const (
	ourRoles = "arn:%[1]s:iam::%[2]s:role/" + Prefix + "*"
	allRoles = "arn:%[1]s:iam::*:role/" + Prefix + "*"
)

var roleActions = []string{
	"iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:PutRolePolicy",
}

var vendorGrants = []grantOf{
	{"Topics", []string{"arn:%[1]s:sns:*:%[2]s:" + Prefix + "*"}, []string{
		"sns:CreateTopic", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:Publish", "sns:RemovePermission",
		"sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:Unsubscribe",
	}, nil},
	{"Queues", []string{"arn:%[1]s:sqs:*:%[2]s:" + Prefix + "*"}, []string{
		"sqs:CreateQueue", "sqs:DeleteMessage", "sqs:DeleteQueue", "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:SendMessage",
		"sqs:SetQueueAttributes", "sqs:TagQueue",
	}, nil},
	{"Buckets", []string{"arn:%[1]s:s3:::" + Prefix + "*"}, []string{
		"s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions",
		"s3:PutBucketPolicy", "s3:PutBucketVersioning", "s3:PutObject",
	}, []string{"s3:DeleteObject"}},
	{"Tables", []string{"arn:%[1]s:dynamodb:*:%[2]s:table/" + Prefix + "*"}, []string{
		"dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:DescribeTable",
		"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:TagResource", "dynamodb:UpdateItem",
	}, nil},
	{"Buses", []string{"arn:%[1]s:events:*:%[2]s:event-bus/default", "arn:%[1]s:events:*:%[2]s:event-bus/" + Prefix + "*"}, []string{
		"events:DescribeEventBus", "events:PutEvents",
	}, nil},
	{"Roles", []string{ourRoles}, roleActions, []string{"iam:TagRole"}},
	{"Sessions", []string{allRoles}, []string{"sts:AssumeRole", "sts:TagSession"}, nil},
	// A key has no name that could be known before it is created.
	{"Keys", []string{"*"}, []string{
		"kms:CreateGrant", "kms:CreateKey", "kms:Decrypt", "kms:DescribeKey", "kms:DisableKey", "kms:GenerateDataKey", "kms:PutKeyPolicy",
		"kms:ScheduleKeyDeletion", "kms:TagResource",
	}, nil},
	{"Leftovers", []string{"*"}, []string{
		"cloudformation:DescribeStacks", "dynamodb:ListTables", "iam:ListRoles", "s3:ListAllMyBuckets", "sns:ListTopics", "sqs:ListQueues",
	}, nil},
}

var customerGrants = []grantOf{
	{"Stacks", []string{"arn:%[1]s:cloudformation:*:%[2]s:stack/" + Prefix + "*"}, []string{
		"cloudformation:CreateStack", "cloudformation:DeleteStack", "cloudformation:DescribeStackEvents", "cloudformation:UpdateStack",
	}, []string{"cloudformation:TagResource"}},
	{"Templates", []string{"*"}, []string{"cloudformation:GetTemplateSummary", "cloudformation:ListStackSets"}, nil},
	{"Objects", []string{"arn:%[1]s:s3:::" + Prefix + "*"}, []string{"s3:GetObject", "s3:GetObjectVersion"}, nil},
	{"Publish", []string{"arn:%[1]s:sns:*:*:" + Prefix + "*"}, []string{"sns:Publish"}, nil},
	{"Roles", []string{ourRoles}, append([]string{"iam:PassRole"}, roleActions...), []string{
		"iam:GetRole", "iam:GetRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
	}},
	{"Policies", []string{"arn:%[1]s:iam::%[2]s:policy/" + Prefix + "*"}, []string{
		"iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:ListPolicyVersions",
	}, []string{"iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListEntitiesForPolicy", "iam:SetDefaultPolicyVersion", "iam:TagPolicy"}},
	{"Sessions", []string{ourRoles}, []string{"sts:AssumeRole"}, nil},
	{"Leftovers", []string{"*"}, []string{
		"cloudformation:DescribeStacks", "dynamodb:ListTables", "iam:ListRoles", "s3:ListAllMyBuckets", "sns:ListTopics", "sqs:ListQueues",
	}, nil},
}

// VendorPolicy returns the least policy of the principal that runs checks in the
// vendor's account. It covers only resources with the prefix of runs.
func VendorPolicy(partition account.Partition, id string) string {
	return ownPolicy(vendorGrants, partition, id)
}

// CustomerPolicy returns what VendorPolicy does, for the customer's account.
func CustomerPolicy(partition account.Partition, id string) string {
	return ownPolicy(customerGrants, partition, id)
}

func ownPolicy(grants []grantOf, partition account.Partition, id string) string {
	var statements []statement
	for _, g := range grants {
		var resources []string
		for _, r := range g.resources {
			resources = append(resources, strings.NewReplacer("%[1]s", partition.String(), "%[2]s", id).Replace(r))
		}
		actions := slices.Sorted(slices.Values(slices.Concat(g.actions, g.handlers)))
		statements = append(statements, statement{"Sid": g.sid, "Effect": "Allow", "Action": actions, "Resource": resources})
	}
	return policyJSON(statements...)
}
