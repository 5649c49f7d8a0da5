// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"log/slog"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Handle handles one message in stages, as far as is possible now, and returns what to
// do with it. The process may be killed after any step: the message is received again
// until Handle returns Done, and the same request always gets the same answer.
//
// The steps of a stage are repeated if another registrar has written first, or if a
// proof has a result.
func (r *Registrar) Handle(ctx context.Context, body []byte) Disposition {
	return r.handle(ctx, body, seat{})
}

func (r *Registrar) handle(ctx context.Context, body []byte, place seat) (d Disposition) {
	h := &handling{Registrar: r, body: body, seat: place, begun: r.config.Clock(), proofs: map[account.RoleARN]onboarding.Proof{}}
	defer h.leave()
	ctx, span := r.config.Tracer.Start(ctx, "phone-home")
	defer h.traced(span, &d)
	for _, stage := range [][]step{
		{{"decode", h.decode}, {"take_turn", h.takeTurn}},                                                                   // handle_open.go
		{{"load", h.load}, {"verify", h.verify}, {"check_region", h.checkRegion}, {"decide", h.decide}, {"store", h.store}}, // handle_decide.go
		{{"send", h.send}},                           // handle_send.go
		{{"settle", h.settle}, {"commit", h.commit}}, // handle_commit.go
	} {
		if end := h.run(ctx, stage); end != nil {
			return h.end(*end)
		}
	}
	return h.end(done)
}

// end returns the disposition, with the time after which a message that is not done is
// received again.
func (h *handling) end(d Disposition) Disposition {
	if d.Action != Retry {
		h.accepted.forget(h.key())
		return d
	}
	d.After = h.pace(d.After)
	return d
}

// Disposition is what to do with a message after it was handled.
type Disposition struct {
	Action Action
	After  time.Duration // of a Retry
	Reason string        // of a DeadLetter
}

// Action is what to do with a message.
type Action string

// The actions.
const (
	Done       Action = "done"        // delete it
	Retry      Action = "retry"       // receive it again after a while
	DeadLetter Action = "dead_letter" // move it to the dead-letter queue
)

// handling is the state of handling one message.
type handling struct {
	*Registrar
	body  []byte
	seat  seat // its place among the workers
	begun time.Time

	request  phonehome.Request
	log      *slog.Logger
	verified bool // SNS signed it

	snapshot onboarding.Snapshot
	proofs   map[account.RoleARN]onboarding.Proof // the results so far
	decision onboarding.Decision                  // of the current stage
	answer   onboarding.Answer                    // the stored one
	delivery onboarding.Delivery                  // the bucket's response to it
	refused  error                                // why the bucket refused it; nil: it accepted it

	proving bool     // it has claimed the account for its proofs
	leaving []func() // each frees a place
}

// step is one step of handling, with its name in traces. It returns nil to continue with
// the next one, startOver, or the message's disposition.
type step struct {
	name string
	do   func(context.Context) *Disposition
}

// startOver repeats the steps of a stage.
var startOver = &Disposition{}

// done is the disposition of a message that is finished.
var done = Disposition{Action: Done}

// mostAttempts is how often one handling tries a stage; after that the message is
// requeued.
const mostAttempts = 8

// soon is the pause before a message that could continue at any moment is received again.
const soon = 5 * time.Second

func retry(after time.Duration) *Disposition { return &Disposition{Action: Retry, After: after} }

// run runs the steps of one stage, and returns the disposition of a step that ended it
// early; nil if the stage is complete.
func (h *handling) run(ctx context.Context, stage []step) *Disposition {
	for range mostAttempts {
		end := h.once(ctx, stage)
		if end != startOver {
			return end
		}
	}
	h.log.Warn("the registry kept changing; the request is requeued")
	return retry(soon)
}

func (h *handling) once(ctx context.Context, stage []step) *Disposition {
	for _, step := range stage {
		if end := h.do(ctx, step); end != nil {
			return end
		}
	}
	return nil
}

func (h *handling) do(ctx context.Context, s step) *Disposition {
	ctx, span := h.config.Tracer.Start(ctx, s.name)
	defer span.End()
	return s.do(ctx)
}

// leave frees what the handling holds.
func (h *handling) leave() {
	for _, leave := range h.leaving {
		leave()
	}
}
