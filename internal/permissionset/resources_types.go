// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import "strings"

// resourceType is a type that template resources may have.
type resourceType struct {
	name       string   // for customers
	nameOf     string   // the property with its name in the account; empty: it has none
	stateful   bool     // its content is lost when it is deleted
	attributes []string // for Fn::GetAtt (aws-facts 16.1)
	attached   string   // the property with the resources to which its policy applies
	attachedTo string   // the type of these resources
}

// resourceTypes are all allowed types. With these, a stack can't take over anything in
// a customer's account: there are no roles, no code, and no nested templates.
var resourceTypes = map[string]resourceType{
	"AWS::S3::Bucket": {
		name: "S3 bucket", nameOf: "BucketName", stateful: true,
		attributes: []string{"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"},
	},
	"AWS::S3::BucketPolicy": {name: "policy of a bucket", attached: "Bucket", attachedTo: "AWS::S3::Bucket"},
	"AWS::SQS::Queue": {
		name: "SQS queue", nameOf: "QueueName", stateful: true, attributes: []string{"Arn", "QueueName", "QueueUrl"},
	},
	"AWS::SQS::QueuePolicy":  {name: "policy of a queue", attached: "Queues", attachedTo: "AWS::SQS::Queue"},
	"AWS::SNS::Topic":        {name: "SNS topic", nameOf: "TopicName", attributes: []string{"TopicArn", "TopicName"}},
	"AWS::SNS::TopicPolicy":  {name: "policy of a topic", attached: "Topics", attachedTo: "AWS::SNS::Topic"},
	"AWS::SNS::Subscription": {name: "SNS subscription", attributes: []string{"Arn"}},
	"AWS::Events::Rule":      {name: "EventBridge rule", nameOf: "Name", attributes: []string{"Arn"}},
	"AWS::Logs::LogGroup":    {name: "log group", nameOf: "LogGroupName", stateful: true, attributes: []string{"Arn"}},
}

// pseudoParameters are CloudFormation's own parameters that a Ref may name. They
// contain where the stack is, and nothing else about it.
var pseudoParameters = []string{"AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::URLSuffix"}

// refusedType returns why a type is not allowed; empty if it is.
func refusedType(name string) string {
	_, allowed := resourceTypes[name]
	service, _, _ := strings.Cut(strings.TrimPrefix(name, "AWS::"), "::")
	switch {
	case allowed:
		return ""
	case name == "":
		return "it has no Type: each resource has one, such as AWS::S3::Bucket"
	case strings.HasPrefix(name, "Custom::"), name == "AWS::CloudFormation::CustomResource":
		return "a custom resource would run code of another account within the customer's stack: the phone-home is the only one"
	case service == "CloudFormation":
		return name + " would bring in a template, a macro or a module that the customer does not read in this one"
	case service == "IAM":
		return name + " would grant something that is neither declared nor proven: use the permission set's own roles and policies"
	case service == "Lambda":
		return name + " needs a role of its own, which a stack of a permission set can't have yet"
	}
	return name + " is none of the types that a stack may have: " + joined(keys(resourceTypes))
}
