// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

const (
	loadLinger = 2 * time.Millisecond
	loadLimit  = 12 * time.Second
)

// loader reads the items of one Load, and caches them.
type loader struct {
	registry  *Registry
	requested map[key]bool
	items     map[key]item
}

// get reads the items that were not requested before.
func (l *loader) get(ctx context.Context, keys ...key) error {
	if l.requested == nil {
		l.requested, l.items = map[key]bool{}, map[key]item{}
	}
	var further []key
	for _, k := range keys {
		if !l.requested[k] {
			l.requested[k] = true
			further = append(further, k)
		}
	}
	if len(further) == 0 {
		return nil
	}
	found, err := l.registry.getCoalesced(ctx, further)
	for _, k := range further {
		if i := found[k]; i != nil {
			l.items[k] = i
		}
	}
	return err
}

// resolveSet completes a link with the contents of its permission set.
func (l *loader) resolveSet(ctx context.Context, link *onboarding.Link) error {
	if link.PermissionSet == "" {
		return nil
	}
	l.registry.lastSet.Store(&link.PermissionSet)
	k := setKey(link.PermissionSet)
	if err := l.get(ctx, k); err != nil {
		return err
	}
	sets := l.registry.newSetReader()
	if i := l.items[k]; i != nil {
		if err := sets.add(map[key]item{k: i}); err != nil {
			return err
		}
	}
	return sets.resolveSets(ctx, link) // reads the set again if it was not found, and fails if it does not exist
}

// getCoalesced returns the same as getAll, in one call for several callers. If a policy
// denies reading one of the keys, as it may in a table of the former layout, each
// caller reads its own keys.
func (r *Registry) getCoalesced(ctx context.Context, keys []key) (map[key]item, error) {
	found, shared, err := r.reads.Do(ctx, keys...)
	if shared && awsclient.IsAccessDenied(err) {
		return r.getAll(ctx, keys...)
	}
	return found, err
}

// predictKeys returns the keys of the items that a request probably concerns: those
// that an earlier Load found, or those of the customer whose ID is in the role's name,
// as it is by default. An attacker can cause any item to be read in this way, but
// learns nothing about it.
func (r *Registry) predictKeys(request phonehome.Request, before onboarding.Snapshot) []key {
	if !r.migrated.Load() { // it is unknown in which place the records are
		return nil
	}
	customer, set := before.Stack.CustomerID, r.lastSet.Load()
	if before.Link != nil {
		customer, set = before.Link.CustomerID, &before.Link.PermissionSet
	}
	if customer == "" {
		role, err := account.ParseRoleARN(request.Properties.RoleARN)
		if err != nil {
			return nil
		}
		var named bool
		if customer, named = strings.CutPrefix(role.Name, r.hub+"-"); !named || customer == "" {
			return nil
		}
	}
	keys := r.customerKeys(customer, request.Stack.Account)
	if set != nil && *set != "" {
		keys = append(keys, setKey(*set))
	}
	return keys
}

// customerKeys returns the keys of a customer's link, its binding, and the customer's
// registration in an account.
func (r *Registry) customerKeys(customer string, in account.ID) []key {
	at := r.partitioning()
	return []key{at.linkKey(customer), bindingKey(customer), at.registrationKey(customer, in)}
}

// registrationCheck returns a check that the registration is the same as in the snapshot,
// for the write of an answer: a read of several items may return one from before a
// transaction and another from after it. It returns nil if the answer does not concern
// a registration.
func (r *Registry) registrationCheck(s onboarding.Snapshot) *types.TransactWriteItem {
	var k key
	var revision int64
	switch {
	case s.Registration != nil:
		k, revision = r.registrationKeyOf(*s.Registration), s.Registration.Revision
	case s.Link != nil && !s.Link.Legacy:
		k = r.partitioning().registrationKey(s.Link.CustomerID, s.Stack.ID.Account)
	default:
		return nil
	}
	condition, values := revisionCondition(revision)
	return &types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: k.item(), ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}
}

// newReads returns the gatherer that coalesces the reads of a registry.
func newReads(r *Registry) *awsclient.Batcher[key, map[key]item] {
	return &awsclient.Batcher[key, map[key]item]{
		MaxItems: batchSize, Linger: loadLinger, Timeout: loadLimit,
		Call: func(ctx context.Context, keys []key) (map[key]item, error) { return r.getAll(ctx, keys...) },
	}
}
