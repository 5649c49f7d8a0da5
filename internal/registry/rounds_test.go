// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"testing"
	"time"
)

func TestARoundBelongsToOneUntilItIsDueAgain(t *testing.T) {
	w := newHub(t)
	claim := func(want bool) {
		t.Helper()
		got, err := w.ClaimRound(t.Context(), w.clock.Now().Add(time.Hour))
		w.must(err)
		if got != want {
			t.Errorf("claimed: %v, want %v", got, want)
		}
	}
	claim(true)
	claim(false)
	w.clock.advance(time.Hour) // whoever had it is gone
	claim(true)
	w.must(w.SetNextRound(t.Context(), w.clock.Now().Add(24*time.Hour)))
	w.clock.advance(23 * time.Hour)
	claim(false)
	w.clock.advance(time.Hour)
	claim(true)
}
