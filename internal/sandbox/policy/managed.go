// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"
)

// AWS managed policies. All of them are known by name (managed.txt): attaching a
// policy that is not among them fails, as a misspelt name does on AWS. This file
// has approximate documents of a few: the real ReadOnlyAccess lists thousands of
// actions of hundreds of services; these cover the services that the sandbox
// has. For the other policies only their services are known; if such a policy
// could change a decision, the sandbox returns an error instead of deciding.

var managedARN = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::aws:policy/(.+)$`)

//go:embed managed.txt
var managedList string

// scope lists the services of the sandbox of which a managed policy allows or
// denies actions; "*" means all.
type scope struct{ allows, denies []string }

// managedScopes returns the scopes of all policies, by path and name. The list
// is parsed on first use.
var managedScopes = sync.OnceValue(func() map[string]scope {
	all := map[string]scope{}
	for line := range strings.Lines(managedList) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		var s scope
		for _, service := range fields[1:] {
			if denied, isDeny := strings.CutPrefix(service, "!"); isDeny {
				s.denies = append(s.denies, denied)
			} else {
				s.allows = append(s.allows, service)
			}
		}
		all[fields[0]] = s
	}
	return all
})

// Managed returns the document of an AWS managed policy. found is false if the
// sandbox does not have the document, or if the policy does not exist.
func Managed(arn string) (document string, found bool) {
	document, found = managed[managedName(arn)]
	return document, found
}

// ManagedExists reports whether AWS has a managed policy with that ARN.
func ManagedExists(arn string) bool {
	_, exists := managedScopes()[managedName(arn)]
	return exists
}

// ServiceLinked reports whether a managed policy can be attached only to
// service-linked roles.
func ServiceLinked(arn string) bool { return strings.HasPrefix(managedName(arn), "aws-service-role/") }

// managedName returns the path and name of an AWS managed policy from its ARN,
// or "" if the ARN is that of something else.
func managedName(arn string) string {
	if m := managedARN.FindStringSubmatch(arn); m != nil {
		return m[2]
	}
	return ""
}

// concerning returns the first of some AWS managed policies whose services
// include an action's, or "" if there is none. services returns the services of
// which a policy allows, or denies, actions.
func concerning(arns []string, action string, services func(scope) []string) string {
	service, _, _ := strings.Cut(strings.ToLower(action), ":")
	for _, arn := range arns {
		for _, of := range services(managedScopes()[managedName(arn)]) {
			if of == "*" || of == service {
				return arn
			}
		}
	}
	return ""
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
