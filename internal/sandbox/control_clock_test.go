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
	// A thousandth of these ten seconds may pass between the two readings.
	before := box.Clock().Now()
	there := now()
	after := box.Clock().Now()
	const apart = 10 * time.Second
	if there.Before(before.Add(-apart)) || there.After(after.Add(apart)) {
		t.Errorf("it is %s there, and between %s and %s here", there, before, after)
	}
}
