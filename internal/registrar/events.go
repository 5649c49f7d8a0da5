// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// events tells others what was committed. Whatever it can't tell now is kept by
// the registry, with what was committed.
type events interface {
	// Committed is told of an event that was just stored. It does not wait.
	Committed(bus account.EventBusARN, event onboarding.Event)
	// Wait waits until nothing of that is being sent any more.
	Wait(ctx context.Context)
	// Sweep sends what has been waiting for some time.
	Sweep(ctx context.Context, older time.Duration) error
}

const (
	sweepEvery = time.Minute
	// leftBehind is how long an event waits before it counts as one that nobody
	// is sending any more.
	leftBehind = time.Minute
	eventLimit = 5 * time.Second // for what is being sent when there is an end
)

// tell hands on what a commit has to tell, where the hub tells anything.
func (h *handling) tell(hub onboarding.Hub, t onboarding.Transition) {
	if t.Event != nil && !hub.EventBus.IsZero() {
		h.Events.Committed(hub.EventBus, *t.Event)
	}
}

// sweepEvents sends what was left, by us, by registrars that died, and by
// proofs outside of any request. It has a time of its own, as it may be slow
// when nothing else is.
func (r *Registrar) sweepEvents(ctx context.Context) {
	for ctx.Err() == nil {
		r.SweepEvents(ctx)
		pause(ctx, sweepEvery)
	}
}

// SweepEvents sends once what was left. Run does that by itself.
func (r *Registrar) SweepEvents(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, workLimit)
	defer cancel()
	if err := r.Events.Sweep(ctx, leftBehind); err != nil && ctx.Err() == nil {
		r.Logger.Warn("events are left to be sent; trying again in a while", "error", err)
	}
}

// FinishEvents waits for what is being sent, but not for long. Run does that by
// itself at its end.
func (r *Registrar) FinishEvents(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, eventLimit)
	defer cancel()
	r.Events.Wait(ctx)
}

// untold keeps everything to itself.
type untold struct{}

func (untold) Committed(account.EventBusARN, onboarding.Event) {}
func (untold) Wait(context.Context)                            {}
func (untold) Sweep(context.Context, time.Duration) error      { return nil }
