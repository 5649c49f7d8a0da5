// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"context"
	"sync"
	"time"
)

// Clock is the sandbox's own time: the machine's, plus whatever a test moved
// it by. Everything that AWS does by time (visibility, timeouts, expiry) goes
// by it; signatures are judged by the machine's clock, as callers sign by it.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
	moved  chan struct{} // closed and replaced at every Advance
}

// NewClock starts with the machine's time.
func NewClock() *Clock { return &Clock{moved: make(chan struct{})} }

// Now is the sandbox's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset).UTC()
}

// Advance moves the clock forward and wakes whoever waits for a time that has
// come by it.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	close(c.moved)
	c.moved = make(chan struct{})
}

// WaitUntil returns nil once the sandbox's time has reached t, or the
// context's error when that ends first.
func (c *Clock) WaitUntil(ctx context.Context, t time.Time) error {
	for {
		c.mu.Lock()
		left := t.Sub(time.Now().Add(c.offset))
		moved := c.moved
		c.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-moved:
			timer.Stop()
		case <-timer.C:
		}
	}
}
