// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// proofLimiter lets one proof run for each customer's account, only so many for
// one customer, and only so many in all. A request over the limit does not wait
// but is received again: an account whose role takes long, or that sends much,
// holds up no other, and an organization's many accounts leave room for other
// customers.
type proofLimiter struct {
	limit int
	share int // of one customer

	mu      sync.Mutex
	running map[provenAccount]bool
	of      map[string]int // how many run for a customer
	lines   map[provenAccount]*line
}

// provenAccount is a customer's account: an organization has many.
type provenAccount struct {
	customer string
	in       account.ID
}

const (
	proofEvery   = time.Second
	longestProof = time.Minute // until a proof's turn
)

// enter takes a place, and returns what gives it back; or nil, and how long to
// stay away.
func (p *proofLimiter) enter(customer string, in account.ID, now time.Time) (leave func(), wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := provenAccount{customer, in}
	if p.running[key] {
		return nil, p.line(key).join(now, proofEvery, soon, longestProof)
	}
	if len(p.running) >= p.limit || p.of[customer] >= p.share {
		return nil, soon
	}
	if p.running == nil {
		p.running, p.of = map[provenAccount]bool{}, map[string]int{}
	}
	if l := p.lines[key]; l != nil && !l.last.After(now) {
		delete(p.lines, key) // it is empty
	}
	p.running[key] = true
	p.of[customer]++
	return func() { p.leave(key) }, 0
}

func (p *proofLimiter) line(key provenAccount) *line {
	if p.lines == nil {
		p.lines = map[provenAccount]*line{}
	}
	l := p.lines[key]
	if l == nil {
		l = &line{}
		p.lines[key] = l
	}
	return l
}

func (p *proofLimiter) leave(key provenAccount) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, key)
	if p.of[key.customer]--; p.of[key.customer] == 0 {
		delete(p.of, key.customer)
	}
}
