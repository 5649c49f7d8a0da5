// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// callLimit is how long the registry, STS or SNS's certificates may take. The
// SDK tries on and on, and there has to be time left for an answer without them.
const callLimit = 12 * time.Second

// key names the request among all others.
func (h *handling) key() string {
	return h.request.Stack.String() + "|" + h.request.LogicalID + "|" + h.request.RequestID
}

// facts returns the case as far as it is known by now.
func (h *handling) facts() onboarding.Case {
	return onboarding.Case{Snapshot: h.snapshot, Request: h.request, Proofs: h.proofs}
}

// reload reads the records of the case anew.
func (h *handling) reload(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	h.snapshot, err = h.config.Registry.Load(ctx, h.request)
	return err
}

// prove tries the role that the decision asks for once, and has the stage start
// over with what that has shown. The account's place is kept until the handling
// ends, so that two requests of one account are not decided side by side.
func (h *handling) prove(ctx context.Context) *Disposition {
	probe := h.decision.Probe
	if !h.proving {
		leave, wait := h.proofLimiter.enter(probe.CustomerID, h.request.Stack.Account, h.config.Clock())
		if leave == nil {
			return retry(wait)
		}
		h.proving, h.leaving = true, append(h.leaving, leave)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*callLimit) // it is four calls
	defer cancel()
	proof := h.config.Prover.Prove(ctx, probe)
	h.proofs[probe.Role] = proof
	h.proved(probe, proof)
	return startOver
}
