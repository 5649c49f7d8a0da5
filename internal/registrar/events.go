// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/events"
)

const (
	sweepInterval = time.Minute
	eventLimit    = 5 * time.Second // for events in flight when Run ends
)

// sweepEvents sends, once a minute until ctx is done, the events that are left in the
// outbox: by this registrar, by registrars that died, and by proofs outside of any
// request. It runs separately from the handling of messages, because it may be slow.
func (r *Registrar) sweepEvents(ctx context.Context) {
	for ctx.Err() == nil {
		r.SweepEvents(ctx)
		pause(ctx, sweepInterval)
	}
}

// SweepEvents sends the events that are left in the outbox. Run does this once a
// minute.
func (r *Registrar) SweepEvents(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, workLimit)
	defer cancel()
	if err := r.config.Events.Sweep(ctx, events.SweepAge); err != nil && ctx.Err() == nil {
		r.config.Logger.Warn("some events were not sent; trying again later", "error", err)
	}
}

// FinishEvents waits for events in flight, for at most 5 seconds. Run does this
// before it returns.
func (r *Registrar) FinishEvents(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, eventLimit)
	defer cancel()
	r.config.Events.Wait(ctx)
}
