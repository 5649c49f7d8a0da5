// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"
	"log/slog"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// settle decides from the bucket's response whether the answer is committed, dropped or
// sent again.
func (h *handling) settle(ctx context.Context) *Disposition {
	h.snapshot.Answer = &h.answer
	h.decision = onboarding.Settle(h.toCase(), h.delivery, h.config.Clock())
	switch h.decision.Kind {
	case onboarding.DecideProve:
		return h.prove(ctx)
	case onboarding.DecideLater:
		return h.later(ctx)
	case onboarding.DecideDrop:
		return h.drop(ctx)
	}
	h.answer = h.decision.Answer
	return nil
}

// commit applies the answer's change to the current records and writes them.
func (h *handling) commit(ctx context.Context) *Disposition {
	transition := onboarding.Apply(h.snapshot, h.answer, h.config.Clock())
	err := h.write(ctx, transition)
	if errors.Is(err, onboarding.ErrConflict) {
		if err = h.reload(ctx); err == nil {
			return startOver
		}
	}
	ours := err == nil
	if !ours && !errors.Is(err, onboarding.ErrCommitted) {
		h.log.Error("an accepted answer could not be committed; trying again", "outcome", h.answer.Outcome, "error", err)
		return retry(soon)
	}
	if ours && transition.Event != nil {
		h.config.Events.Committed(h.snapshot.Hub, *transition.Event)
	}
	h.report(transition, ours)
	return nil
}

func (h *handling) write(ctx context.Context, t onboarding.Transition) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return h.config.Registry.Commit(ctx, h.snapshot, h.answer, t)
}

// report logs the outcome of an answer, and calls OnCommit if it changed anything. If
// another registrar has committed the answer, only that one knows whether the outcome
// is still the one that was decided.
func (h *handling) report(t onboarding.Transition, ours bool) {
	level, customer, outcome := slog.LevelInfo, h.answer.Change.CustomerID, h.answer.Outcome
	if ours {
		outcome = t.Outcome(h.answer)
	}
	if h.answer.Outcome == onboarding.OutcomeStranger {
		level = slog.LevelWarn // an unknown stack that phones home
	}
	args := []any{"customer", customer, "outcome", outcome, "answer", h.answer.Response.Status}
	if outcome != h.answer.Outcome {
		args = append(args, "decided", h.answer.Outcome)
	}
	if h.answer.Response.Reason != "" {
		args = append(args, "reason", h.answer.Response.Reason)
	}
	if t.Registration != nil {
		args = append(args, "status", t.Registration.Status)
	}
	h.log.Log(context.Background(), level, "answered", args...)
	if !t.Empty() {
		h.config.OnCommit(customer)
	}
}

// drop records that the answer changes nothing, and logs why.
func (h *handling) drop(ctx context.Context) *Disposition {
	if err := h.config.Registry.RefuseAnswer(ctx, h.answer); err != nil {
		h.log.Warn("a refused answer could not be recorded; trying again", "error", err)
		return retry(soon)
	}
	level, message := slog.LevelWarn, "nothing was changed: CloudFormation has not signed the request"
	switch {
	case h.decision.Outcome == onboarding.OutcomeAddressExpired:
		level, message = slog.LevelError, "nothing was changed: the response URL stopped working before the deadline"
	case h.delivery == onboarding.Undecided:
		message = "nothing was changed: the bucket has refused the answer until its deadline"
	case h.decision.Outcome == onboarding.OutcomeUnclear && h.answer.Change.Kind != onboarding.ChangeNothing:
		level, message = slog.LevelError, "it is unknown whether the request was answered in time, and nothing was changed: compare the customer's stack with the registration"
	case h.decision.Outcome == onboarding.OutcomeUnclear:
		message = "nothing was changed: it is unknown whether the request was answered in time"
	}
	h.log.Log(ctx, level, message,
		"customer", h.answer.Change.CustomerID, "decided", h.answer.Outcome, "outcome", h.decision.Outcome, "error", h.refused)
	if h.decision.Outcome != onboarding.OutcomeForged && h.refused != nil {
		h.addHistory(ctx, onboarding.UnappliedEntry(h.toCase(), h.decision.Outcome, h.refused.Error(), h.config.Clock()))
	}
	return &done
}
