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
	return r.handle(ctx, body, workerSlot{})
}

func (r *Registrar) handle(ctx context.Context, body []byte, slot workerSlot) (d Disposition) {
	h := &handling{Registrar: r, body: body, slot: slot, started: r.config.Clock(), proofs: map[account.RoleARN]onboarding.Proof{}}
	defer h.release()
	ctx, span := r.config.Tracer.Start(ctx, "phone-home")
	defer h.traced(span, &d)
	for _, stage := range [][]step{
		{{"decode", h.decode}, {"limit_account", h.limitAccount}},                                                           // handle_open.go
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

// end returns the disposition, with the delay of a message that is to be received
// again.
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
	After  time.Duration // the delay of a Retry
	Reason string        // why a DeadLetter is one
}

// Action is what to do with a message.
type Action string

// The actions.
const (
	Done       Action = "done"        // delete it
	Retry      Action = "retry"       // requeue it, to be received again after a delay
	DeadLetter Action = "dead_letter" // move it to the dead-letter queue
)

// handling is the state of handling one message.
type handling struct {
	*Registrar
	body    []byte
	slot    workerSlot // its worker slot
	started time.Time

	request  phonehome.Request
	log      *slog.Logger
	verified bool // SNS signed it

	snapshot onboarding.Snapshot
	proofs   map[account.RoleARN]onboarding.Proof // the results so far
	decision onboarding.Decision                  // of the current stage
	answer   onboarding.Answer                    // as stored
	delivery onboarding.Delivery                  // the bucket's response to the answer
	refused  error                                // why the bucket refused the answer; nil: the bucket accepted it

	proving  bool     // the account is claimed for this request's proofs
	releases []func() // each releases something that the handling has taken
}

// step is one step of handling, with its name in traces. The function do returns nil
// to continue with the next step, startOver to repeat the stage, or the message's
// disposition.
type step struct {
	name string
	do   func(context.Context) *Disposition
}

// startOver makes run repeat the steps of the stage.
var startOver = &Disposition{}

// done is the disposition of a message that is finished.
var done = Disposition{Action: Done}

// maxStageAttempts is how many times run repeats a stage before it requeues the message.
const maxStageAttempts = 8

// soon is the delay of a message whose handling could continue at any moment.
const soon = 5 * time.Second

func retry(after time.Duration) *Disposition { return &Disposition{Action: Retry, After: after} }

// run runs the steps of one stage until they are complete, and then returns nil; or
// it returns the disposition of the step that ended the handling early.
func (h *handling) run(ctx context.Context, stage []step) *Disposition {
	for range maxStageAttempts {
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

// release releases everything that the handling has taken: its share of the workers and
// its claim on the account.
func (h *handling) release() {
	for _, leave := range h.releases {
		leave()
	}
}
