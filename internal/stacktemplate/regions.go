// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// The topic of a custom resource must be in the stack's own Region (aws-facts 1.5,
// 1.6), and the hub has topics only in the Regions that the vendor has chosen. In any
// other Region a stack has to fail with a clear message before it creates anything.
//
// Two mechanisms ensure this, because the first is an assumption. A rule gives the
// message; that rules may use AWS::Region is observed but not documented (9, 0(f)). If
// CloudFormation doesn't evaluate the rule, the topic's ARN still comes from a
// mapping, which has no entry for the Region, so the stack fails.
const (
	regionRule      = "SupportedRegion"
	topicMapping    = "SupportedRegions"
	topicAttribute  = "TopicArn"
	pseudoRegion    = "AWS::Region"
	maxRegionInRule = 40
)

// rules returns the Rules section, which goformation doesn't support.
func rules(s Specification) map[string]any {
	names := regionNames(s)
	return map[string]any{
		regionRule: map[string]any{
			"Assertions": []any{map[string]any{
				"Assert":            contains(names, ref(pseudoRegion)),
				"AssertDescription": regionAdvice(s.vendorName(), names),
			}},
		},
		expectedAccountRule: expectedAccount(s),
	}
}

func regionAdvice(vendor string, names []string) string {
	if len(names) > maxRegionInRule {
		names = append(names[:maxRegionInRule:maxRegionInRule], "and others")
	}
	return fmt.Sprintf("%s cannot be connected from this AWS Region. Choose one of these at the top right of the console, and open the link again: %s.",
		vendor, strings.Join(names, ", "))
}

// topicMappings returns the Mappings section: the topic of each supported Region,
// without its shard.
func topicMappings(s Specification, h *placeholders) map[string]any {
	regions := map[string]any{}
	for _, region := range s.Regions {
		topic := account.TopicARN{Region: region, Account: s.Vendor, Name: s.topicPrefix()}
		regions[region.String()] = map[string]any{topicAttribute: h.put(topic.String())}
	}
	return map[string]any{topicMapping: regions}
}

// serviceToken returns the topic in the stack's own Region.
func serviceToken() function {
	return join("-", findInMap(topicMapping, ref(pseudoRegion), topicAttribute), ref(ParameterShard))
}

func regionNames(s Specification) []string {
	names := make([]string, len(s.Regions))
	for i, region := range s.Regions {
		names[i] = region.String()
	}
	return sortedSet(names)
}
