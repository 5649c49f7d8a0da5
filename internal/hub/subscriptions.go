// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// subscriptionSettings are the attributes of the queue's subscription to every topic.
// Raw delivery is off, because a message without its envelope does not name the topic
// it was published to (aws-facts 5.8). No message is filtered.
var subscriptionSettings = []struct {
	attribute string
	right     func(string) bool
	value     string // to write
	property  Property
}{
	{"RawMessageDelivery", func(v string) bool { return v != "true" }, "false", RawDelivery},
	{"FilterPolicy", func(v string) bool { return v == "" || v == "{}" }, "{}", FilterPolicy},
}

// ensureSubscription creates or updates the queue's subscription to the topic, and
// reports whether it changed anything.
func (h *Manager) ensureSubscription(ctx context.Context, topic account.TopicARN, untested *untestedNote) (changed bool, err error) {
	client := h.clients.SNS(topic.Region)
	subscription, err := h.subscription(ctx, topic)
	if err != nil {
		return false, err
	}
	if subscription == "" {
		if err := untested.write(ctx); err != nil {
			return false, err
		}
		out, err := client.Subscribe(ctx, &sns.SubscribeInput{
			TopicArn:              aws.String(topic.String()),
			Protocol:              aws.String("sqs"),
			Endpoint:              aws.String(h.queueARN(QueueName(h.name))),
			ReturnSubscriptionArn: true,
		})
		if err != nil {
			return false, h.clients.Explain(err, topic.String())
		}
		subscription, changed = aws.ToString(out.SubscriptionArn), true
	}
	attributes, err := h.subscriptionAttributes(ctx, topic, subscription)
	if err != nil {
		return changed, err
	}
	for _, setting := range subscriptionSettings {
		if setting.right(attributes[setting.attribute]) {
			continue
		}
		changed = true
		if err := untested.write(ctx); err != nil {
			return changed, err
		}
		_, err = client.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
			SubscriptionArn: &subscription, AttributeName: aws.String(setting.attribute), AttributeValue: aws.String(setting.value),
		})
		if err != nil {
			return changed, h.clients.Explain(err, subscription)
		}
	}
	return changed, nil
}

// readSubscription reports a missing subscription of the queue to the topic, or wrong
// attributes of it.
func (h *Manager) readSubscription(ctx context.Context, topic account.TopicARN, report reporter) error {
	subscription, err := h.subscription(ctx, topic)
	if err != nil {
		return err
	}
	var attributes map[string]string
	if subscription != "" {
		attributes, err = h.subscriptionAttributes(ctx, topic, subscription)
	}
	if subscription == "" || awsclient.IsNotFound(err) {
		report(Subscription, "", topic.String())
		return nil
	}
	if err != nil {
		return err
	}
	for _, setting := range subscriptionSettings {
		if !setting.right(attributes[setting.attribute]) {
			report(Subscription, setting.property, topic.String())
		}
	}
	return nil
}

// subscription returns the ARN of the queue's subscription to a topic, or "" if it does
// not exist.
func (h *Manager) subscription(ctx context.Context, topic account.TopicARN) (string, error) {
	pages := sns.NewListSubscriptionsByTopicPaginator(h.clients.SNS(topic.Region),
		&sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(topic.String())})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", h.clients.Explain(err, topic.String())
		}
		for _, s := range page.Subscriptions {
			if aws.ToString(s.Endpoint) == h.queueARN(QueueName(h.name)) {
				return aws.ToString(s.SubscriptionArn), nil
			}
		}
	}
	return "", nil
}

func (h *Manager) subscriptionAttributes(ctx context.Context, topic account.TopicARN, subscription string) (map[string]string, error) {
	out, err := h.clients.SNS(topic.Region).GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &subscription})
	if err != nil {
		return nil, h.clients.Explain(err, subscription)
	}
	return out.Attributes, nil
}
