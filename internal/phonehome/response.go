// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

// Status is the verdict of an answer.
type Status string

// The two verdicts that CloudFormation knows.
const (
	Success Status = "SUCCESS"
	Failed  Status = "FAILED"
)

// Response is our answer to a request (aws-facts 1.7). Its identifiers are
// copied verbatim from the request.
type Response struct {
	Status             Status            `json:"Status"`
	Reason             string            `json:"Reason,omitempty"`
	PhysicalResourceID string            `json:"PhysicalResourceId"`
	StackID            string            `json:"StackId"`
	RequestID          string            `json:"RequestId"`
	LogicalResourceID  string            `json:"LogicalResourceId"`
	Data               map[string]string `json:"Data,omitempty"`
}
