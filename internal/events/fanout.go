// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"context"
	"errors"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Sender sends events to one receiver: a Publisher to an event bus, a Webhook to its URL.
type Sender interface {
	Committed(hub onboarding.Hub, event onboarding.Event)
	Wait(ctx context.Context)
	Sweep(ctx context.Context, older time.Duration) error
}

// Fanout sends events to all receivers of a hub. A failure of one does not delay another.
type Fanout []Sender

// Committed passes an event that was just stored to each sender. It does not wait.
func (s Fanout) Committed(hub onboarding.Hub, event onboarding.Event) {
	for _, one := range s {
		one.Committed(hub, event)
	}
}

// Wait waits until no sender is sending.
func (s Fanout) Wait(ctx context.Context) {
	for _, one := range s {
		one.Wait(ctx)
	}
}

// Sweep makes all senders send the events that are waiting in the outbox, at the same
// time, and returns their errors joined.
func (s Fanout) Sweep(ctx context.Context, older time.Duration) error {
	errs := make([]error, len(s))
	done := make(chan struct{})
	for i, one := range s {
		go func() {
			errs[i] = one.Sweep(ctx, older)
			done <- struct{}{}
		}()
	}
	for range s {
		<-done
	}
	return errors.Join(errs...)
}
