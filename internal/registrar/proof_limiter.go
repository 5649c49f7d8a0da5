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

// proofLimiter limits the proofs that run at the same time: one for each customer
// account, share for each customer, and limit in all. A request over the last two
// limits waits for up to maxProofWait, without a worker's slot; at most waitingShare
// requests of one customer and maxWaiting in all wait. So an account whose role
// responds slowly, or that sends many requests, does not delay other accounts, an
// organization with many accounts leaves capacity for other customers, and another
// registrar can take the requests that this one cannot prove soon.
type proofLimiter struct {
	limit int // maximum number of proofs at the same time
	share int // the same for one customer

	maxWaiting   int // maximum number of requests that wait for a proof
	waitingShare int // the same for one customer

	mu       sync.Mutex
	claimed  map[provenAccount]bool
	backlogs map[provenAccount]*backlog

	running int
	of      map[string]int // running proofs by customer
	waiting []*proofWaiter // in order of arrival
	closed  bool           // no request may wait any more
}

// provenAccount is one account of a customer. An organization has many.
type provenAccount struct {
	customer string
	in       account.ID
}

// proofWaiter is a request that waits for its proof to begin.
type proofWaiter struct {
	customer string
	ready    chan struct{} // closed when the proof may begin, or the limiter is closed
	admitted bool          // the proof may begin, and counts as running
}

const (
	proofInterval        = time.Second // added delay for each further request of an account that is being proven
	maxProofRequeueDelay = time.Minute // longest such delay
	// maxProofWait is how long a request waits for its proof to begin before it is
	// requeued.
	maxProofWait = 15 * time.Second
)

// newProofLimiter returns the limiter for a number of workers. Half of them may prove
// roles; the others remain for requests that need no proof: Deletes, and requests
// whose answer is stored.
func newProofLimiter(workers int) *proofLimiter {
	limit := max(1, workers/2)
	share := max(1, limit/2)
	return &proofLimiter{
		limit: limit, share: share, maxWaiting: workers, waitingShare: max(1, workers/4),
		claimed: map[provenAccount]bool{}, backlogs: map[provenAccount]*backlog{}, of: map[string]int{},
	}
}

// claim reserves an account for a request that is to be proven, and returns the
// function that releases it; or nil and the delay with which to requeue the request,
// if another request has the account.
func (p *proofLimiter) claim(customer string, in account.ID, now time.Time) (leave func(), wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := provenAccount{customer, in}
	if p.claimed[key] {
		return nil, p.backlog(key).join(now, proofInterval, soon, maxProofRequeueDelay)
	}
	if l := p.backlogs[key]; l != nil && !l.last.After(now) {
		delete(p.backlogs, key) // no requeued request is left
	}
	p.claimed[key] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.claimed, key)
	}, 0
}

// backlog returns the delays of an account, and creates them if there are none.
func (p *proofLimiter) backlog(key provenAccount) *backlog {
	l := p.backlogs[key]
	if l == nil {
		l = &backlog{}
		p.backlogs[key] = l
	}
	return l
}

// enter counts a proof as running, and returns the function that ends it. If the
// limits are reached, it waits for up to patience, and gives up the request's worker
// slot meanwhile. It returns nil if the proof cannot begin in time, or too many
// requests are waiting.
func (p *proofLimiter) enter(ctx context.Context, customer string, patience time.Duration, slot workerSlot) (leave func()) {
	leave = func() { p.leave(customer) }
	waiting, entered := p.queue(customer, patience)
	switch {
	case entered:
		return leave
	case waiting == nil:
		return nil
	}
	slot.release()
	defer slot.reclaim()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-waiting.ready:
	case <-ctx.Done():
	}
	if !p.stopWaiting(waiting) {
		return nil
	}
	return leave
}

// queue counts a proof as running, or adds the request to the waiting ones. It
// returns neither if both limits are reached.
func (p *proofLimiter) queue(customer string, patience time.Duration) (waiting *proofWaiter, entered bool) {
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
	if patience <= 0 || p.closed || len(p.waiting) >= p.maxWaiting || theirs >= p.waitingShare {
		return nil, false
	}
	waiting = &proofWaiter{customer: customer, ready: make(chan struct{})}
	p.waiting = append(p.waiting, waiting)
	return waiting, false
}

// stopWaiting removes a request from the waiting ones, and reports whether its proof may
// begin.
func (p *proofLimiter) stopWaiting(waiting *proofWaiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = slices.DeleteFunc(p.waiting, func(t *proofWaiter) bool { return t == waiting })
	return waiting.admitted
}

func (p *proofLimiter) hasRoom(customer string) bool {
	return p.running < p.limit && p.of[customer] < p.share
}

func (p *proofLimiter) start(customer string) {
	p.running++
	p.of[customer]++
}

// leave ends a proof, and begins the first waiting one that the limits allow.
func (p *proofLimiter) leave(customer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if p.of[customer]--; p.of[customer] == 0 {
		delete(p.of, customer)
	}
	for _, t := range p.waiting {
		if !t.admitted && p.hasRoom(t.customer) {
			p.start(t.customer)
			t.admitted = true
			close(t.ready)
			return
		}
	}
}

// close ends the waiting of all requests without a proof, and refuses later ones.
func (p *proofLimiter) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, t := range p.waiting {
		if !t.admitted {
			close(t.ready)
		}
	}
	p.waiting = nil
}
