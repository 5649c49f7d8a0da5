// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// later requeues the message for as long as the decision asks for.
func (h *handling) later(ctx context.Context) *Disposition {
	h.recordWaiting(ctx)
	if h.decision.Outcome == onboarding.OutcomeUndelivered {
		h.log.Warn("CloudFormation's bucket refuses the answer for a reason other than its signature; trying again until the deadline",
			"customer", h.answer.Change.CustomerID, "again_in", h.decision.RetryAfter, "error", h.refused)
	} else {
		h.log.Info("request requeued", "outcome", h.decision.Outcome, "again_in", h.decision.RetryAfter)
	}
	return retry(h.decision.RetryAfter)
}

// deadLetter moves the request to the dead-letter queue.
func (h *handling) deadLetter(reason string) *Disposition {
	h.log.Warn("request sent to the dead-letter queue", "reason", reason)
	return &Disposition{Action: DeadLetter, Reason: reason}
}

// outage requeues the message until everything can be checked and stored. If the
// deadline is near, it answers first, without the part that is unavailable.
func (h *handling) outage(ctx context.Context, what string, cause error) *Disposition {
	if ctx.Err() != nil { // this registrar is being stopped; another one continues
		return retry(soon)
	}
	h.log.Error(what+"; the request is kept", "error", cause)
	if response, now := onboarding.Fallback(h.config.Hub, h.request, h.config.Clock()); now {
		err := h.respond(ctx, response)
		h.log.Warn("answered, but nothing was changed", "answer", response.Status, "error", err)
	}
	return retry(15 * time.Second)
}
