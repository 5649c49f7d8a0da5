// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// proofLimiter lets one request at a time be proven for each customer's account,
// and only so many proofs run at once: in all, and for one customer. A request
// over the limit waits for its turn here, without a worker's place; those of one
// customer, and all of them, only up to a number, and for a while. So an account
// whose role takes long, or that sends much, holds up no other, an organization's
// many accounts leave room for other customers, and what a registrar can't prove
// soon is another one's to take.
type proofLimiter struct {
	limit int // proofs at once
	share int // of one customer

	mostWaiting  int // for a proof's turn
	waitingShare int // of one customer

	mu      sync.Mutex
	claimed map[provenAccount]bool
	lines   map[provenAccount]*line

	running int
	of      map[string]int // proofs that run for a customer
	waiting []*turn        // who comes first is first
	closed  bool           // no request waits any more
}

// provenAccount is a customer's account: an organization has many.
type provenAccount struct {
	customer string
	in       account.ID
}

// turn is a request that waits to be proven.
type turn struct {
	customer string
	come     chan struct{} // closed when it is its turn, or the limiter
	mine     bool          // it was its turn
}

const (
	proofEvery   = time.Second
	longestProof = time.Minute // until an account's turn
	// longestPark is how long a request waits for a proof's turn before it goes
	// back to the queue.
	longestPark = 15 * time.Second
)

// newProofLimiter returns the limiter for so many workers. Half of them may be
// proving; the rest is for what need not wait: Deletes and stored answers.
func newProofLimiter(workers int) *proofLimiter {
	limit := max(1, workers/2)
	share := max(1, limit/2)
	return &proofLimiter{
		limit: limit, share: share, mostWaiting: workers, waitingShare: max(1, workers/4),
		claimed: map[provenAccount]bool{}, lines: map[provenAccount]*line{}, of: map[string]int{},
	}
}

// claim takes an account for a request that is to be proven, and returns what
// gives it back; or nil, and how long to stay away.
func (p *proofLimiter) claim(customer string, in account.ID, now time.Time) (leave func(), wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := provenAccount{customer, in}
	if p.claimed[key] {
		return nil, p.line(key).join(now, proofEvery, soon, longestProof)
	}
	if l := p.lines[key]; l != nil && !l.last.After(now) {
		delete(p.lines, key) // it is empty
	}
	p.claimed[key] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.claimed, key)
	}, 0
}

func (p *proofLimiter) line(key provenAccount) *line {
	l := p.lines[key]
	if l == nil {
		l = &line{}
		p.lines[key] = l
	}
	return l
}

// enter takes a place among the proofs that run, and waits for it if there is
// none and the request may wait; a waiting request gives up its seat meanwhile. It
// returns what gives the place back; nil: there was none.
func (p *proofLimiter) enter(ctx context.Context, customer string, patience time.Duration, place seat) (leave func()) {
	leave = func() { p.leave(customer) }
	waiting, entered := p.queue(customer, patience)
	switch {
	case entered:
		return leave
	case waiting == nil:
		return nil
	}
	place.leave()
	defer place.comeBack()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-waiting.come:
	case <-ctx.Done():
	}
	if !p.mayGo(waiting) {
		return nil
	}
	return leave
}

// queue takes a place, or the end of the line for one; neither: both are full.
func (p *proofLimiter) queue(customer string, patience time.Duration) (waiting *turn, entered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hasRoom(customer) {
		p.start(customer)
		return nil, true
	}
	theirs := 0
	for _, t := range p.waiting {
		if t.customer == customer {
			theirs++
		}
	}
	if patience <= 0 || p.closed || len(p.waiting) >= p.mostWaiting || theirs >= p.waitingShare {
		return nil, false
	}
	waiting = &turn{customer: customer, come: make(chan struct{})}
	p.waiting = append(p.waiting, waiting)
	return waiting, false
}

// mayGo ends the waiting of a turn, and reports whether it has come.
func (p *proofLimiter) mayGo(waiting *turn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = slices.DeleteFunc(p.waiting, func(t *turn) bool { return t == waiting })
	return waiting.mine
}

func (p *proofLimiter) hasRoom(customer string) bool {
	return p.running < p.limit && p.of[customer] < p.share
}

func (p *proofLimiter) start(customer string) {
	p.running++
	p.of[customer]++
}

// leave ends a proof, and gives its place to the first who may have it.
func (p *proofLimiter) leave(customer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if p.of[customer]--; p.of[customer] == 0 {
		delete(p.of, customer)
	}
	for _, t := range p.waiting {
		if !t.mine && p.hasRoom(t.customer) {
			p.start(t.customer)
			t.mine = true
			close(t.come)
			return
		}
	}
}

// close sends those away who wait, and lets none wait from then on.
func (p *proofLimiter) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, t := range p.waiting {
		if !t.mine {
			close(t.come)
		}
	}
	p.waiting = nil
}
