// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"regexp"
	"strings"
)

// AWS's managed policies, approximated. The real ReadOnlyAccess lists
// thousands of actions of hundreds of services; these speak of the services
// that the sandbox has. What is not here does not exist: attaching it fails as
// a misspelt name does on AWS.

var managedARN = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::aws:policy/(.+)$`)

// Managed returns the document of an AWS managed policy.
func Managed(arn string) (document string, found bool) {
	m := managedARN.FindStringSubmatch(arn)
	if m == nil {
		return "", false
	}
	document, found = managed[m[2]]
	return document, found
}

var managed = map[string]string{
	"AdministratorAccess":             allow("*"),
	"PowerUserAccess":                 `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}]}`,
	"ReadOnlyAccess":                  allow(readOnly...),
	"job-function/ViewOnlyAccess":     allow(listOnly...),
	"SecurityAudit":                   allow(append([]string{"iam:Get*", "sts:GetCallerIdentity", "s3:GetBucket*", "sns:GetTopicAttributes", "sqs:GetQueueAttributes", "dynamodb:Describe*", "cloudformation:Describe*", "cloudformation:GetTemplate"}, listOnly...)...),
	"IAMReadOnlyAccess":               allow("iam:Get*", "iam:List*"),
	"IAMFullAccess":                   allow("iam:*"),
	"AmazonS3ReadOnlyAccess":          allow("s3:Get*", "s3:List*", "s3:Describe*"),
	"AmazonS3FullAccess":              allow("s3:*"),
	"AmazonSNSFullAccess":             allow("sns:*"),
	"AmazonSQSFullAccess":             allow("sqs:*"),
	"AmazonSQSReadOnlyAccess":         allow("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:List*"),
	"AmazonDynamoDBFullAccess":        allow("dynamodb:*"),
	"AmazonDynamoDBReadOnlyAccess":    allow("dynamodb:Get*", "dynamodb:BatchGet*", "dynamodb:Describe*", "dynamodb:List*", "dynamodb:Query", "dynamodb:Scan"),
	"AWSCloudFormationReadOnlyAccess": allow("cloudformation:Describe*", "cloudformation:Get*", "cloudformation:List*"),
	"AWSCloudFormationFullAccess":     allow("cloudformation:*"),
	"CloudWatchReadOnlyAccess":        allow("cloudwatch:Get*", "cloudwatch:List*", "cloudwatch:Describe*", "logs:Get*", "logs:List*", "logs:Describe*"),
	"AmazonEC2ReadOnlyAccess":         allow("ec2:Describe*", "ec2:Get*"),
	"AWSDenyAll":                      `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":"*"}]}`,
}

var readOnly = []string{
	"iam:Get*", "iam:List*", "sts:GetCallerIdentity", "s3:Get*", "s3:List*", "sns:Get*", "sns:List*",
	"sqs:Get*", "sqs:List*", "dynamodb:Get*", "dynamodb:BatchGet*", "dynamodb:Describe*", "dynamodb:List*",
	"dynamodb:Query", "dynamodb:Scan", "cloudformation:Get*", "cloudformation:List*", "cloudformation:Describe*",
	"ec2:Describe*", "ec2:Get*", "cloudwatch:Get*", "cloudwatch:List*", "cloudwatch:Describe*",
}

var listOnly = []string{
	"iam:List*", "s3:ListAllMyBuckets", "s3:ListBucket", "sns:List*", "sqs:List*", "dynamodb:List*", "cloudformation:List*", "ec2:Describe*",
}

func allow(actions ...string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}]}`
}
