// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"log/slog"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Tracer records the steps of each phone-home and how long they take. Trace contexts
// in messages are ignored, because senders are not trusted: every phone-home begins a
// trace.
type Tracer interface {
	// Start begins a span as a child of the one in the context.
	Start(ctx context.Context, name string) (context.Context, Span)
}

// Span is the span of a phone-home, or of one of its steps.
type Span interface {
	Set(attributes ...slog.Attr)
	End()
}

// noTracer is a Tracer that records nothing.
type noTracer struct{}

func (noTracer) Start(ctx context.Context, _ string) (context.Context, Span) { return ctx, noSpan{} }

type noSpan struct{}

func (noSpan) Set(...slog.Attr) {}
func (noSpan) End()             {}

// traced ends the span of a phone-home, with its result. The attributes contain no
// secrets, such as the response URL.
func (h *handling) traced(span Span, d *Disposition) {
	span.Set(slog.String("xacct.hub", h.config.Hub.Name), slog.String("xacct.action", string(d.Action)))
	if request := h.request; request.Type != "" {
		span.Set(
			slog.String("xacct.request_type", string(request.Type)),
			slog.String("xacct.stack", request.Stack.String()),
			slog.String("cloud.account.id", request.Stack.Account.String()),
			slog.String("cloud.region", request.Stack.Region.String()),
			slog.Float64("xacct.waited_seconds", h.started.Sub(request.SentAt).Seconds()),
		)
	}
	if h.answer.Outcome != "" {
		span.Set(
			slog.String("xacct.customer", h.answer.Change.CustomerID),
			slog.String("xacct.outcome", string(h.answer.Outcome)),
			slog.String("xacct.answer", string(h.answer.Response.Status)),
		)
	}
	span.End()
}

// tracedProofs ends the span of one or more proofs, with the worst outcome.
func tracedProofs(span Span, proofs []onboarding.Proof) {
	span.Set(slog.Int("xacct.roles", len(proofs)))
	if len(proofs) > 0 {
		span.Set(slog.String("xacct.proof", string(proofs[onboarding.WorstIndex(proofs)].Outcome)))
	}
	span.End()
}
