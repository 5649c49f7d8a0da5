// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// send sends the stored answer. Whether the bucket took it is the proof that
// the request was CloudFormation's, or was not.
func (h *handling) send(ctx context.Context) *Disposition {
	err := h.respond(ctx, h.answer.Response)
	if h.answer.State == onboarding.AnswerCommitted {
		h.log.Info("answered once more, as before", "outcome", h.answer.Outcome, "error", err)
		return &done
	}
	var refused *RefusedError
	if err != nil && !errors.As(err, &refused) {
		h.log.Warn("the answer could not be sent; trying again", "outcome", h.answer.Outcome, "error", err)
		return retry(soon)
	}
	h.refused = err
	return nil
}
