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
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"golang.org/x/sync/errgroup"
)

// topicSettings are the attributes of every topic, except its policy, which Permissions
// manages. Topics have no KMS key, because every customer would need permission for it
// to publish (aws-facts 1.20).
var topicSettings = []struct {
	attribute string
	value     string
	property  Property
}{
	{"SignatureVersion", "2", SignatureVersion}, // SHA-256; the default is still SHA-1 (aws-facts 5.9)
	{"KmsMasterKeyId", "", Encryption},
}

// ensureTopic creates a topic if it is missing, or updates its attributes and tags. It
// reports whether it created or changed the topic.
func (h *Manager) ensureTopic(ctx context.Context, topic account.TopicARN, tags map[string]string, untested *untestedNote) (changed bool, err error) {
	client := h.clients.SNS(topic.Region)
	attributes, err := h.topicAttributes(ctx, topic)
	if awsclient.IsNotFound(err) {
		if err := untested.write(ctx); err != nil {
			return false, err
		}
		_, err := client.CreateTopic(ctx, &sns.CreateTopicInput{
			Name: &topic.Name, Tags: topicTags(tags), Attributes: map[string]string{"SignatureVersion": "2"},
		})
		return true, h.clients.Explain(err, topic.String())
	}
	if err != nil {
		return false, h.clients.Explain(err, topic.String())
	}
	for _, setting := range topicSettings {
		if attributes[setting.attribute] == setting.value {
			continue
		}
		changed = true
		if err := untested.write(ctx); err != nil {
			return changed, err
		}
		_, err := client.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
			TopicArn: aws.String(topic.String()), AttributeName: aws.String(setting.attribute), AttributeValue: aws.String(setting.value),
		})
		if err != nil {
			return changed, h.clients.Explain(err, topic.String())
		}
	}
	return changed, h.ensureTopicTags(ctx, topic, tags)
}

// readTopic reports defects of a topic and its subscription. A policy that is behind
// the registry's list is not a defect, because the refresh repairs it; it is returned
// as behind.
func (h *Manager) readTopic(ctx context.Context, topic account.TopicARN, shard registry.Shard, report reporter) (found, behind bool, err error) {
	attributes, err := h.topicAttributes(ctx, topic)
	if awsclient.IsNotFound(err) {
		report(Topic, "", topic.String())
		return false, false, nil
	}
	if err != nil {
		return false, false, h.clients.Explain(err, topic.String())
	}
	for _, setting := range topicSettings {
		if attributes[setting.attribute] != setting.value {
			report(Topic, setting.property, topic.String())
		}
	}
	if err := h.readSubscription(ctx, topic, report); err != nil {
		return true, false, err
	}
	return true, shard.Written != shard.Sequence || policyOutdated(attributes["Policy"], shard), nil
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

// deleteTopics deletes topics with their subscriptions. SNS returns no error for a
// topic that does not exist.
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

// policyOutdated reports whether a topic's policy does not match the registry's list, by
// its sequence or by its principals.
func policyOutdated(policy string, shard registry.Shard) bool {
	found, sequence, ok := iampolicy.PublishersOf(policy)
	return !ok || sequence != shard.Sequence || !found.Equal(publishersOf(shard))
}
