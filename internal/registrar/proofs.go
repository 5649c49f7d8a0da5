// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// proofs lets one proof run for each customer, and only so many in all. Who
// finds no room does not wait but goes back to the queue: a customer whose role
// takes long, or who sends much, holds up nobody else.
type proofs struct {
	limit   int
	mu      sync.Mutex
	running map[string]bool
}

func (p *proofs) begin(customer string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running[customer] || len(p.running) >= p.limit {
		return false
	}
	if p.running == nil {
		p.running = map[string]bool{}
	}
	p.running[customer] = true
	return true
}

func (p *proofs) end(customer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, customer)
}

// prove tries a role once and remembers the result for this handling. It gives
// a disposition where there is no room for the proof now. The room is kept
// until the handling ends, so that two requests of one customer are not decided
// side by side.
func (h *handling) prove(ctx context.Context, probe onboarding.Probe) *Disposition {
	if h.proving == "" {
		if !h.Registrar.proofs.begin(probe.CustomerID) {
			return &Disposition{Action: Retry, After: soon}
		}
		h.proving = probe.CustomerID
	}
	ctx, cancel := context.WithTimeout(ctx, 2*callLimit) // it is four calls
	defer cancel()
	proof := h.Prover.Prove(ctx, probe)
	h.proofs[probe.Role] = proof
	h.log.Debug("tried the role", "customer", probe.CustomerID, "role", probe.Role, "proof", proof.Outcome, "error", proof.Err)
	return nil
}

func (h *handling) release() {
	if h.proving != "" {
		h.Registrar.proofs.end(h.proving)
	}
}
