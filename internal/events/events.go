// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package events publishes changes of customers' roles: it sends the events
// that the registry stored with every change to the vendor's own EventBridge
// event bus (Publisher), and to an endpoint of the vendor's (Webhook).
//
// Every event arrives at least once, and nothing waits for it: an event is
// stored in the same transaction as the change that it reports, sent
// afterwards, and removed once it was accepted. If a crash or an outage of the
// receiver prevents that, a later Sweep sends it. Which changes
// are events is decided elsewhere (see onboarding.EventOf).
package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Config holds what a Publisher needs. Outbox and Bus are required.
type Config struct {
	Outbox Outbox
	// Bus returns the EventBridge client for a Region.
	Bus func(account.Region) Client

	Clock  func() time.Time // default time.Now
	Logger *slog.Logger     // default: no logs
}

// Outbox stores events until EventBridge has accepted them; the registry implements
// it. Its method Outbox calls each with batches of the events that were stored before a
// time.
type Outbox interface {
	EventBus(ctx context.Context) (account.EventBusARN, error)
	Outbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error
	RemoveEvents(ctx context.Context, events []onboarding.Event) error
}

// Client has the EventBridge operations that a Publisher calls.
type Client interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Publisher sends one hub's events. It is safe for concurrent use.
type Publisher struct {
	config Config

	mu           sync.Mutex
	waiting      []addressedEvent
	sending      chan struct{} // closed when the sender has ended; nil: no sender is running
	backoffUntil time.Time     // the time until which nothing is sent, after a failure
}

// addressedEvent is an event with its destination.
type addressedEvent struct {
	bus   account.EventBusARN
	event onboarding.Event
}

// New returns a Publisher. It does nothing until Committed or Sweep is called.
func New(config Config) *Publisher {
	if config.Clock == nil {
		config.Clock = time.Now
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &Publisher{config: config}
}

const (
	maxWaiting = 1000             // limit of events that wait in memory; a sweep sends the rest
	minBackoff = 30 * time.Second // pause after a failure
	sendLimit  = 10 * time.Second // for one call and its updates of the outbox

	// SweepAge is the minimum age of the events that a sweep sends: no registrar is
	// still sending an event of that age.
	SweepAge = time.Minute
	// maxDirectAge is the maximum age of an event that is sent without a sweep. An event
	// that has waited longer in memory is left to a sweep, because a sweep of another
	// process might send it too. An attempt that has begun takes at most 20 seconds.
	maxDirectAge = 30 * time.Second
)

// isRecent reports whether an event that was just stored can be sent before a sweep
// finds it.
func isRecent(event onboarding.Event, now time.Time) bool { return now.Sub(event.At) <= maxDirectAge }

// Committed sends an event that was just stored, soon after it returns. It
// never waits: an event that can't be sent now is in the outbox.
func (p *Publisher) Committed(hub onboarding.Hub, event onboarding.Event) {
	if hub.EventBus.IsZero() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) >= maxWaiting || p.config.Clock().Before(p.backoffUntil) {
		return
	}
	p.waiting = append(p.waiting, addressedEvent{hub.EventBus, event})
	if p.sending == nil {
		p.sending = make(chan struct{})
		go p.send(p.sending)
	}
}

// Wait waits until every event that was passed to Committed has been sent or
// left to a sweep.
func (p *Publisher) Wait(ctx context.Context) {
	p.mu.Lock()
	ended := p.sending
	p.mu.Unlock()
	if ended == nil {
		return
	}
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// send sends the waiting events until there are none.
func (p *Publisher) send(ended chan struct{}) {
	defer close(ended)
	for bus, batch := p.next(); len(batch) > 0; bus, batch = p.next() {
		err := p.deliver(context.Background(), bus, batch)
		if err != nil {
			p.config.Logger.Warn("events could not be sent; they are kept, and sent later", "bus", bus, "error", err)
		}
		if err != nil && !isFinal(err) {
			p.backOff()
		}
	}
}

// next returns as many of the waiting events as fit into one call, all for one
// bus, and leaves those that have waited for too long to a sweep. It ends the sender
// if there are none.
func (p *Publisher) next() (account.EventBusARN, []onboarding.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.config.Clock()
	p.waiting = slices.DeleteFunc(p.waiting, func(one addressedEvent) bool { return !isRecent(one.event, now) })
	n := 0
	for n < len(p.waiting) && n < maxBatch && p.waiting[n].bus == p.waiting[0].bus {
		n++
	}
	if n == 0 {
		p.sending = nil
		return account.EventBusARN{}, nil
	}
	var batch []onboarding.Event
	for _, one := range p.waiting[:n] {
		batch = append(batch, one.event)
	}
	bus := p.waiting[0].bus
	p.waiting = p.waiting[n:]
	return bus, batch
}

// backOff leaves the waiting events, and those of the next 30 seconds, to the next
// sweep: during an outage of EventBridge every commit would try without success.
func (p *Publisher) backOff() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting, p.backoffUntil = nil, p.config.Clock().Add(minBackoff)
}

// Sweep sends the events that have been in the outbox for longer than older, because
// this or another process failed to send them or died. It stops if EventBridge is
// unavailable; an event that EventBridge refuses stays in the outbox and does not
// delay the others.
func (p *Publisher) Sweep(ctx context.Context, older time.Duration) error {
	bus, err := p.config.Outbox.EventBus(ctx)
	if err != nil {
		return fmt.Errorf("send events from the outbox: %w", err)
	}
	if bus.IsZero() {
		return nil
	}
	var refused error
	err = p.config.Outbox.Outbox(ctx, p.config.Clock().Add(-older), func(events []onboarding.Event) error {
		for batch := range batches(events) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			switch err := p.deliver(ctx, bus, batch); {
			case isFinal(err):
				refused = err
			case err != nil:
				return err
			}
		}
		return nil
	})
	if err = errors.Join(err, refused); err != nil {
		return fmt.Errorf("send events from the outbox: %w", err)
	}
	return nil
}
