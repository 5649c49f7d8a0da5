// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"context"
	"errors"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Teller is one way by which events leave: a Publisher or a Webhook.
type Teller interface {
	Committed(hub onboarding.Hub, event onboarding.Event)
	Wait(ctx context.Context)
	Sweep(ctx context.Context, older time.Duration) error
}

// Several are all ways of a hub. What is wrong with one does not hold up another.
type Several []Teller

// Committed tells each of an event that was just stored. It does not wait.
func (s Several) Committed(hub onboarding.Hub, event onboarding.Event) {
	for _, one := range s {
		one.Committed(hub, event)
	}
}

// Wait waits until nothing is being sent by any.
func (s Several) Wait(ctx context.Context) {
	for _, one := range s {
		one.Wait(ctx)
	}
}

// Sweep sends what was left, by each at the same time.
func (s Several) Sweep(ctx context.Context, older time.Duration) error {
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
