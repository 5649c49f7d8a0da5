// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/events"
)

const (
	sweepEvery = time.Minute
	eventLimit = 5 * time.Second // for what is being sent when there is an end
)

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
	if err := r.config.Events.Sweep(ctx, events.LeftBehind); err != nil && ctx.Err() == nil {
		r.config.Logger.Warn("some events were not sent; trying again later", "error", err)
	}
}

// FinishEvents waits for what is being sent, but not for long. Run does that by
// itself at its end.
func (r *Registrar) FinishEvents(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, eventLimit)
	defer cancel()
	r.config.Events.Wait(ctx)
}
