// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// A Region is removed from a hub in steps, because stacks in it may still send
// requests: the Delete of a stack that rolls back, or a request that waits in the
// queue. From the first apply the Region is not offered to customers. Its topics keep
// their publishers for the grace period, then lose them, then are deleted. Each step is
// taken by the first apply after it is due; a refresh reports that it is due.

// deliveryGrace is how long a topic is kept after its publishers are removed: messages
// published before are delivered and answered within this time (aws-facts 1.5).
const deliveryGrace = time.Hour

// retiring returns the Regions that are not specified and in which a hub has, or may
// have, topics, together with the progress of their removal.
func retiring(before registry.HubRecord, spec Spec, now time.Time) ([]account.Region, map[account.Region]registry.Retirement) {
	regions := sortRegions(without(slices.Concat(before.Retiring, before.Regions), spec.Regions))
	retirements := map[account.Region]registry.Retirement{}
	for _, region := range regions {
		known, offered := before.Retirements[region]
		switch {
		case slices.Contains(before.Regions, region) && before.State != registry.HubCreating:
			retirements[region] = registry.Retirement{Since: now.UTC()}
		case offered:
			retirements[region] = known
		}
	}
	return regions, retirements
}

// retirementStep is a step of a Region's removal.
type retirementStep int

const (
	noStep           retirementStep = iota
	removePublishers                // the topics lose their publishers
	deleteTopics                    // the topics are deleted
)

// nextStep returns the step that is due. Topics that were never offered to a customer are
// deleted at once.
func nextStep(record registry.HubRecord, region account.Region, now time.Time) retirementStep {
	r, offered := record.Retirements[region]
	switch {
	case !offered, !r.PublishersRemovedAt.IsZero() && now.Sub(r.PublishersRemovedAt) >= deliveryGrace:
		return deleteTopics
	case r.PublishersRemovedAt.IsZero() && now.Sub(r.Since) >= onboarding.Grace:
		return removePublishers
	}
	return noStep
}

// due returns the retiring Regions for which a step is due, except those with a live
// stack, which was created while the Region was being removed.
func (h *Manager) due(ctx context.Context, record registry.HubRecord) ([]account.Region, error) {
	due := slices.DeleteFunc(slices.Clone(record.Retiring), func(r account.Region) bool { return nextStep(record, r, h.now()) == noStep })
	if len(record.Retirements) == 0 || len(due) == 0 {
		return due, nil
	}
	live, err := h.Live(ctx)
	return slices.DeleteFunc(due, func(r account.Region) bool {
		return slices.ContainsFunc(live, func(s LiveStack) bool { return s.Stack.Region == r })
	}), err
}

// startPublisherRemoval records the time for Regions whose topics are to lose their
// publishers now.
func (h *Manager) startPublisherRemoval(ctx context.Context, record registry.HubRecord) (registry.HubRecord, error) {
	due, err := h.due(ctx, record)
	for _, region := range due {
		if nextStep(record, region, h.now()) == removePublishers {
			record.Retirements[region] = registry.Retirement{Since: record.Retirements[region].Since, PublishersRemovedAt: h.now().UTC()}
		}
	}
	return record, err
}

// removePublishers removes the publishers from the policies of the Regions that
// startPublisherRemoval has recorded. The shards do not contain these Regions any more,
// so that no other process writes these policies.
func (h *Manager) removePublishers(ctx context.Context, record registry.HubRecord) error {
	var silent []account.Region
	for _, region := range record.Retiring {
		if !record.Retirements[region].PublishersRemovedAt.IsZero() {
			silent = append(silent, region)
		}
	}
	for _, topic := range h.topics(silent, record.Shards) {
		if err := h.removeTopicPublishers(ctx, topic); err != nil {
			return err
		}
	}
	return nil
}

func (h *Manager) removeTopicPublishers(ctx context.Context, topic account.TopicARN) error {
	attributes, err := h.topicAttributes(ctx, topic)
	if awsclient.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return h.clients.Explain(err, topic.String())
	}
	who, sequence, ours := iampolicy.PublishersOf(attributes["Policy"])
	if ours && who.Empty() {
		return nil
	}
	policy, err := iampolicy.MergePublishers(attributes["Policy"], topic, iampolicy.Publishers{}, sequence)
	if err != nil {
		return err
	}
	_, err = h.clients.SNS(topic.Region).SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: aws.String(topic.String()), AttributeName: aws.String("Policy"), AttributeValue: &policy,
	})
	return h.clients.Explain(err, topic.String())
}

// retire deletes the topics of the Regions that are due, then removes the Regions from
// the queue's policy and the record. It returns the record as written.
func (h *Manager) retire(ctx context.Context, record registry.HubRecord) (registry.HubRecord, error) {
	due, err := h.due(ctx, record)
	if err != nil {
		return record, err
	}
	due = slices.DeleteFunc(due, func(r account.Region) bool { return nextStep(record, r, h.now()) != deleteTopics })
	if len(due) == 0 {
		return record, nil
	}
	if err := h.deleteTopics(ctx, h.topics(due, record.Shards)); err != nil {
		return record, err
	}
	record.Retiring = without(record.Retiring, due)
	for _, region := range due {
		delete(record.Retirements, region)
	}
	if _, _, err := h.ensureQueue(ctx, record, nil); err != nil {
		return record, err
	}
	record, err = h.registry.UpdateHub(ctx, record)
	return record, h.explainRegistry(err)
}

// reportRetirements reports the Regions for which a step is due.
func (h *Manager) reportRetirements(ctx context.Context, record registry.HubRecord, report reporter) error {
	due, err := h.due(ctx, record)
	for _, region := range due {
		report(HubRecord, Unfinished, fmt.Sprintf("%s, which gives up Region %s", h.name, region))
	}
	return err
}
