// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

func TestEnsuringAnExistingShardChangesNothing(t *testing.T) {
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

func TestALeaseHasOneHolderUntilItExpires(t *testing.T) {
	w := newShard(t)
	a, b := w.lease("a"), w.lease("b")
	_, err := w.AcquireLease(t.Context(), registry.ShardList(0), a)
	w.must(err)
	_, err = w.AcquireLease(t.Context(), registry.ShardList(0), a) // a holder can renew its lease
	w.must(err)
	var held *registry.LeaseHeldError
	if _, err := w.AcquireLease(t.Context(), registry.ShardList(0), b); !errors.As(err, &held) || !held.Until.Equal(a.Until) {
		t.Fatalf("got %v, want LeaseHeldError until %s", err, a.Until)
	}
	w.clock.Advance(21 * time.Second)
	if _, err := w.AcquireLease(t.Context(), registry.ShardList(0), w.lease("b")); err != nil {
		t.Errorf("an expired lease was not free: %v", err)
	}
}

func TestAFormerHolderOfALeaseCanChangeNothing(t *testing.T) {
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
	w.must(w.ReleaseLease(t.Context(), registry.ShardList(0), a)) // does not release b's lease
	var held *registry.LeaseHeldError
	if _, err := w.AcquireLease(t.Context(), registry.ShardList(0), w.lease("c")); !errors.As(err, &held) {
		t.Errorf("got %v, want b's lease to hold", err)
	}
}

func TestAChangeOfAShardHasASequenceThatFinishLeaseRecords(t *testing.T) {
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
		t.Errorf("a change of a former revision: got %v, want ErrConflict", err)
	}
	w.must(w.FinishLease(t.Context(), lease, changed))
	today, err = w.AcquireLease(t.Context(), registry.ShardList(0), w.lease("b"))
	w.must(err)
	if today.Written != 2 {
		t.Errorf("written is %d, want 2", today.Written)
	}
}

func TestAMissingShardIsErrNoShard(t *testing.T) {
	w := newHub(t)
	if _, err := w.Shard(t.Context(), registry.ShardList(3)); !errors.Is(err, registry.ErrNoShard) {
		t.Errorf("read: got %v, want ErrNoShard", err)
	}
	if _, err := w.AcquireLease(t.Context(), registry.ShardList(3), w.lease("a")); !errors.Is(err, registry.ErrNoShard) {
		t.Errorf("lease: got %v, want ErrNoShard", err)
	}
}

func TestEveryFieldOfAShardCanBeChanged(t *testing.T) {
	w := newShard(t)
	lease := w.lease("a")
	before, err := w.AcquireLease(t.Context(), registry.ShardList(0), lease)
	w.must(err)
	at := w.clock.Now().Add(-time.Hour).UTC()
	organization, err := account.ParseOrganizationID("o-abcdefghij")
	w.must(err)
	everyone := true
	wanted := before
	for _, step := range []struct {
		change registry.ShardChange
		then   func(*registry.Shard)
		silent bool // not part of the policies, so the sequence stays
	}{
		{registry.ShardChange{All: map[account.ID]time.Time{id(t, "222222222222"): at}}, func(s *registry.Shard) { s.Accounts = map[account.ID]time.Time{id(t, "222222222222"): at} }, false},
		{registry.ShardChange{All: map[account.ID]time.Time{id(t, "333333333333"): at}}, func(s *registry.Shard) { s.Accounts = map[account.ID]time.Time{id(t, "333333333333"): at} }, false},
		{registry.ShardChange{Organizations: map[account.OrganizationID]time.Time{organization: at}}, func(s *registry.Shard) { s.Organizations = map[account.OrganizationID]time.Time{organization: at} }, false},
		{registry.ShardChange{Leaving: map[string]time.Time{organization.String(): at}}, func(s *registry.Shard) { s.Leaving = map[string]time.Time{organization.String(): at} }, true},
		{registry.ShardChange{Anyone: &everyone}, func(s *registry.Shard) { s.Anyone = true }, false},
		{registry.ShardChange{Regions: []account.Region{region(t, "eu-west-1")}}, func(s *registry.Shard) { s.Regions = []account.Region{region(t, "eu-west-1")} }, false},
	} {
		changed, err := w.ChangeShard(t.Context(), lease, wanted, step.change)
		w.must(err)
		step.then(&wanted)
		if !step.silent {
			wanted.Sequence++
		}
		read, err := w.Shard(t.Context(), registry.ShardList(0))
		w.must(err)
		for name, got := range map[string]registry.Shard{"what was written": changed, "what is read": read} {
			if diff := cmp.Diff(wanted, got, comparable); diff != "" {
				t.Errorf("%s after %+v (-want +got):\n%s", name, step.change, diff)
			}
		}
	}
}

func TestAReleasedLeaseIsFreeAtOnce(t *testing.T) {
	w := newShard(t)
	_, err := w.AcquireLease(t.Context(), registry.ShardList(0), w.lease("a"))
	w.must(err)
	w.must(w.ReleaseLease(t.Context(), registry.ShardList(0), w.lease("a")))
	_, err = w.AcquireLease(t.Context(), registry.ShardList(0), w.lease("b"))
	w.must(err)
}
