// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// sandboxClock names a sandbox by whose clock the process lives. It is for the
// project's own trials, in which hours pass in minutes: deadlines are counted
// from the time that SNS wrote on a message, so whoever answers has to tell the
// same time as the sandbox's SNS.
const sandboxClock = "XACCT_SANDBOX_CLOCK"

// processClock is the machine's clock, or that sandbox's.
func processClock(ctx context.Context) (func() time.Time, error) {
	url := os.Getenv(sandboxClock)
	if url == "" {
		return time.Now, nil
	}
	clock, err := sandbox.Client{URL: url}.Clock(ctx)
	if err != nil {
		return nil, fmt.Errorf("take the time from the sandbox that %s names: %w", sandboxClock, err)
	}
	return clock, nil
}
