// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"testing"
	"time"
)

func TestARoundBelongsToOneUntilItIsDueAgain(t *testing.T) {
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
	w.clock.Advance(time.Hour) // its registrar is gone, and the round starts over
	claim(true, 0)
	w.must(w.EndRound(t.Context(), 0, w.clock.Now().Add(24*time.Hour)))
	w.clock.Advance(23 * time.Hour)
	claim(false, 0)
	w.clock.Advance(time.Hour)
	claim(true, 1)
	w.must(w.EndRound(t.Context(), 1, w.clock.Now()))
	claim(true, 2)
}
