// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"context"
	"sync"
	"time"
)

// Clock is the sandbox's time. It starts at the machine's time; tests advance
// it, or make it run faster so that hours pass in minutes. Everything that AWS
// does by time (visibility, timeouts, expiry) uses it; signatures are checked
// by the machine's clock, because callers sign by it.
type Clock struct {
	mu    sync.Mutex
	pace  Pace
	moved chan struct{} // closed and replaced whenever the pace changes
}

// Pace describes how a clock differs from the machine's. Another process on the
// same machine needs nothing else to follow the clock.
type Pace struct {
	Offset time.Duration `json:"offset"` // ahead of the machine at Since
	Rate   float64       `json:"rate"`   // seconds per second of the machine's clock
	Since  time.Time     `json:"since"`  // when the rate began, by the machine's clock
}

// At returns the clock's time, in UTC, when the machine's clock shows machine.
func (p Pace) At(machine time.Time) time.Time {
	ahead := p.Offset
	if p.Rate != 1 {
		ahead += time.Duration((p.Rate - 1) * float64(machine.Sub(p.Since)))
	}
	return machine.Add(ahead).UTC()
}

// NewClock returns a clock that starts with the machine's time.
func NewClock() *Clock {
	return &Clock{pace: Pace{Rate: 1, Since: time.Now()}, moved: make(chan struct{})}
}

// Now returns the sandbox's time.
func (c *Clock) Now() time.Time { return c.Pace().At(time.Now()) }

// Pace returns the current pace.
func (c *Clock) Pace() Pace {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pace
}

// SetRate makes the clock run at rate seconds per second of the machine's clock
// from now on. Its current time does not change.
func (c *Clock) SetRate(rate float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.pace = Pace{Offset: c.pace.At(now).Sub(now), Rate: rate, Since: now}
	c.wake()
}

// Advance moves the clock forward by d, and wakes the waiters whose time has
// come.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pace.Offset += d
	c.wake()
}

func (c *Clock) wake() {
	close(c.moved)
	c.moved = make(chan struct{})
}

// WaitUntil returns nil once the sandbox's time has reached t, or the context's
// error if that ends first.
func (c *Clock) WaitUntil(ctx context.Context, t time.Time) error {
	for {
		c.mu.Lock()
		left, rate := t.Sub(c.pace.At(time.Now())), c.pace.Rate
		moved := c.moved
		c.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(max(time.Duration(float64(left)/rate), time.Nanosecond))
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
