// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

// Price is the maximum use of one service in a run, and AWS's list price.
type Price struct{ Service, Use, Listed string }

// Prices returns the cost of a run of all checks in US dollars. The prices are
// approximate list prices of us-east-1, neither measured nor looked up: see AWS's own
// pages.
func Prices() []Price {
	return []Price{
		{"DynamoDB", "20 MB written, 40 MB read, on demand; three tables for minutes", "below 0.05"},
		{"KMS", "one key for minutes (1.00 a month), then 7 days pending deletion, which are free", "below 0.01"},
		{"SNS, SQS, S3, EventBridge", "some hundred requests", "below 0.01"},
		{"CloudFormation, IAM, STS", "about 40 stacks of custom resources and roles", "free"},
		{"in all", "", "below 0.10"},
	}
}
