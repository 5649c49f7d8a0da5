// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newShard(t *testing.T) *world {
	t.Helper()
	w := newHub(t)
	w.must(w.EnsureShard(t.Context(), registry.ShardList(0), w.hub.Regions))
	return w
}

func (w *world) lease(holder string) registry.Lease {
	return registry.Lease{Holder: holder, Until: w.clock.Now().Add(20 * time.Second)}
}

func TestMakingAShardAgainLeavesItAsItIs(t *testing.T) {
	w := newShard(t)
	lease := w.lease("a")
	today, err := w.AcquireLease(t.Context(), registry.ShardList(0), lease)
	w.must(err)
	_, err = w.ChangeShard(t.Context(), lease, today, registry.ShardChange{Add: []account.ID{id(t, "222222222222")}})
	w.must(err)
	w.must(w.EnsureShard(t.Context(), registry.ShardList(0), []account.Region{region(t, "eu-west-1")}))
	today, err = w.Shard(t.Context(), registry.ShardList(0))
	w.must(err)
	if len(today.Accounts) != 1 || len(today.Regions) != 2 || today.Sequence != 1 || today.Written != 0 {
		t.Errorf("got %+v", today)
	}
}

func TestOnlyOneHoldsTheLeaseUntilItEnds(t *testing.T) {
	w := newShard(t)
	a, b := w.lease("a"), w.lease("b")
	_, err := w.AcquireLease(t.Context(), registry.ShardList(0), a)
	w.must(err)
	_, err = w.AcquireLease(t.Context(), registry.ShardList(0), a) // one's own can be renewed
	w.must(err)
	var held *registry.LeaseHeldError
	if _, err := w.AcquireLease(t.Context(), registry.ShardList(0), b); !errors.As(err, &held) || !held.Until.Equal(a.Until) {
		t.Fatalf("got %v, want LeaseHeldError until %s", err, a.Until)
	}
	w.clock.Advance(21 * time.Second)
	if _, err := w.AcquireLease(t.Context(), registry.ShardList(0), w.lease("b")); err != nil {
		t.Errorf("the lease of a writer that is gone was not free: %v", err)
	}
}

func TestWhoLostTheLeaseCanChangeAndFinishNothing(t *testing.T) {
	w := newShard(t)
	a := w.lease("a")
	today, err := w.AcquireLease(t.Context(), registry.ShardList(0), a)
	w.must(err)
	w.clock.Advance(time.Minute)
	b := w.lease("b")
	_, err = w.AcquireLease(t.Context(), registry.ShardList(0), b)
	w.must(err)

	if _, err := w.ChangeShard(t.Context(), a, today, registry.ShardChange{Add: []account.ID{id(t, "222222222222")}}); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("change: got %v, want ErrConflict", err)
	}
	if err := w.FinishLease(t.Context(), a, today); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("finish: got %v, want ErrConflict", err)
	}
	w.must(w.ReleaseLease(t.Context(), registry.ShardList(0), a)) // gives back nothing that is b's
	var held *registry.LeaseHeldError
	if _, err := w.AcquireLease(t.Context(), registry.ShardList(0), w.lease("c")); !errors.As(err, &held) {
		t.Errorf("got %v, want b's lease to hold", err)
	}
}

func TestAChangeOfAShardIsNumberedAndFinishedByItsNumber(t *testing.T) {
	w := newShard(t)
	lease := w.lease("a")
	today, err := w.AcquireLease(t.Context(), registry.ShardList(0), lease)
	w.must(err)
	first, second := id(t, "222222222222"), id(t, "333333333333")
	changed, err := w.ChangeShard(t.Context(), lease, today, registry.ShardChange{Add: []account.ID{second, first}})
	w.must(err)
	if got := changed.AccountIDs(); changed.Sequence != 1 || len(got) != 2 || got[0] != first || got[1] != second {
		t.Errorf("got sequence %d and %v", changed.Sequence, got)
	}
	if !changed.Accounts[first].Equal(w.clock.Now()) {
		t.Errorf("asked for at %s, want %s", changed.Accounts[first], w.clock.Now())
	}
	changed, err = w.ChangeShard(t.Context(), lease, changed, registry.ShardChange{
		Remove:  []account.ID{first, second},
		Regions: []account.Region{region(t, "eu-west-1")},
	})
	w.must(err)
	if changed.Sequence != 2 || len(changed.Accounts) != 0 || len(changed.Regions) != 1 {
		t.Errorf("got %+v", changed)
	}
	if _, err := w.ChangeShard(t.Context(), lease, today, registry.ShardChange{}); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("a change of what is no longer: got %v, want ErrConflict", err)
	}
	w.must(w.FinishLease(t.Context(), lease, changed))
	today, err = w.AcquireLease(t.Context(), registry.ShardList(0), w.lease("b"))
	w.must(err)
	if today.Written != 2 {
		t.Errorf("written is %d, want 2", today.Written)
	}
}

func TestAHubWithoutTheShardSaysSo(t *testing.T) {
	w := newHub(t)
	if _, err := w.Shard(t.Context(), registry.ShardList(3)); !errors.Is(err, registry.ErrNoShard) {
		t.Errorf("read: got %v, want ErrNoShard", err)
	}
	if _, err := w.AcquireLease(t.Context(), registry.ShardList(3), w.lease("a")); !errors.Is(err, registry.ErrNoShard) {
		t.Errorf("lease: got %v, want ErrNoShard", err)
	}
}
