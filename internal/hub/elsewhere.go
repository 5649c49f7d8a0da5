// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"golang.org/x/sync/errgroup"
)

// A hub is identified by its name and its Region. A second hub of the same name in
// another Region of the account is a different hub with its own customers, but the
// names of its topics are the same in every Region.

// OtherRegions returns the other Regions, sorted, in which the account has a hub of this
// name. It makes one call, because S3 lists the buckets of all Regions together
// (aws-facts 15.1) and a hub's bucket is named after the hub and its Region. Hubs whose
// bucket ends in a secret hash, or was named by the vendor, are not found. If the
// caller may not list buckets, the error is *awsclient.PermissionError.
func (h *Manager) OtherRegions(ctx context.Context) ([]account.Region, error) {
	out, err := h.clients.S3().ListBuckets(ctx, &s3.ListBucketsInput{Prefix: aws.String(bucketPrefix(h.name, h.clients.Account))})
	if err != nil {
		return nil, h.clients.Explain(err, fmt.Sprintf("arn:%s:s3:::*", h.clients.Partition()))
	}
	var regions []account.Region
	for _, bucket := range out.Buckets {
		region, err := account.ParseRegion(aws.ToString(bucket.BucketRegion))
		if err != nil || region == h.clients.Region {
			continue
		}
		switch aws.ToString(bucket.Name) {
		case BucketName(h.name, h.clients.Account, region, registry.Key{}), StackBucketName(h.name, h.clients.Account):
			regions = append(regions, region)
		}
	}
	return sortRegions(regions), nil
}

// bucketPrefix returns the common prefix of the names of a hub's buckets in all
// Regions. BucketName shortens a long hub name according to the length of the Region's
// name.
func bucketPrefix(hub string, owner account.ID) string {
	const longestRegion, hash = 20, 9
	prefix := "xacct-" + hub
	return prefix[:min(len(prefix), maxBucketName-hash-longestRegion-len(namespaceSuffix(owner, account.Region{})))]
}

// OtherRegionsWarning returns the warning about hubs of the same name in other Regions,
// for the creation of a hub.
func OtherRegionsWarning(hub string, owner account.ID, here account.Region, others []account.Region) string {
	return fmt.Sprintf("Account %s has a hub of this name in %s already. The one in %s is a second hub, with customers, registrars and external IDs of its own: "+
		"only the Region tells the two apart. If you mean the other one, use its Region; otherwise give this one another name.",
		owner, regionList(others), here)
}

func regionList(regions []account.Region) string {
	names := make([]string, len(regions))
	for i, region := range regions {
		names[i] = region.String()
	}
	return strings.Join(names, ", ")
}

// SharedTopicError indicates that a topic of the hub belongs to a hub of the same name
// in another Region.
type SharedTopicError struct {
	Topic account.TopicARN
	Queue string // ARN of the other hub's queue, to which the topic delivers
}

func (e *SharedTopicError) Error() string {
	return fmt.Sprintf("topic %s delivers to queue %s, so it belongs to a hub of the same name in another Region; a second hub would overwrite the topic's policy, and that hub's customers could not publish any more", e.Topic, e.Queue)
}

// CheckSharedTopics returns *SharedTopicError if a hub of the same name has topics in
// one of the Regions. It makes one call for each Region, so callers pass only new ones.
func (h *Manager) CheckSharedTopics(ctx context.Context, regions []account.Region) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, region := range regions {
		group.Go(func() error { return h.checkSharedTopic(ctx, h.topic(region, 0)) })
	}
	return group.Wait()
}

func (h *Manager) checkSharedTopic(ctx context.Context, topic account.TopicARN) error {
	out, err := h.clients.SNS(topic.Region).ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(topic.String())})
	if awsclient.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return h.clients.Explain(err, topic.String())
	}
	for _, s := range out.Subscriptions {
		queue, err := arn.Parse(aws.ToString(s.Endpoint))
		if err == nil && queue.Service == "sqs" && queue.AccountID == h.clients.Account.String() &&
			queue.Resource == QueueName(h.name) && queue.Region != h.clients.Region.String() {
			return &SharedTopicError{topic, queue.String()}
		}
	}
	return nil
}
