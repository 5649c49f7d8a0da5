// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/s3"
)

// ResponseBuckets is the Bucket of a kernel.FaultRule that matches
// CloudFormation's response buckets in all Regions.
const ResponseBuckets = "cloudformation-custom-resource-response-*"

// RefuseAnswers returns a rule with which CloudFormation's response buckets refuse
// the next answers of custom resources with one of S3's errors, such as
// s3.RequestTimeout.
func RefuseAnswers(kind kernel.FaultKind, next int) kernel.FaultRule {
	return kernel.FaultRule{Service: "s3", Action: "PutObject", Bucket: ResponseBuckets, Kind: kind, Next: next}
}

// AddFault adds a rule. It returns an error for a rule that could never apply.
func (s *Sandbox) AddFault(rule kernel.FaultRule) error {
	general := []kernel.FaultKind{kernel.FaultThrottle, kernel.FaultServerError, kernel.FaultLostAnswer, kernel.FaultLatency}
	ofS3 := slices.Contains(s3.Refusals(), rule.Kind)
	switch {
	case !ofS3 && !slices.Contains(general, rule.Kind):
		return fmt.Errorf("invalid kind of fault %q: must be one of %q, or for S3 one of %q", rule.Kind, general, s3.Refusals())
	case ofS3 && rule.Service != "s3":
		return fmt.Errorf("the fault %s is one of S3's: the rule's service must be s3", rule.Kind)
	case rule.Bucket != "" && rule.Service != "s3":
		return fmt.Errorf("the bucket %s is S3's: the rule's service must be s3", rule.Bucket)
	case rule.Next <= 0 && rule.Probability <= 0:
		return fmt.Errorf("the fault %s would never happen: next or probability must be positive", rule.Kind)
	}
	s.faults.Add(rule)
	return nil
}
