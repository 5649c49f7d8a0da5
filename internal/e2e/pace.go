// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// pace moves the clock when everybody waits: no registrar has a message in
// hand, and some lie in the queue for later. Then it is at once as late as the
// first of them wants it to be.
type pace struct {
	clock *kernel.Clock

	mu      sync.Mutex
	still   bool
	working map[string]*Registrar // by receipt handle
	hidden  map[string]time.Time  // by receipt handle: until when the message is not to be received
	message map[string]string     // receipt handle to message ID
	changed chan struct{}         // closed and replaced after each message that was put away
}

func newPace(clock *kernel.Clock) *pace {
	return &pace{
		clock: clock, working: map[string]*Registrar{}, hidden: map[string]time.Time{},
		message: map[string]string{}, changed: make(chan struct{}),
	}
}

// visibility is for how long a registrar has a message for itself; a message
// that nobody puts away comes again after that.
const visibility = 2 * time.Minute

// received: the registrar has a message in hand.
func (p *pace) received(by *Registrar, id, handle string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for old, other := range p.message {
		if other == id {
			p.drop(old)
		}
	}
	p.working[handle], p.message[handle] = by, id
	p.hidden[handle] = p.clock.Now().Add(visibility)
}

// deleted: the message is gone for good.
func (p *pace) deleted(handle string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(handle)
	p.move()
}

// returned: the message comes again after a while.
func (p *pace) returned(handle string, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.working, handle)
	p.hidden[handle] = p.clock.Now().Add(after)
	p.move()
}

// left: the registrar could not put the message away, which comes again when
// its visibility ends.
func (p *pace) left(handle string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.working, handle)
	p.move()
}

// died: nobody has in hand what the registrar had.
func (p *pace) died(r *Registrar) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for handle, by := range p.working {
		if by == r {
			delete(p.working, handle)
		}
	}
	p.move()
}

// StandStill leaves the clock to the test, until Go.
func (p *pace) stop(still bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.still = still
	p.move()
}

func (p *pace) drop(handle string) {
	delete(p.working, handle)
	delete(p.hidden, handle)
	delete(p.message, handle)
}

// move moves the clock, where everybody waits. The caller holds the lock.
func (p *pace) move() {
	if p.still || len(p.working) > 0 || len(p.hidden) == 0 {
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

// putAway wakes those who wait for the queue to be empty.
func (p *pace) putAway(c *kernel.Call) error {
	if c.Service == "sqs" && c.Action == "DeleteMessage" {
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
