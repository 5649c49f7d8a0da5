// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// send sends the stored answer. If the bucket accepts it, CloudFormation has made the
// request; a refusal shows that the request was forged, that its URL has expired, or
// neither.
func (h *handling) send(ctx context.Context) *Disposition {
	h.delivery, h.refused = onboarding.Accepted, nil
	if h.accepted.has(h.key(), h.answer.Response) {
		return nil
	}
	err := h.respond(ctx, h.answer.Response)
	if h.answer.State == onboarding.AnswerCommitted {
		h.log.Info("answer sent again", "outcome", h.answer.Outcome, "error", err)
		return &done
	}
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		h.delivery, h.refused = refused.Delivery, err
	case err != nil:
		h.log.Warn("the answer could not be sent; trying again", "outcome", h.answer.Outcome, "error", err)
		return retry(soon)
	}
	return nil
}
