// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// The readers of templates are in the bucket's policy, which S3 replaces as blindly as
// SNS does. So it is written in the same way as the topics' policies are, under
// a lease of the registry: the principals that the hub's template access lets
// read then are in it. If those are the customers' accounts, their list is in the
// item with the lease, and consists of the publishers.

// LetRead ensures that an account may read templates if the hub's record
// names those who may. It comes before anything else that is done for a
// customer: when it fails, nothing was changed.
func (p *Permissions) LetRead(ctx context.Context, record registry.HubRecord, id account.ID) error {
	if record.TemplateAccess != onboarding.TemplatesAccounts {
		return nil
	}
	return p.join(ctx, registry.Readers, id)
}

// letReadToo follows a change of publishers. It asks how the hub is now, and not
// how it was when the caller began: the hub may have been changed meanwhile,
// and counted its customers before these were among them.
func (p *Permissions) letReadToo(ctx context.Context, accounts []account.ID) error {
	record, err := p.hub.registry.Hub(ctx)
	if err != nil || record.TemplateAccess != onboarding.TemplatesAccounts {
		return p.hub.explainRegistry(err)
	}
	readers, err := p.hub.registry.Shard(ctx, registry.Readers)
	if err != nil {
		return p.explain(err)
	}
	if len(p.wanting(readers, accounts).Add) == 0 && readers.Written == readers.Sequence {
		return nil
	}
	return p.change(ctx, registry.Readers, func(now registry.Shard) registry.ShardChange { return p.wanting(now, accounts) })
}

// setReaders writes the bucket's policy as in the hub's record, for today's
// customers.
func (p *Permissions) setReaders(ctx context.Context, record registry.HubRecord) error {
	if err := p.hub.registry.EnsureShard(ctx, registry.Readers, []account.Region{record.Region}); err != nil {
		return p.hub.explainRegistry(err)
	}
	readers, err := p.readers(ctx, record)
	if err != nil {
		return err
	}
	return p.change(ctx, registry.Readers, func(now registry.Shard) registry.ShardChange {
		if record.TemplateAccess != onboarding.TemplatesAccounts {
			return registry.ShardChange{}
		}
		all := map[account.ID]time.Time{}
		for _, id := range readers {
			all[id] = p.hub.now()
		}
		for id, asked := range now.Accounts { // its link may be about to be written
			if p.hub.now().Sub(asked) <= settled {
				all[id] = asked
			}
		}
		if slices.Equal(now.AccountIDs(), registry.Shard{Accounts: all}.AccountIDs()) {
			return registry.ShardChange{}
		}
		return registry.ShardChange{All: all}
	})
}

// repairReaders writes a bucket's policy that is behind the list.
func (p *Permissions) repairReaders(ctx context.Context, record registry.HubRecord) error {
	today, err := p.hub.registry.Shard(ctx, registry.Readers)
	if err != nil {
		return p.explain(err)
	}
	policy, err := bucketPolicy(record, today.AccountIDs())
	if err != nil {
		return err
	}
	right, err := p.hub.bucketPolicyIs(ctx, record.Bucket, policy)
	if err != nil && !awsclient.IsNotFound(err) {
		return p.hub.clients.Explain(err, p.hub.bucketARN(record.Bucket))
	}
	if right && today.Written == today.Sequence {
		return nil
	}
	return p.change(ctx, registry.Readers, func(registry.Shard) registry.ShardChange { return registry.ShardChange{} })
}

// readers returns the accounts that may read by the hub's record: the
// publishers. There has to be room for all of them.
func (p *Permissions) readers(ctx context.Context, record registry.HubRecord) ([]account.ID, error) {
	if record.TemplateAccess != onboarding.TemplatesAccounts {
		return nil, nil
	}
	customers, err := p.hub.registry.Customers(ctx)
	if err != nil {
		return nil, p.explain(err)
	}
	readers := onboarding.AllowedAccounts(customers, p.hub.now().Add(-onboarding.Grace))
	_, err = bucketPolicy(record, readers)
	return readers, err
}

// bucketPolicy returns the policy that the bucket of a hub should have.
func bucketPolicy(record registry.HubRecord, readers []account.ID) (iampolicy.Document, error) {
	switch partition := record.Region.Partition(); record.TemplateAccess {
	case onboarding.TemplatesPublic:
		return iampolicy.PublicTemplates(record.Bucket, partition), nil
	case onboarding.TemplatesPresigned:
		return iampolicy.PrivateTemplates(record.Bucket, partition), nil
	case onboarding.TemplatesAccounts:
		return iampolicy.AccountTemplates(record.Bucket, partition, readers)
	default:
		return iampolicy.Document{}, fmt.Errorf("hub %s has the template access %q, which this release does not know: use a newer one", record.Name, record.TemplateAccess)
	}
}

// readersUnderLease is a round of the readers' list. The policy is written
// before the list is, other than with topics: S3 refuses a policy that names an
// account which is not there, and then the list must not name it either.
func (p *Permissions) readersUnderLease(ctx context.Context, lease registry.Lease, today registry.Shard, change registry.ShardChange) error {
	record, err := p.hub.registry.Hub(ctx)
	if err != nil {
		return p.hub.explainRegistry(err)
	}
	target := changed(today, change)
	policy, err := bucketPolicy(record, target.AccountIDs())
	if err != nil {
		return fmt.Errorf("hub %s cannot let these accounts read templates, and nothing was changed: %w", p.hub.name, err)
	}
	err = p.hub.writeBucketPolicy(ctx, lease, record.Bucket, policy)
	if errors.Is(err, errNoSuchPrincipal) {
		return p.blame(ctx, lease, record, today, change, err)
	}
	if err != nil {
		return err
	}
	if target.Sequence != today.Sequence || change.Leaving != nil {
		if target, err = p.hub.registry.ChangeShard(ctx, lease, today, change); err != nil {
			return p.explain(err)
		}
	}
	return p.explain(p.hub.registry.FinishLease(ctx, lease, target))
}

// NoSuchAccountError indicates that S3 knows no account of an ID, so that the bucket's
// policy can't name it.
type NoSuchAccountError struct {
	Hub      string
	Accounts []account.ID // of which one or more are not there
	Named    bool         // they were accepted once, and have been closed since
	Err      error
}

func (e *NoSuchAccountError) Error() string {
	if e.Named {
		return fmt.Sprintf("the bucket's policy of hub %s can't be changed, because one of the %d accounts that it names has been closed since, and S3 doesn't say which. "+
			"Until that customer is gone, use template_access = \"presigned\": %v", e.Hub, len(e.Accounts), e.Err)
	}
	names := make([]string, len(e.Accounts))
	for i, id := range e.Accounts {
		names[i] = id.String()
	}
	return fmt.Sprintf("there is no AWS account %s: check the number with the customer. S3 refuses a policy that names an account which is not there: %v", onboarding.SomeOf(names), e.Err)
}

func (e *NoSuchAccountError) Unwrap() error { return e.Err }

// blame finds out whether it is the new accounts that S3 doesn't know, or one
// that it knew once: then it refuses the old policy as well.
func (p *Permissions) blame(ctx context.Context, lease registry.Lease, record registry.HubRecord, today registry.Shard, change registry.ShardChange, refused error) error {
	fault := &NoSuchAccountError{Hub: p.hub.name, Accounts: today.AccountIDs(), Named: true, Err: refused}
	added := slices.DeleteFunc(changed(today, change).AccountIDs(), func(id account.ID) bool { _, there := today.Accounts[id]; return there })
	if len(added) == 0 {
		fault.Accounts = changed(today, change).AccountIDs()
		return fault
	}
	old, err := bucketPolicy(record, today.AccountIDs())
	if err == nil {
		err = p.hub.putBucketPolicy(ctx, lease, record.Bucket, old)
	}
	switch {
	case err == nil:
		fault.Accounts, fault.Named = added, false
	case !errors.Is(err, errNoSuchPrincipal):
		return err
	}
	return fault
}

// errNoSuchPrincipal is S3's refusal of a policy that names an account which is
// not there, as SNS's is (aws-facts 5.4).
var errNoSuchPrincipal = errors.New("S3 does not know one of the accounts")

// writeBucketPolicy makes the bucket's policy the given one, if it does not mean
// the same already.
func (h *Manager) writeBucketPolicy(ctx context.Context, lease registry.Lease, bucket string, policy iampolicy.Document) error {
	right, err := h.bucketPolicyIs(ctx, bucket, policy)
	if right || err != nil && !awsclient.IsNotFound(err) || awsclient.HasCode(err, "NoSuchBucket") {
		return h.clients.Explain(err, h.bucketARN(bucket))
	}
	return h.putBucketPolicy(ctx, lease, bucket, policy)
}

// putBucketPolicy writes under the lease, as for topics. S3 may still go by the
// Block Public Access setting of some seconds ago, and refuse.
func (h *Manager) putBucketPolicy(ctx context.Context, lease registry.Lease, bucket string, policy iampolicy.Document) error {
	const attempts = 4
	var err error
	for attempt := range attempts {
		if lease.Until.Sub(h.now()) <= requestTime {
			return fmt.Errorf("the lease of hub %s has run too low to write under it: %w", h.name, registry.ErrConflict)
		}
		if err = h.putBucketPolicyOnce(ctx, bucket, policy.String()); !awsclient.IsAccessDenied(err) || attempt == attempts-1 {
			break
		}
		if waited := h.wait(ctx, 2*time.Second); waited != nil {
			return waited
		}
	}
	switch {
	case awsclient.HasCode(err, "MalformedPolicy"):
		return fmt.Errorf("%w: %w", errNoSuchPrincipal, err)
	case awsclient.IsRetryable(err), errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return fmt.Errorf("bucket %s: %w: %w", bucket, errUnwritten, err)
	case awsclient.IsAccessDenied(err):
		err = fmt.Errorf("customers could not read templates; if the permission exists, "+
			"the account's own Block Public Access setting may forbid every public bucket: %w", err)
	}
	return h.clients.Explain(err, h.bucketARN(bucket))
}

func (h *Manager) putBucketPolicyOnce(ctx context.Context, bucket, policy string) error {
	request, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	_, err := h.clients.S3().PutBucketPolicy(request, &s3.PutBucketPolicyInput{
		Bucket:              &bucket,
		ExpectedBucketOwner: aws.String(h.clients.Account.String()),
		Policy:              &policy,
	}, func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
	return err
}

// bucketPolicyIs reports whether the bucket's policy means what it should.
func (h *Manager) bucketPolicyIs(ctx context.Context, bucket string, policy iampolicy.Document) (bool, error) {
	out, err := h.clients.S3().GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{
		Bucket:              &bucket,
		ExpectedBucketOwner: aws.String(h.clients.Account.String()),
	})
	if err != nil {
		return false, err
	}
	same, err := iampolicy.Equivalent(aws.ToString(out.Policy), policy.String())
	return err == nil && same, nil
}
