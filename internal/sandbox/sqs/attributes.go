// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// attributes has the attributes that were set on a queue. All others have their
// defaults.
type attributes map[string]string

// defaults are AWS's default values (aws-facts 6).
var defaults = attributes{
	"DelaySeconds":                  "0",
	"MaximumMessageSize":            "1048576",
	"MessageRetentionPeriod":        "345600",
	"ReceiveMessageWaitTimeSeconds": "0",
	"VisibilityTimeout":             "30",
	"SqsManagedSseEnabled":          "true",
}

// ranges are the smallest and largest values of numeric attributes (aws-facts
// 6).
var ranges = map[string][2]int{
	"DelaySeconds":                  {0, 900},
	"MaximumMessageSize":            {1024, 1 << 20},
	"MessageRetentionPeriod":        {60, 14 * 24 * 3600},
	"ReceiveMessageWaitTimeSeconds": {0, 20},
	"VisibilityTimeout":             {0, 12 * 3600},
	"KmsDataKeyReusePeriodSeconds":  {60, 24 * 3600},
}

// computed are the attributes that can be read, but not set.
var computed = []string{
	"QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", "ApproximateNumberOfMessages",
	"ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
}

// refused are attributes of AWS that the sandbox does not implement.
var refused = []string{
	"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit",
}

func knownAttribute(name string) bool {
	_, hasDefault := defaults[name]
	return hasDefault || name == "Policy" || name == "RedrivePolicy" || name == "RedriveAllowPolicy" ||
		name == "KmsMasterKeyId" || name == "KmsDataKeyReusePeriodSeconds" ||
		slices.Contains(computed, name) || slices.Contains(refused, name)
}

func (a attributes) get(name string) string {
	if v, ok := a[name]; ok {
		return v
	}
	return defaults[name]
}

func (a attributes) number(name string) int {
	n, err := strconv.Atoi(a.get(name))
	if err != nil {
		return 0 // not reached: check refuses other values
	}
	return n
}

func (a attributes) seconds(name string) time.Duration {
	return time.Duration(a.number(name)) * time.Second
}

// differs returns the name of an attribute that was requested with another
// value than the queue has, or an empty string. CreateQueue fails if an
// existing queue differs.
func (a attributes) differs(asked map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if !sameValue(a.get(name), asked[name]) {
			return name
		}
	}
	return ""
}

// sameValue reports whether two values are equal, JSON documents by their
// meaning.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	p, errP := json.Marshal(x)
	q, errQ := json.Marshal(y)
	return errP == nil && errQ == nil && string(p) == string(q)
}

// set checks attributes, and sets either all of them on the queue or, with an
// error, none. An empty policy removes the existing one.
func (s *Service) set(q *queue, asked map[string]string) error {
	result := maps.Clone(q.attributes)
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		value := asked[name]
		if err := s.check(q, name, value); err != nil {
			return err
		}
		if value == "" {
			delete(result, name)
			continue
		}
		result[name] = value
	}
	if err := result.encryptOnce(asked); err != nil {
		return err
	}
	q.attributes = result
	return nil
}

func (s *Service) check(q *queue, name, value string) error {
	if limits, ok := ranges[name]; ok {
		n, err := strconv.Atoi(value)
		if err != nil || n < limits[0] || n > limits[1] {
			return errAttribute(name)
		}
		return nil
	}
	switch {
	case name == "KmsMasterKeyId": // checked on first use
		return nil
	case name == "SqsManagedSseEnabled":
		if value != "true" && value != "false" {
			return errAttribute(name)
		}
		return nil
	case name == "Policy":
		return s.checkPolicy(q.key.region, value)
	case name == "RedrivePolicy":
		return s.checkRedrive(q, value)
	case name == "RedriveAllowPolicy":
		return checkRedriveAllow(value)
	case slices.Contains(refused, name):
		if value == "false" || value == "" {
			return nil
		}
		return kernel.Errorf(http.StatusBadRequest, "UnsupportedOperation", "The sandbox does not implement the queue attribute %s.", name)
	default:
		return kernel.Errorf(http.StatusBadRequest, "InvalidAttributeName", "Unknown Attribute %s.", name)
	}
}

func errAttribute(name string) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}

// checkPolicy returns an error if a policy is malformed or has a principal that
// does not exist. The authorizer interprets its statements.
func (s *Service) checkPolicy(region, text string) error {
	if text == "" {
		return nil
	}
	document, err := policy.Parse(policy.Resource, text)
	if err != nil {
		return errAttribute("Policy")
	}
	for _, statement := range document.Statements {
		for _, p := range statement.Principals {
			if !p.Exists(s.accounts, kernel.Partition(region)) {
				return errAttribute("Policy")
			}
		}
	}
	return nil
}
