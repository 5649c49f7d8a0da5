// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// load reads the records that the request concerns.
func (h *handling) load(ctx context.Context) *Disposition {
	if err := h.reload(ctx); err != nil {
		return h.outage(ctx, "the registry cannot be reached", err)
	}
	return nil
}

// verify checks, once, that SNS has signed the message, unless the hub's
// configuration skips that. A message that SNS did not sign goes to the dead-letter
// queue. If the certificate is unavailable, the message is requeued, and answered in
// its last minute as in any outage: an answer is of no use to the forger of a
// request.
//
// The hub was just read, so a change of the setting takes effect at once.
func (h *handling) verify(ctx context.Context) *Disposition {
	if h.verified || h.snapshot.Hub.SkipSignatures {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	err := h.config.Verifier.Verify(limited, h.body)
	switch {
	case err == nil:
		h.verified = true
		return nil
	case errors.Is(err, phonehome.ErrForged):
		return h.deadLetter(err.Error())
	}
	return h.outage(ctx, "the message's signature cannot be checked", err)
}

// checkRegion refuses requests from Regions in which the hub has no topics. The
// Region may be invented, and any account can own a bucket with the name that results
// (aws-facts 2.4).
func (h *handling) checkRegion(context.Context) *Disposition {
	if region := h.request.Stack.Region; !h.snapshot.Hub.AcceptsFrom(region) {
		return h.deadLetter(fmt.Sprintf("hub %s has no topics in %s", h.config.Hub.Name, region))
	}
	return nil
}

// decide decides the answer. After a proof the stage is repeated with newly read records,
// because a Delete may have been committed during the proof.
func (h *handling) decide(ctx context.Context) *Disposition {
	h.decision = onboarding.Decide(h.toCase(), h.config.Clock())
	switch h.decision.Kind {
	case onboarding.DecideProve:
		return h.prove(ctx)
	case onboarding.DecideLater:
		return h.later(ctx)
	}
	return nil
}

// store stores the answer before it is sent, so that the next registrar that receives the
// message sends the same one. If another answer was stored first, that one is sent.
func (h *handling) store(ctx context.Context) *Disposition {
	h.answer = h.decision.Answer
	if h.decision.Replayed {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	stored, err := h.config.Registry.StoreAnswer(limited, h.snapshot, h.decision.Answer)
	switch {
	case errors.Is(err, onboarding.ErrConflict):
		return startOver
	case err != nil:
		return h.outage(ctx, "the registry cannot be reached", err)
	}
	h.answer = stored
	h.config.Observer.Decided(h.request, stored.Outcome)
	if stored.Outcome == onboarding.OutcomeRefused {
		h.roleRefused(stored.Change.CustomerID, h.refusalOfRole())
	}
	return nil
}
