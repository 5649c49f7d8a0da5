// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// QueueSources are the topics that may send to a queue.
type QueueSources struct {
	Account account.ID
	Names   []string         // of topics; * and ? as in IAM
	Regions []account.Region // that have such topics
}

// Queue returns the policy of a hub's queue: only SNS may send to it, for messages of
// the topics, and requests without TLS are refused.
//
// The topics are named by patterns, so that the size of the policy does not depend on
// their number: the ARNs of 100 topics in three Regions would exceed SQS's limit. Only
// the principals of opt-in Regions are listed. If they exceed the limit too, Queue
// returns an error.
func Queue(queueARN string, region account.Region, from QueueSources) (Document, error) {
	if len(from.Names) == 0 || len(from.Regions) == 0 {
		return Document{}, fmt.Errorf("queue %s has no topics: its policy would allow nothing", queueARN)
	}
	d := Document{
		Version: Version2012,
		Statements: []Statement{
			{
				Sid:       "XacctTopics",
				Effect:    Allow,
				Principal: Principals{"Service": from.services(region)},
				Action:    []string{"sqs:SendMessage"},
				Resource:  []string{queueARN},
				Condition: Conditions{"ArnLike": {"aws:SourceArn": from.arns(region.Partition())}},
			},
			onlyTLS("XacctOnlyTLS", []string{"sqs:*"}, queueARN),
		},
	}
	if size := len(d.String()); size > MaxQueueSize {
		return Document{}, fmt.Errorf("the policy of queue %s would have %d bytes for %d Regions, and SQS allows %d: use fewer Regions", queueARN, size, len(from.Regions), MaxQueueSize)
	}
	return d, nil
}

// services returns the principals that deliver from the topics to a queue.
func (from QueueSources) services(queue account.Region) []string {
	services := []string{"sns.amazonaws.com"}
	for _, source := range from.Regions {
		if source == queue {
			continue
		}
		// If the topic's or the queue's Region is an opt-in Region, SNS delivers
		// with the principal of that Region (aws-facts 5.7).
		for _, r := range []account.Region{source, queue} {
			if !EnabledByDefault(r) {
				services = append(services, fmt.Sprintf("sns.%s.amazonaws.com", r))
			}
		}
	}
	return sorted(services)
}

// arns returns the patterns of the topics' ARNs.
func (from QueueSources) arns(partition account.Partition) []string {
	var arns []string
	for _, name := range from.Names {
		arns = append(arns, fmt.Sprintf("arn:%s:sns:*:%s:%s", partition, from.Account, name))
	}
	return sorted(arns)
}

// QueueKey returns the statement, as JSON with line breaks, that the policy of a queue's
// KMS key needs: the principals that deliver from the topics encrypt messages for the
// queue (aws-facts 13.4).
func QueueKey(sid string, queue account.Region, from QueueSources) string {
	s := Statement{
		Sid:       sid,
		Effect:    Allow,
		Principal: Principals{"Service": from.services(queue)},
		Action:    []string{"kms:Decrypt", "kms:GenerateDataKey"},
		Resource:  []string{"*"},
		Condition: Conditions{"ArnLike": {"aws:SourceArn": from.arns(queue.Partition())}},
	}
	var b bytes.Buffer
	_ = json.Indent(&b, []byte(encode(s.wire())), "", "  ") // it was encoded a moment ago
	return b.String()
}

// PrivateQueue returns the policy of a queue that only its own account uses.
func PrivateQueue(queueARN string) Document {
	return Document{Version: Version2012, Statements: []Statement{onlyTLS("XacctOnlyTLS", []string{"sqs:*"}, queueARN)}}
}

// onlyTLS returns a statement that refuses requests without TLS. A request of one AWS
// service to another may lack the condition key, and is then not refused (aws-facts
// 13.5).
func onlyTLS(sid string, actions []string, resources ...string) Statement {
	return Statement{
		Sid:       sid,
		Effect:    Deny,
		Principal: Principals{"AWS": {"*"}},
		Action:    actions,
		Resource:  resources,
		Condition: Conditions{"Bool": {"aws:SecureTransport": {"false"}}},
	}
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
