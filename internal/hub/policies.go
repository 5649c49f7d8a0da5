// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"golang.org/x/sync/errgroup"
)

const (
	// leaseTime is the lifetime of a lease, after which other writers take over from
	// one that crashed.
	leaseTime = 20 * time.Second
	// requestTime is the time limit of one request to SNS. A request is started only if
	// the lease is valid for longer than that, so that a slow request cannot arrive
	// after one of the next writer.
	requestTime = 5 * time.Second
)

// changeOnce is one attempt at a change, from acquiring the lease to releasing it. All
// checks that may refuse the change come before the first write.
func (p *Permissions) changeOnce(ctx context.Context, list registry.ListKey, decide func(registry.Shard) registry.ShardChange) error {
	lease := registry.Lease{Holder: p.holder, Until: p.hub.now().Add(leaseTime)}
	today, err := p.hub.registry.AcquireLease(ctx, list, lease)
	if err != nil {
		return p.explain(err)
	}
	write := p.changeUnderLease
	if list == registry.Readers {
		write = p.readersUnderLease
	}
	err = write(ctx, lease, today, decide(today))
	if err == nil || isRetryable(err) {
		return err // the lease is released, lost, or needed again by the next round
	}
	return errors.Join(err, p.hub.registry.ReleaseLease(context.WithoutCancel(ctx), list, lease))
}

func (p *Permissions) changeUnderLease(ctx context.Context, lease registry.Lease, today registry.Shard, change registry.ShardChange) error {
	target := changed(today, change)
	policies, err := p.policies(ctx, target)
	if err != nil {
		return err
	}
	writes, err := merged(policies, target)
	if err != nil {
		return fmt.Errorf("hub %s cannot allow these accounts to publish; nothing was changed: %w", p.hub.name, err)
	}
	if target.Sequence != today.Sequence || change.Leaving != nil {
		if target, err = p.hub.registry.ChangeShard(ctx, lease, today, change); err != nil {
			return p.explain(err)
		}
	}
	if err := p.write(ctx, lease, writes); err != nil {
		return err
	}
	return p.explain(p.hub.registry.FinishLease(ctx, lease, target))
}

// changed returns the shard after the change.
func changed(shard registry.Shard, change registry.ShardChange) registry.Shard {
	if change.Leaving != nil {
		shard.Leaving = change.Leaving
	}
	if change.KeepsPolicies() {
		return shard
	}
	accounts := maps.Clone(shard.Accounts)
	if change.All != nil {
		accounts = maps.Clone(change.All)
	}
	for _, id := range change.Add {
		accounts[id] = time.Time{}
	}
	for _, id := range change.Remove {
		delete(accounts, id)
	}
	shard.Accounts = accounts
	if change.Regions != nil {
		shard.Regions = change.Regions
	}
	if change.Organizations != nil {
		shard.Organizations = change.Organizations
	}
	if change.Anyone != nil {
		shard.Anyone = *change.Anyone
	}
	shard.Sequence++
	return shard
}

// topicPolicy is the policy of one topic.
type topicPolicy struct {
	topic account.TopicARN
	text  string
}

// policies returns the policies of a shard's topics, one for each Region.
func (p *Permissions) policies(ctx context.Context, shard registry.Shard) ([]topicPolicy, error) {
	number, ok := shard.List.Shard()
	if !ok {
		return nil, fmt.Errorf("%s has no topics", shard.List)
	}
	found := make([]topicPolicy, len(shard.Regions))
	group, ctx := errgroup.WithContext(ctx)
	for i, region := range shard.Regions {
		group.Go(func() error {
			topic := p.hub.topic(region, number)
			attributes, err := p.hub.topicAttributes(ctx, topic)
			if awsclient.IsNotFound(err) {
				return fmt.Errorf("topic %s of hub %s is gone: apply the hub again to recreate it: %w", topic, p.hub.name, err)
			}
			found[i] = topicPolicy{topic, attributes["Policy"]}
			return p.hub.clients.Explain(err, topic.String())
		})
	}
	return found, group.Wait()
}

// merged returns the new policies of topics whose policy does not match the shard yet.
// Statements that other tools added are kept.
func merged(policies []topicPolicy, shard registry.Shard) ([]topicPolicy, error) {
	var writes []topicPolicy
	for _, t := range policies {
		if !policyOutdated(t.text, shard) {
			continue
		}
		text, err := iampolicy.MergePublishers(t.text, t.topic, publishersOf(shard), shard.Sequence)
		if err != nil {
			return nil, err
		}
		writes = append(writes, topicPolicy{t.topic, text})
	}
	return writes, nil
}

// write replaces the policies in all Regions concurrently. The SDK's retries are
// disabled, because they would not respect the lease.
func (p *Permissions) write(ctx context.Context, lease registry.Lease, writes []topicPolicy) error {
	if lease.Until.Sub(p.hub.now()) <= requestTime {
		return fmt.Errorf("the lease of hub %s expires too soon to write under it: %w", p.hub.name, registry.ErrConflict)
	}
	requests, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	var group errgroup.Group // without a context: one failure must not leave the others unknown
	for _, t := range writes {
		group.Go(func() error {
			_, err := p.hub.clients.SNS(t.topic.Region).SetTopicAttributes(requests, &sns.SetTopicAttributesInput{
				TopicArn:       aws.String(t.topic.String()),
				AttributeName:  aws.String("Policy"),
				AttributeValue: &t.text,
			}, func(o *sns.Options) { o.Retryer = aws.NopRetryer{} })
			if awsclient.IsRetryable(err) || errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
				return fmt.Errorf("topic %s: %w: %w", t.topic, errUnwritten, err)
			}
			return p.hub.clients.Explain(err, t.topic.String())
		})
	}
	return group.Wait()
}

// errUnwritten indicates that a policy may not have been written. The next round, under
// the same lease, reads the policy and writes it if necessary.
var errUnwritten = errors.New("AWS did not confirm the policy")

// isRetryable reports whether another round may succeed after an error.
func isRetryable(err error) bool {
	var held *registry.LeaseHeldError
	return errors.As(err, &held) || errors.Is(err, registry.ErrConflict) || errors.Is(err, errUnwritten)
}

func (p *Permissions) explain(err error) error { return p.hub.clients.Explain(err, p.hub.tableARN()) }
