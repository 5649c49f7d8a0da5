// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Transaction contains the writes of one transaction: customers' first links, and the
// changes of the lists of publishers that they need.
type Transaction struct {
	// HubRevision is the revision that the hub's record must have; 0: any.
	HubRevision int64
	Links       []LinkChange
	Lists       []ListWrite
}

// ListWrite acquires a list's lease and changes the list, both or neither. It fails if
// another process holds the lease, or if the list has another sequence than Before. A
// change that leaves the policies unchanged acquires no lease, and only checks the
// sequence.
type ListWrite struct {
	Lease  Lease
	Before Shard
	Change ShardChange
}

// ErrTransactionTooLarge indicates that the writes do not fit into one transaction.
var ErrTransactionTooLarge = errors.New("too many writes for one transaction")

// WriteTransaction makes all writes or none, and returns the links as written.
// ErrConflict does not identify the write that was refused, so the caller has to try
// each separately. ErrTransactionTooLarge indicates that nothing was tried.
func (r *Registry) WriteTransaction(ctx context.Context, all Transaction) ([]onboarding.Link, error) {
	if err := r.Migrate(ctx); err != nil {
		return nil, err
	}
	t := linkTransaction{registry: r}
	if all.HubRevision != 0 {
		t.addWrite(r.hubCheck(all.HubRevision))
	}
	for _, list := range all.Lists {
		t.addWrite(r.listWrite(list))
	}
	sets := map[string]bool{} // a transaction takes one write or check of an item
	for _, change := range all.Links {
		for _, check := range r.setChecks(change.Before, change.Link) {
			if name := change.Link.PermissionSet; !sets[name] {
				sets[name] = true
				t.addWrite(check)
			}
		}
	}
	for _, change := range all.Links {
		if fits, err := t.add(change); err != nil || !fits {
			return nil, errors.Join(err, ErrTransactionTooLarge)
		}
	}
	err := r.transact(ctx, t.writes)
	if conflicts(err) {
		return nil, fmt.Errorf("write %s of hub %s in one transaction: %w", onboarding.Counted(len(all.Links), "link"), r.hub, ErrConflict)
	}
	if err != nil {
		return nil, fmt.Errorf("write %s of hub %s in one transaction: %w", onboarding.Counted(len(all.Links), "link"), r.hub, err)
	}
	return t.links, nil
}

// addWrite adds a write that belongs to no link.
func (t *linkTransaction) addWrite(write types.TransactWriteItem) {
	t.writes, t.linkIndexes = append(t.writes, write), append(t.linkIndexes, -1)
}

// hubCheck returns a check that the hub's record has a revision.
func (r *Registry) hubCheck(revision int64) types.TransactWriteItem {
	condition, values := revisionCondition(revision)
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: hubKey.item(), ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}
}

// listWrite returns a ListWrite as part of a transaction.
func (r *Registry) listWrite(w ListWrite) types.TransactWriteItem {
	const unmoved = "#sequence = :before"
	at := listKey(w.Before.List).item()
	if w.Change.KeepsPolicies() {
		condition := unmoved
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &r.table, Key: at, ConditionExpression: &condition,
			ExpressionAttributeNames:  map[string]string{"#sequence": "sequence"},
			ExpressionAttributeValues: item{":before": number(w.Before.Sequence)},
		}}
	}
	update, names, values := r.changeExpression(w.Lease, w.Before, w.Change, "lease_holder = :me, lease_until = :until")
	condition := unmoved + " AND " + leaseFreeCondition
	values[":until"], values[":instant"] = millis(w.Lease.Until), millis(r.now())
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &r.table, Key: at, UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}}
}

// FinishLeases is FinishLease for several lists that one holder has written, for all or
// none. After ErrConflict the caller has to finish each separately.
func (r *Registry) FinishLeases(ctx context.Context, lease Lease, written []Shard) error {
	switch len(written) {
	case 0:
		return nil
	case 1:
		return r.FinishLease(ctx, lease, written[0])
	}
	writes := make([]types.TransactWriteItem, len(written))
	for n, list := range written {
		update, condition, names, values := finish(lease, list)
		writes[n] = types.TransactWriteItem{Update: &types.Update{
			TableName: &r.table, Key: listKey(list.List).item(), UpdateExpression: &update, ConditionExpression: &condition,
			ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		}}
	}
	err := r.transact(ctx, writes)
	if conflicts(err) {
		err = ErrConflict
	}
	if err != nil {
		return fmt.Errorf("finish writing %d lists of hub %s: %w", len(written), r.hub, err)
	}
	return nil
}

// CallerOf returns the caller that OnBehalf put into the context, for a LinkChange in a
// transaction with links of other callers; empty if there is none.
func CallerOf(ctx context.Context) string { return onBehalf(ctx) }
