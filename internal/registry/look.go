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
	lookLinger = 2 * time.Millisecond
	lookLimit  = 12 * time.Second
)

// look is what one Load has read so far.
type look struct {
	registry *Registry
	asked    map[key]bool
	items    map[key]item
}

// at reads the items of keys that it has not asked for yet.
func (l *look) at(ctx context.Context, keys ...key) error {
	if l.asked == nil {
		l.asked, l.items = map[key]bool{}, map[key]item{}
	}
	var further []key
	for _, k := range keys {
		if !l.asked[k] {
			l.asked[k] = true
			further = append(further, k)
		}
	}
	if len(further) == 0 {
		return nil
	}
	found, err := l.registry.getTogether(ctx, further)
	for _, k := range further {
		if i := found[k]; i != nil {
			l.items[k] = i
		}
	}
	return err
}

// refer gives a link what the permission set says that it refers to.
func (l *look) refer(ctx context.Context, link *onboarding.Link) error {
	if link.PermissionSet == "" {
		return nil
	}
	l.registry.lastSet.Store(&link.PermissionSet)
	k := setKey(link.PermissionSet)
	if err := l.at(ctx, k); err != nil {
		return err
	}
	sets := l.registry.newSetReader()
	if i := l.items[k]; i != nil {
		if err := sets.add(map[key]item{k: i}); err != nil {
			return err
		}
	}
	return sets.refer(ctx, link) // which reads it again, and says so, if it is not there
}

// getTogether is getAll for several callers at once. A key that a policy hides, as
// it may in a table of the former layout, costs those who did not ask for it
// nothing but time.
func (r *Registry) getTogether(ctx context.Context, keys []key) (map[key]item, error) {
	found, shared, err := r.together.Do(ctx, keys...)
	if shared && awsclient.IsAccessDenied(err) {
		return r.getAll(ctx, keys...)
	}
	return found, err
}

// guess returns where the request's customer, and their permission set, probably
// are: where an earlier Load has found them, or what the name of the role says,
// which by default is made of the customer's ID. An attacker can have any item
// read in this way, and is shown nothing of it.
func (r *Registry) guess(request phonehome.Request, before onboarding.Snapshot) []key {
	if !r.migrated.Load() { // nor is it known where to look
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

// customerKeys returns where a customer's link is, what it is bound to, and the
// registration in an account.
func (r *Registry) customerKeys(customer string, in account.ID) []key {
	at := r.spread()
	return []key{at.linkKey(customer), bindingKey(customer), at.registrationKey(customer, in)}
}

// registrationIs checks, with the write of an answer, that the registration is as
// the snapshot has it: a read of several items may see one before a transaction
// and another one after it. Nil: the answer is not about any registration.
func (r *Registry) registrationIs(s onboarding.Snapshot) *types.TransactWriteItem {
	var k key
	var revision int64
	switch {
	case s.Registration != nil:
		k, revision = r.placeOf(*s.Registration), s.Registration.Revision
	case s.Link != nil && !s.Link.Former:
		k = r.spread().registrationKey(s.Link.CustomerID, s.Stack.ID.Account)
	default:
		return nil
	}
	condition, values := revisionIs(revision)
	return &types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: k.item(), ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}
}

// newTogether returns what gathers the reads of a registry.
func newTogether(r *Registry) *awsclient.Gatherer[key, map[key]item] {
	return &awsclient.Gatherer[key, map[key]item]{
		Most: batchSize, Linger: lookLinger, Limit: lookLimit,
		Call: func(ctx context.Context, keys []key) (map[key]item, error) { return r.getAll(ctx, keys...) },
	}
}
