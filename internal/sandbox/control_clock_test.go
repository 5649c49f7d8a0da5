// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"testing"
	"time"
)

func TestAnotherProcessFollowsTheSandboxsClock(t *testing.T) {
	box, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	box.Clock().Advance(time.Hour)
	box.Clock().SetRate(1000)
	now, err := Client{URL: box.URL()}.Clock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// At this rate, ten seconds of the sandbox are 10 ms of real time.
	before := box.Clock().Now()
	got := now()
	after := box.Clock().Now()
	const tolerance = 10 * time.Second
	if got.Before(before.Add(-tolerance)) || got.After(after.Add(tolerance)) {
		t.Errorf("the client's clock shows %s, and the sandbox's between %s and %s", got, before, after)
	}
}
