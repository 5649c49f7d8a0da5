// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package events tells others what becomes of customers' roles: it takes the
// events that the registry has stored with every change to the vendor's own
// EventBridge event bus.
//
// Every event arrives at least once, and nobody waits for it: an event is
// stored in the same transaction as what it tells, sent afterwards, and removed
// once EventBridge has taken it. Whatever keeps that from happening, a crash or
// hours without EventBridge, a later Sweep makes up for. What is worth telling
// is not decided here, nor when (see onboarding.EventOf).
package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Config is what a Publisher is made of. Outbox and Bus are needed.
type Config struct {
	Outbox Outbox
	// Bus gives the EventBridge of a Region.
	Bus func(account.Region) Client

	Clock  func() time.Time // default time.Now
	Logger *slog.Logger     // default: no logs
}

// Outbox is where events are until EventBridge has taken them: the registry's.
type Outbox interface {
	EventBus(ctx context.Context) (account.EventBusARN, error)
	Outbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error
	RemoveEvents(ctx context.Context, events []onboarding.Event) error
}

// Client is as much of EventBridge as there is need for.
type Client interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Publisher sends one hub's events. All methods may be called at once.
type Publisher struct {
	config Config

	mu      sync.Mutex
	waiting []parcel
	sending chan struct{} // closed when the sender has ended; nil: there is none
	quiet   time.Time     // until when nothing is sent at once, after a failure
}

// parcel is an event on its way to a bus.
type parcel struct {
	bus   account.EventBusARN
	event onboarding.Event
}

// New makes a Publisher. It does nothing until it is told of an event, or asked
// to sweep.
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
	mostWaiting = 1000             // events to be sent at once; more are for a sweep
	quietAfter  = 30 * time.Second // nothing is sent at once, after a failure
	sendLimit   = 10 * time.Second // for one call and what belongs to it
)

// Committed is told of an event that was just stored, and sends it soon. It
// never waits: what can't be sent now is in the outbox.
func (p *Publisher) Committed(bus account.EventBusARN, event onboarding.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) >= mostWaiting || p.config.Clock().Before(p.quiet) {
		return
	}
	p.waiting = append(p.waiting, parcel{bus, event})
	if p.sending == nil {
		p.sending = make(chan struct{})
		go p.send(p.sending)
	}
}

// Wait waits until nothing of what Committed was told is being sent any more.
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

// send sends what waits until nothing does.
func (p *Publisher) send(ended chan struct{}) {
	defer close(ended)
	for bus, batch := p.next(); len(batch) > 0; bus, batch = p.next() {
		err := p.deliver(context.Background(), bus, batch)
		if err != nil {
			p.config.Logger.Warn("events could not be sent; they are kept, and sent later", "bus", bus, "error", err)
		}
		if err != nil && !isFinal(err) {
			p.hush()
		}
	}
}

// next takes as many of the waiting events as go into one call, all for one
// bus. Where there are none the sender ends.
func (p *Publisher) next() (account.EventBusARN, []onboarding.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.waiting) && n < mostAtOnce && p.waiting[n].bus == p.waiting[0].bus {
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

// hush leaves to the next sweep what waits, and what comes in the next moments:
// where EventBridge is down, every commit would try it in vain.
func (p *Publisher) hush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting, p.quiet = nil, p.config.Clock().Add(quietAfter)
}

// Sweep sends what has been in the outbox for some time: what others, or we
// ourselves, could not send or died before. It goes as far as it gets, and
// stops where EventBridge is in trouble; an event that EventBridge refuses for
// itself stays, and holds up no other.
func (p *Publisher) Sweep(ctx context.Context, older time.Duration) error {
	bus, err := p.config.Outbox.EventBus(ctx)
	if err != nil {
		return fmt.Errorf("send events that were left: %w", err)
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
		return fmt.Errorf("send events that were left: %w", err)
	}
	return nil
}
