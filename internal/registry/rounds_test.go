// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

func TestARoundBelongsToOneRegistrarUntilItIsDueAgain(t *testing.T) {
	w := newHub(t)
	claim := func(want bool, number int64) {
		t.Helper()
		round, got, err := w.ClaimRound(t.Context(), w.clock.Now().Add(time.Hour))
		w.must(err)
		if got != want || round != number {
			t.Errorf("claimed: %v, round %d; want %v, %d", got, round, want, number)
		}
	}
	claim(true, 0)
	claim(false, 0)
	w.clock.Advance(time.Hour) // the registrar did not end the round, which starts again
	claim(true, 0)
	w.must(w.EndRound(t.Context(), 0, onboarding.RoundSummary{}, w.clock.Now().Add(24*time.Hour)))
	w.clock.Advance(23 * time.Hour)
	claim(false, 0)
	w.clock.Advance(time.Hour)
	claim(true, 1)
	w.must(w.EndRound(t.Context(), 1, onboarding.RoundSummary{}, w.clock.Now()))
	claim(true, 2)
}

// The result of the last round remains available until the next one ends.
func TestTheResultOfTheLastRoundIsKept(t *testing.T) {
	w := newHub(t)
	if last, next, err := w.LastRound(t.Context()); err != nil || last != nil || !next.IsZero() {
		t.Errorf("before any round: %v, %v, %v", last, next, err)
	}
	due := func() time.Time { return w.clock.Now().Add(time.Hour).UTC().Truncate(time.Second) }
	claim := func() {
		t.Helper()
		if _, mine, err := w.ClaimRound(t.Context(), due()); err != nil || !mine {
			t.Fatal(mine, err)
		}
	}
	claim()
	if last, next, err := w.LastRound(t.Context()); err != nil || last != nil || !next.Equal(due()) {
		t.Errorf("while the first is under way: %v, %v, %v", last, next, err)
	}
	want := onboarding.RoundSummary{EndedAt: w.clock.Now().UTC(), Works: 5, Broken: 1, Unknown: 2, Withheld: 3, Moved: 4}
	w.must(w.EndRound(t.Context(), 0, want, w.clock.Now()))
	claim()
	last, next, err := w.LastRound(t.Context())
	w.must(err)
	if diff := cmp.Diff(&want, last); diff != "" || !next.Equal(due()) {
		t.Errorf("while the second is under way, due %s (-want +got):\n%s", next, diff)
	}
	if last.Roles() != 15 {
		t.Errorf("%d roles", last.Roles())
	}
}

// Both registrars have read that the round is due, the first one or a later one.
func TestOnlyOneOfTwoConcurrentClaimsOfARoundSucceeds(t *testing.T) {
	w := newHub(t)
	other := registry.New(w.dynamo, hubName, w.clock.Now)
	for _, which := range []string{"the first", "a later one"} {
		until := w.clock.Now().Add(time.Hour)
		var faster bool
		stop := w.sandbox.Faults().Before(func(c *kernel.Call) error {
			if c.Action != "PutItem" || faster {
				return nil
			}
			faster = true
			_, mine, err := other.ClaimRound(t.Context(), until.Add(time.Minute))
			if !mine {
				t.Errorf("%s: the first registrar to write did not claim it: %v", which, err)
			}
			return err
		})
		_, mine, err := w.ClaimRound(t.Context(), until)
		stop()
		w.must(err)
		if !faster || mine {
			t.Errorf("%s: both registrars claimed the round", which)
		}
		w.clock.Advance(2 * time.Hour)
	}
}

// A claim also returns the time of the one before, and a registrar of a large hub can postpone
// the next pass.
func TestAPassForRolesWithoutAStackBelongsToOneRegistrar(t *testing.T) {
	w := newHub(t)
	claim := func() (since time.Time, mine bool) {
		t.Helper()
		since, mine, err := w.ClaimPass(t.Context(), w.clock.Now().Add(time.Minute))
		w.must(err)
		return since, mine
	}
	var first atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if since, mine, err := w.ClaimPass(t.Context(), w.clock.Now().Add(time.Minute)); err != nil || mine && since.Unix() != 0 {
				t.Errorf("since %v: %v", since, err)
			} else if mine {
				first.Add(1)
			}
		})
	}
	all.Wait()
	if n := first.Load(); n != 1 {
		t.Fatalf("%d registrars claimed the first pass", n)
	}
	taken := w.clock.Now().UTC().Truncate(time.Second)
	if _, mine := claim(); mine {
		t.Error("a second pass within the minute is granted")
	}
	w.clock.Advance(time.Minute)
	if since, mine := claim(); !mine || !since.Equal(taken) {
		t.Errorf("a minute later: %t, since %v, want %v", mine, since, taken)
	}
	taken = w.clock.Now().UTC().Truncate(time.Second)
	w.must(w.PostponePass(t.Context(), w.clock.Now().Add(10*time.Minute)))
	w.clock.Advance(9 * time.Minute)
	if _, mine := claim(); mine {
		t.Error("a pass that was postponed is granted")
	}
	w.clock.Advance(time.Minute)
	if since, mine := claim(); !mine || !since.Equal(taken) {
		t.Errorf("once it is due: %t, since %v, want %v", mine, since, taken)
	}
}
