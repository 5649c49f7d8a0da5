// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Queue is the policy of the hub's queue: SNS may send to it for the given
// topics, and nobody else may.
func Queue(queueARN string, region account.Region, topics []account.TopicARN) (Document, error) {
	services := []string{"sns.amazonaws.com"}
	arns := []string{}
	for _, topic := range topics {
		arns = append(arns, topic.String())
		if topic.Region == region {
			continue
		}
		// Delivery between Regions speaks as the opt-in Region of the two,
		// the topic's or the queue's (aws-facts 5.7).
		for _, r := range []account.Region{topic.Region, region} {
			if !EnabledByDefault(r) {
				services = append(services, fmt.Sprintf("sns.%s.amazonaws.com", r))
			}
		}
	}
	d := Document{
		Version: Version2012,
		Statements: []Statement{{
			Sid:       "XacctTopics",
			Effect:    Allow,
			Principal: Principals{"Service": sorted(services)},
			Action:    []string{"sqs:SendMessage"},
			Resource:  []string{queueARN},
			Condition: Conditions{"ArnEquals": {"aws:SourceArn": sorted(arns)}},
		}},
	}
	if len(topics) == 0 {
		return Document{}, fmt.Errorf("queue %s has no topics: its policy would allow nothing", queueARN)
	}
	if size := len(d.String()); size > MaxQueueSize {
		return Document{}, fmt.Errorf("the policy of queue %s would have %d bytes for %d topics, and SQS allows %d: use fewer Regions", queueARN, size, len(topics), MaxQueueSize)
	}
	return d, nil
}

// defaultRegions were launched before 2019-03-20 and are enabled in every
// account; every later one is opt-in (aws-facts 5.7). Osaka became a Region
// after that date and yet is enabled by default, but the documentation of SNS
// counts it among the opt-in ones, so it is not here: naming its own principal
// as well does no harm, and leaving it out would lose messages silently.
var defaultRegions = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
	"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
	"sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

// EnabledByDefault reports whether SNS delivers from and to the Region as
// sns.amazonaws.com. There are no opt-in Regions outside the commercial
// partition.
func EnabledByDefault(region account.Region) bool {
	return region.Partition().String() != "aws" || slices.Contains(defaultRegions, region.String())
}
