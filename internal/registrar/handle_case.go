// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// callLimit is the timeout of a call of the registry, of STS, or for SNS's
// certificates. The SDK would retry for longer, and time must be left to answer
// without the result.
const callLimit = 12 * time.Second

// key returns a string that identifies the request.
func (h *handling) key() string {
	return h.request.Stack.String() + "|" + h.request.LogicalID + "|" + h.request.RequestID
}

// toCase returns the case with the records that were read and the results of its proofs.
func (h *handling) toCase() onboarding.Case {
	return onboarding.Case{Snapshot: h.snapshot, Request: h.request, Proofs: h.proofs}
}

// reload reads the records of the case again.
func (h *handling) reload(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	h.snapshot, err = h.config.Registry.Load(ctx, h.request, h.snapshot)
	return err
}

// prove proves the roles that the decision names, and repeats the stage with the results.
// The account is claimed until the handling ends, so that two requests of one account
// are not decided at the same time.
func (h *handling) prove(ctx context.Context) *Disposition {
	probe := h.decision.Probe
	if !h.proving {
		leave, wait := h.proofLimiter.claim(probe.CustomerID, h.request.Stack.Account, h.config.Clock())
		if leave == nil {
			return retry(wait)
		}
		h.proving, h.releases = true, append(h.releases, leave)
	}
	leave := h.proofLimiter.enter(ctx, probe.CustomerID, h.patience(), h.slot)
	if leave == nil {
		return retry(soon)
	}
	probes := append([]onboarding.Probe{probe}, h.decision.Concurrent...)
	for i, proof := range h.try(ctx, probes, leave) {
		h.proofs[probes[i].Role] = proof
		h.proved(probes[i], proof)
	}
	return startOver
}

// try proves the roles of one stack concurrently. For the limit of concurrent proofs
// they count as one.
func (h *handling) try(ctx context.Context, probes []onboarding.Probe, leave func()) (proofs []onboarding.Proof) {
	defer leave()
	ctx, span := h.config.Tracer.Start(ctx, "prove")
	defer func() { tracedProofs(span, proofs) }()
	ctx, cancel := context.WithTimeout(ctx, 2*callLimit) // three calls, one after the other
	defer cancel()
	return onboarding.ProveEach(probes, func(probe onboarding.Probe) onboarding.Proof { return h.config.Prover.Prove(ctx, probe) })
}

// patience returns how long the request may wait for its proof to begin, so that the
// wait ends before the last attempt to assume the role.
func (h *handling) patience() time.Duration {
	return min(maxProofWait, h.toCase().LastTryAt().Sub(h.config.Clock()))
}
