// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// pace moves the clock if everything is waiting: no registrar is handling a message,
// and some messages in the queue become visible later. It moves the clock to the time
// of the first of them.
type pace struct {
	clock *kernel.Clock

	mu      sync.Mutex
	working map[string]*Registrar // by receipt handle
	hidden  map[string]time.Time  // by receipt handle: until when the message is invisible
	message map[string]string     // by receipt handle: until when the message is invisible
	gone    map[*Registrar]bool   // dead: what they receive is not being handled
	changed chan struct{}         // dead registrars: a message that they receive is not being handled
}

func newPace(clock *kernel.Clock) *pace {
	return &pace{
		clock: clock, working: map[string]*Registrar{}, hidden: map[string]time.Time{},
		message: map[string]string{}, gone: map[*Registrar]bool{}, changed: make(chan struct{}),
	}
}

// received records that a registrar is handling a message. If it does not delete or
// return it, the message becomes visible again at the end of its visibility timeout.
func (p *pace) received(by *Registrar, id, handle string, visibility time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for old, other := range p.message {
		if other == id {
			p.drop(old)
		}
	}
	p.message[handle], p.hidden[handle] = id, p.clock.Now().Add(visibility)
	if !p.gone[by] {
		p.working[handle] = by
	}
	p.move()
}

// deleted records that a message no longer exists.
func (p *pace) deleted(handle string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(handle)
	p.move()
}

// returned records that a message becomes visible again after a duration.
func (p *pace) returned(handle string, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.working, handle)
	p.hidden[handle] = p.clock.Now().Add(after)
	p.move()
}

// left records that a registrar failed to delete or return a message, which becomes
// visible again at the end of its visibility timeout.
func (p *pace) left(handle string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.working, handle)
	p.move()
}

// died records that a registrar's messages are no longer being handled.
func (p *pace) died(r *Registrar) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone[r] = true
	for handle, by := range p.working {
		if by == r {
			delete(p.working, handle)
		}
	}
	p.move()
}

func (p *pace) drop(handle string) {
	delete(p.working, handle)
	delete(p.hidden, handle)
	delete(p.message, handle)
}

// move moves the clock if everything is waiting. The caller holds the lock.
func (p *pace) move() {
	if len(p.working) > 0 || len(p.hidden) == 0 {
		return
	}
	var first time.Time
	for _, until := range p.hidden {
		if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	if d := first.Sub(p.clock.Now()); d > 0 {
		p.clock.Advance(d)
	}
}

// queueChanged wakes the waiters for a number of messages in the queue.
func (p *pace) queueChanged(c *kernel.Call) error {
	switch c.Action {
	case "DeleteMessage", "DeleteMessageBatch", "Publish":
		p.mu.Lock()
		defer p.mu.Unlock()
		close(p.changed)
		p.changed = make(chan struct{})
	}
	return nil
}

func (p *pace) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}
