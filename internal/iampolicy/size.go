// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"unicode/utf8"
)

// AWS's limits, in characters without whitespace (aws-facts 7.2) or, for the
// policies of topics, queues and buckets, in bytes (5.1, 4.2).
const (
	MaxInlineSize  = 10240 // all inline policies of one role together
	MaxManagedSize = 6144  // one managed policy
	MaxSessionSize = 2048  // a session policy
	MaxTrustSize   = 2048  // a role's trust policy, by the default quota

	MaxTopicSize       = 30720
	MaxTopicStatements = 100
	MaxQueueSize       = 8192
	MaxBucketSize      = 20480
)

// Size returns the length of a document as IAM counts it: characters, without
// the whitespace between the tokens of its JSON. Whitespace inside strings is
// counted, so that the result is never smaller than IAM's.
func Size(text string) (int, error) {
	c, err := compact(text)
	if err != nil {
		return 0, err
	}
	return utf8.RuneCountInString(c), nil
}

// InlineSize returns the sum that IAM compares with MaxInlineSize, for the
// inline policies of one role by their names.
func InlineSize(policies map[string]string) (int, error) {
	sum := 0
	for name, text := range policies {
		size, err := Size(text)
		if err != nil {
			return 0, fmt.Errorf("inline policy %q: %w", name, err)
		}
		sum += size
	}
	return sum, nil
}
