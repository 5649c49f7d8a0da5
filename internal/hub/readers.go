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

// The readers of templates are in the bucket's policy, which S3 replaces without
// comparing it, as SNS does. So it is written in the same way as the topics' policies,
// under a lease of the registry, with the principals that the hub's template access
// allows at that time. If access is by account, the list of accounts is in the item
// with the lease, and contains the publishers.

// AllowRead ensures that an account may read templates, if the hub's template access is
// by account. Callers call it before any other step for a customer, so that nothing is
// changed if it fails.
func (p *Permissions) AllowRead(ctx context.Context, record registry.HubRecord, id account.ID) error {
	if record.TemplateAccess != onboarding.TemplatesAccounts {
		return nil
	}
	return p.join(ctx, registry.Readers, id)
}

// allowReaders allows accounts to read templates after they were allowed to publish. It
// reads the hub's record again: the hub may have been changed since the caller read it,
// and its customers counted before these accounts were added.
func (p *Permissions) allowReaders(ctx context.Context, accounts []account.ID) error {
	record, err := p.hub.registry.Hub(ctx)
	if err != nil || record.TemplateAccess != onboarding.TemplatesAccounts {
		return p.hub.explainRegistry(err)
	}
	readers, err := p.hub.registry.Shard(ctx, registry.Readers)
	if err != nil {
		return p.explain(err)
	}
	if len(p.additions(readers, accounts).Add) == 0 && readers.Written == readers.Sequence {
		return nil
	}
	return p.change(ctx, registry.Readers, func(now registry.Shard) registry.ShardChange { return p.additions(now, accounts) })
}

// setReaders writes the bucket's policy for the template access in the hub's record and
// the current customers.
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
		for id, asked := range now.Accounts { // the account's link may not be written yet
			if p.hub.now().Sub(asked) <= removableAfter {
				all[id] = asked
			}
		}
		if slices.Equal(now.AccountIDs(), registry.Shard{Accounts: all}.AccountIDs()) {
			return registry.ShardChange{}
		}
		return registry.ShardChange{All: all}
	})
}

// repairReaders writes the bucket's policy if it does not match the list.
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

// readers returns the accounts that may read templates according to the hub's record:
// the publishers. It returns an error if the bucket's policy has no room for all of
// them.
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

// bucketPolicy returns the policy that a hub's bucket should have.
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

// readersUnderLease is a round for the readers' list. Unlike for topics, the policy is
// written before the list: S3 refuses a policy that names an account that does not
// exist, and then the list must not contain the account either.
func (p *Permissions) readersUnderLease(ctx context.Context, lease registry.Lease, today registry.Shard, change registry.ShardChange) error {
	record, err := p.hub.registry.Hub(ctx)
	if err != nil {
		return p.hub.explainRegistry(err)
	}
	target := changed(today, change)
	policy, err := bucketPolicy(record, target.AccountIDs())
	if err != nil {
		return fmt.Errorf("hub %s cannot allow these accounts to read templates; nothing was changed: %w", p.hub.name, err)
	}
	err = p.hub.writeBucketPolicy(ctx, lease, record.Bucket, policy)
	if errors.Is(err, errNoSuchPrincipal) {
		return p.findRefusedAccounts(ctx, lease, record, today, change, err)
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

// NoSuchAccountError indicates that an account does not exist, so that S3 refuses the
// bucket's policy that names it.
type NoSuchAccountError struct {
	Hub      string
	Accounts []account.ID // one or more of them do not exist
	Named    bool         // S3 accepted the accounts before, and one has been closed since
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
	return fmt.Sprintf("there is no AWS account %s: check the number with the customer. S3 refuses a policy that names an account that does not exist: %v", onboarding.SomeOf(names), e.Err)
}

func (e *NoSuchAccountError) Unwrap() error { return e.Err }

// findRefusedAccounts returns *NoSuchAccountError with the accounts that may have
// caused S3's refusal. If S3 refuses the old policy as well, an account in it was
// closed; otherwise the cause is one of the new accounts.
func (p *Permissions) findRefusedAccounts(ctx context.Context, lease registry.Lease, record registry.HubRecord, today registry.Shard, change registry.ShardChange, refused error) error {
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

// errNoSuchPrincipal indicates that S3 refused a policy that names an account that does
// not exist. SNS refuses these too (aws-facts 5.4).
var errNoSuchPrincipal = errors.New("S3 does not know one of the accounts")

// writeBucketPolicy sets the bucket's policy, unless the present one is equivalent.
func (h *Manager) writeBucketPolicy(ctx context.Context, lease registry.Lease, bucket string, policy iampolicy.Document) error {
	right, err := h.bucketPolicyIs(ctx, bucket, policy)
	if right || err != nil && !awsclient.IsNotFound(err) || awsclient.HasCode(err, "NoSuchBucket") {
		return h.clients.Explain(err, h.bucketARN(bucket))
	}
	return h.putBucketPolicy(ctx, lease, bucket, policy)
}

// putBucketPolicy sets the bucket's policy under the lease, as write does for topics.
// S3 may apply a former Block Public Access setting for some seconds and deny the
// request, so it is retried.
func (h *Manager) putBucketPolicy(ctx context.Context, lease registry.Lease, bucket string, policy iampolicy.Document) error {
	const attempts = 4
	var err error
	for attempt := range attempts {
		if lease.Until.Sub(h.now()) <= requestTime {
			return fmt.Errorf("the lease of hub %s expires too soon to write under it: %w", h.name, registry.ErrConflict)
		}
		if err = h.putBucketPolicyOnce(ctx, bucket, policy.String()); !awsclient.IsAccessDenied(err) || attempt == attempts-1 {
			break
		}
		if waited := h.sleep(ctx, 2*time.Second); waited != nil {
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

// bucketPolicyIs reports whether the bucket's policy is equivalent to the given one.
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
