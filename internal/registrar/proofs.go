// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import "sync"

// proofLimiter lets one proof run for each customer, and only so many in all. A
// request over the limit does not wait but is received again: a customer whose
// role takes long, or who sends much, holds up nobody else.
type proofLimiter struct {
	limit   int
	mu      sync.Mutex
	running map[string]bool
}

// enter takes a place, and returns what gives it back; nil if there is none.
func (p *proofLimiter) enter(customer string) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running[customer] || len(p.running) >= p.limit {
		return nil
	}
	if p.running == nil {
		p.running = map[string]bool{}
	}
	p.running[customer] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.running, customer)
	}
}
