// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// transaction returns a transaction with two new links, and the list of both accounts.
func (w *world) transaction() registry.Transaction {
	w.t.Helper()
	list, err := w.Shard(w.t.Context(), registry.ShardList(0))
	w.must(err)
	return registry.Transaction{
		HubRevision: w.hub.Revision,
		Links:       []registry.LinkChange{{Link: w.link("globex", "222222222222")}, {Link: w.link("initech", "333333333333"), OnBehalf: "a caller"}},
		Lists: []registry.ListWrite{{Lease: w.lease("a"), Before: list, Change: registry.ShardChange{
			Add: []account.ID{id(w.t, "222222222222"), id(w.t, "333333333333")},
		}}},
	}
}

func TestLinksAndTheirListAreWrittenTogetherUnderItsLease(t *testing.T) {
	w := newShard(t)
	all := w.transaction()
	links, err := w.WriteTransaction(t.Context(), all)
	w.must(err)
	customers, err := w.Customers(t.Context())
	w.must(err)
	if len(links) != 2 || len(customers) != 2 || links[0].Revision != 1 || customers[0].Link.ExternalID != links[0].ExternalID {
		t.Errorf("written are %+v, read %+v", links, customers)
	}
	list, err := w.Shard(t.Context(), registry.ShardList(0))
	w.must(err)
	if len(list.Accounts) != 2 || list.Sequence != 1 || list.Written != 0 {
		t.Errorf("the list is %+v", list)
	}
	var held *registry.LeaseHeldError
	if _, err := w.AcquireLease(t.Context(), registry.ShardList(0), w.lease("b")); !errors.As(err, &held) {
		t.Errorf("got %v, want LeaseHeldError", err)
	}
	w.must(w.FinishLeases(t.Context(), all.Lists[0].Lease, []registry.Shard{list}))
	if _, err := w.AcquireLease(t.Context(), registry.ShardList(0), w.lease("b")); err != nil {
		t.Errorf("the lease was not given back: %v", err)
	}
}

func TestATransactionWritesNothingIfOneOfItsConditionsFails(t *testing.T) {
	for name, change := range map[string]func(w *world, all *registry.Transaction){
		"the hub was changed": func(w *world, _ *registry.Transaction) {
			_, err := w.UpdateHub(w.t.Context(), w.hub)
			w.must(err)
		},
		"the lease is another's": func(w *world, _ *registry.Transaction) {
			_, err := w.AcquireLease(w.t.Context(), registry.ShardList(0), w.lease("b"))
			w.must(err)
		},
		"the list was changed": func(w *world, all *registry.Transaction) {
			lease := w.lease("b")
			today, err := w.AcquireLease(w.t.Context(), registry.ShardList(0), lease)
			w.must(err)
			today, err = w.ChangeShard(w.t.Context(), lease, today, registry.ShardChange{Add: []account.ID{id(w.t, "444444444444")}})
			w.must(err)
			w.must(w.FinishLease(w.t.Context(), lease, today))
		},
		"a list that is only checked was changed": func(_ *world, all *registry.Transaction) {
			all.Lists[0].Before.Sequence, all.Lists[0].Change = 7, registry.ShardChange{}
		},
		"a customer has a link": func(w *world, _ *registry.Transaction) { w.linked("initech", "333333333333") },
		"an external ID is another's": func(w *world, all *registry.Transaction) {
			all.Links[0].Link.ExternalID = w.linked("umbrella", "555555555555").ExternalID
		},
		"a set does not exist": func(_ *world, all *registry.Transaction) {
			all.Links[0].Link.PermissionSet, all.Links[1].Link.PermissionSet = "audit", "audit"
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newShard(t)
			all := w.transaction()
			change(w, &all)
			before, err := w.Customers(t.Context())
			w.must(err)
			list, err := w.Shard(t.Context(), registry.ShardList(0))
			w.must(err)
			if links, err := w.WriteTransaction(t.Context(), all); !errors.Is(err, registry.ErrConflict) || len(links) > 0 {
				t.Errorf("got %v, %v, want ErrConflict", links, err)
			}
			after, err := w.Customers(t.Context())
			w.must(err)
			now, err := w.Shard(t.Context(), registry.ShardList(0))
			w.must(err)
			if len(after) != len(before) || now.Sequence != list.Sequence {
				t.Errorf("there are %d customers, and the list is %+v", len(after), now)
			}
		})
	}
}

func TestLinksOfOneSetAreWrittenTogether(t *testing.T) {
	w := newShard(t)
	_, err := w.CreatePermissionSet(t.Context(), onboarding.PermissionSet{Hub: hubName, Name: "audit"})
	w.must(err)
	all := w.transaction()
	for n := range all.Links {
		all.Links[n].Link.PermissionSet = "audit"
	}
	if _, err := w.WriteTransaction(t.Context(), all); err != nil {
		t.Error(err)
	}
}

// DynamoDB refuses a write while a transaction writes or checks the same item.
func TestAWriteIsRetriedAfterATransactionConflict(t *testing.T) {
	for name, write := range map[string]func(w *world) error{
		"a lease": func(w *world) error {
			_, err := w.AcquireLease(w.t.Context(), registry.ShardList(0), w.lease("a"))
			return err
		},
		"the hub's record": func(w *world) error { _, err := w.UpdateHub(w.t.Context(), w.hub); return err },
	} {
		t.Run(name, func(t *testing.T) {
			w := newShard(t)
			var met atomic.Int64
			w.sandbox.Faults().Before(func(c *kernel.Call) error {
				if (c.Action == "UpdateItem" || c.Action == "PutItem") && met.Add(1) == 1 {
					return kernel.Errorf(400, "TransactionConflictException", "Transaction is ongoing for the item")
				}
				return nil
			})
			if err := write(w); err != nil || met.Load() != 2 {
				t.Errorf("after %d tries: %v", met.Load(), err)
			}
		})
	}
}
