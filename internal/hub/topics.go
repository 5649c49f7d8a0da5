// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"golang.org/x/sync/errgroup"
)

// ensureTopic makes a topic that is not there, and brings the tags of one that
// is in line. Its policy is the publishers' business.
func (h *Manager) ensureTopic(ctx context.Context, topic account.TopicARN, tags map[string]string) error {
	client := h.clients.SNS(topic.Region)
	_, err := h.topicAttributes(ctx, topic)
	if awsclient.IsNotFound(err) {
		_, err := client.CreateTopic(ctx, &sns.CreateTopicInput{
			Name: &topic.Name,
			Tags: topicTags(tags),
			// SHA-256; the default is still SHA-1 (aws-facts 5.9).
			Attributes: map[string]string{"SignatureVersion": "2"},
		})
		return h.clients.Explain(err, topic.String())
	}
	if err != nil {
		return h.clients.Explain(err, topic.String())
	}
	return h.ensureTopicTags(ctx, topic, tags)
}

func (h *Manager) topicAttributes(ctx context.Context, topic account.TopicARN) (map[string]string, error) {
	out, err := h.clients.SNS(topic.Region).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(topic.String())})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

func (h *Manager) ensureTopicTags(ctx context.Context, topic account.TopicARN, want map[string]string) error {
	client, arn := h.clients.SNS(topic.Region), aws.String(topic.String())
	out, err := client.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: arn})
	if err != nil {
		return h.clients.Explain(err, *arn)
	}
	have := map[string]string{}
	for _, tag := range out.Tags {
		have[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	set, drop := awsclient.TagChanges(have, want)
	if len(set) > 0 {
		if _, err := client.TagResource(ctx, &sns.TagResourceInput{ResourceArn: arn, Tags: topicTags(set)}); err != nil {
			return h.clients.Explain(err, *arn)
		}
	}
	if len(drop) > 0 {
		if _, err := client.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: arn, TagKeys: drop}); err != nil {
			return h.clients.Explain(err, *arn)
		}
	}
	return nil
}

func topicTags(tags map[string]string) []types.Tag {
	var list []types.Tag
	for k, v := range tags {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	return list
}

// ensureSubscription lets the topic deliver to the queue, in its envelope:
// without that nobody could tell which topic a message came through
// (aws-facts 5.8). Subscribing again returns the subscription that is there.
func (h *Manager) ensureSubscription(ctx context.Context, topic account.TopicARN) error {
	client := h.clients.SNS(topic.Region)
	out, err := client.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn:              aws.String(topic.String()),
		Protocol:              aws.String("sqs"),
		Endpoint:              aws.String(h.queueARN(QueueName(h.name))),
		ReturnSubscriptionArn: true,
	})
	if err != nil {
		return h.clients.Explain(err, topic.String())
	}
	subscription := aws.ToString(out.SubscriptionArn)
	attributes, err := client.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &subscription})
	if err != nil {
		return h.clients.Explain(err, subscription)
	}
	if attributes.Attributes["RawMessageDelivery"] != "true" {
		return nil
	}
	_, err = client.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
		SubscriptionArn: &subscription,
		AttributeName:   aws.String("RawMessageDelivery"),
		AttributeValue:  aws.String("false"),
	})
	return h.clients.Explain(err, subscription)
}

// subscribed reports whether the topic delivers to the queue.
func (h *Manager) subscribed(ctx context.Context, topic account.TopicARN) (bool, error) {
	pages := sns.NewListSubscriptionsByTopicPaginator(h.clients.SNS(topic.Region),
		&sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(topic.String())})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, h.clients.Explain(err, topic.String())
		}
		for _, s := range page.Subscriptions {
			if aws.ToString(s.Endpoint) == h.queueARN(QueueName(h.name)) {
				return true, nil
			}
		}
	}
	return false, nil
}

// deleteTopics deletes topics, and with them their subscriptions. Deleting one
// that is gone is no error to SNS.
func (h *Manager) deleteTopics(ctx context.Context, topics []account.TopicARN) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, topic := range topics {
		group.Go(func() error {
			_, err := h.clients.SNS(topic.Region).DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: aws.String(topic.String())})
			if err != nil && !awsclient.IsNotFound(err) {
				return h.clients.Explain(fmt.Errorf("delete the topic: %w", err), topic.String())
			}
			return nil
		})
	}
	return group.Wait()
}
