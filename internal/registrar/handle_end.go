// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// later has the message come again when the decision says.
func (h *handling) later(ctx context.Context) *Disposition {
	h.noteWaiting(ctx)
	if h.decision.Outcome == onboarding.OutcomeUndelivered {
		h.log.Warn("CloudFormation's bucket refuses the answer, and not because of its signature; trying again until the deadline",
			"customer", h.answer.Change.CustomerID, "again_in", h.decision.RetryAfter, "error", h.refused)
	} else {
		h.log.Info("not yet", "outcome", h.decision.Outcome, "again_in", h.decision.RetryAfter)
	}
	return retry(h.decision.RetryAfter)
}

// putAside leaves the request to a person.
func (h *handling) putAside(reason string) *Disposition {
	h.log.Warn("a request went to the dead letters", "reason", reason)
	return &Disposition{Action: DeadLetter, Reason: reason}
}

// outage answers without what cannot be reached if waiting for it is not
// possible, and keeps the message until everything can be checked and stored.
func (h *handling) outage(ctx context.Context, what string, cause error) *Disposition {
	if ctx.Err() != nil { // we are being stopped; the next registrar goes on
		return retry(soon)
	}
	h.log.Error(what+"; the request is kept", "error", cause)
	if response, now := onboarding.Fallback(h.config.Hub, h.request, h.config.Clock()); now {
		err := h.respond(ctx, response)
		h.log.Warn("answered, but nothing was changed", "answer", response.Status, "error", err)
	}
	return retry(15 * time.Second)
}
