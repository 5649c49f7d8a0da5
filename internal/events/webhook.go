// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// WebhookConfig holds what a Webhook needs. Outbox, Client and Secrets are required.
type WebhookConfig struct {
	Outbox WebhookOutbox
	Client HTTPClient
	// Secrets returns the signing keys, the newest first. It is called for each round
	// of deliveries, so that keys can be changed without a restart. Without keys
	// nothing is sent.
	Secrets func() ([]Secret, error)

	Clock   func() time.Time             // default time.Now
	Logger  *slog.Logger                 // default: no logs
	Observe func(result WebhookDelivery) // default: outcomes are not reported
}

// WebhookOutbox stores events until the endpoint has accepted them; the registry
// implements it.
type WebhookOutbox interface {
	Webhook(ctx context.Context) (string, error)
	WebhookOutbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error
	RemoveWebhookEvents(ctx context.Context, events []onboarding.Event) error
}

// HTTPClient sends requests. It must not follow redirects, and must have a timeout.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// WebhookDelivery is the outcome of one attempt to deliver an event.
type WebhookDelivery string

// The results of an attempt.
const (
	WebhookSent    WebhookDelivery = "sent"
	WebhookFailed  WebhookDelivery = "failed"   // the event is sent again later
	WebhookGivenUp WebhookDelivery = "given_up" // it failed for the last time, and the event is dropped
)

// Webhook sends one hub's events to the vendor's own endpoint. Like a Publisher it
// sends each at least once, and nothing waits for it. It is safe for concurrent use.
type Webhook struct {
	config WebhookConfig

	mu           sync.Mutex
	waiting      []onboarding.Event
	address      string               // the URL for the waiting events
	sending      chan struct{}        // closed when the sender has ended; nil: no sender is running
	backoffUntil time.Time            // the time until which nothing is sent
	inARow       int                  // attempts that failed since the last one that did not
	later        map[string]postponed // events that failed, by ID
}

// postponed is an event that failed, and when it is tried again.
type postponed struct {
	attempts int
	next     time.Time
	until    time.Time // when another process gives the event up, if none has sent it
}

const (
	maxConcurrentWebhooks = 8
	maxWebhookAge         = 72 * time.Hour // age from which on an event that fails is given up
	minRetryPause         = time.Minute
	maxRetryPause         = 6 * time.Hour
	maxBackoff            = 15 * time.Minute
	// downAfter is the number of failed attempts in a row after which the endpoint
	// counts as down, even if the endpoint itself has responded to each.
	downAfter    = 5
	maxPostponed = 10_000
)

// NewWebhook returns a Webhook. It does nothing until Committed or Sweep is called.
func NewWebhook(config WebhookConfig) *Webhook {
	if config.Clock == nil {
		config.Clock = time.Now
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Observe == nil {
		config.Observe = func(WebhookDelivery) {}
	}
	return &Webhook{config: config, later: map[string]postponed{}}
}

// Committed sends an event that was just stored, soon after it returns. It never
// waits: an event that can't be sent now is in the outbox.
func (w *Webhook) Committed(hub onboarding.Hub, event onboarding.Event) {
	if hub.WebhookURL == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) >= maxWaiting || w.config.Clock().Before(w.backoffUntil) {
		return
	}
	w.waiting, w.address = append(w.waiting, event), hub.WebhookURL
	if w.sending == nil {
		w.sending = make(chan struct{})
		go w.send(w.sending)
	}
}

// Wait waits until every event that was passed to Committed has been sent or left to a
// sweep.
func (w *Webhook) Wait(ctx context.Context) {
	w.mu.Lock()
	ended := w.sending
	w.mu.Unlock()
	if ended == nil {
		return
	}
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// send sends the waiting events until there are none.
func (w *Webhook) send(ended chan struct{}) {
	defer close(ended)
	for events, address := w.next(); len(events) > 0; events, address = w.next() {
		if err := w.deliver(context.Background(), address, events, w.attemptSoon); err != nil {
			w.config.Logger.Warn("events could not be sent to the webhook; they are kept, and sent later", "error", err)
		}
	}
}

// next returns the waiting events. It ends the sender if there are none.
func (w *Webhook) next() ([]onboarding.Event, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	events := w.waiting
	w.waiting = nil
	if len(events) == 0 {
		w.sending = nil
	}
	return events, w.address
}

// Sweep sends the events that have been in the outbox for longer than older, because
// this or another process failed to send them or died. It stops if the endpoint is
// down; an event that the endpoint refuses is tried again with growing pauses, and
// does not delay the others.
func (w *Webhook) Sweep(ctx context.Context, older time.Duration) error {
	address, err := w.config.Outbox.Webhook(ctx)
	if err != nil {
		return fmt.Errorf("send events to the webhook: %w", err)
	}
	now := w.config.Clock()
	if address == "" || w.isBackingOff(now) {
		return nil
	}
	var failed error
	err = w.config.Outbox.WebhookOutbox(ctx, now.Add(-older), func(page []onboarding.Event) error {
		if err := w.deliver(ctx, address, w.due(page, now), w.attempt); err != nil {
			failed = err
		}
		if w.isBackingOff(w.config.Clock()) {
			return errEndpointDown
		}
		return ctx.Err()
	})
	if errors.Is(err, errEndpointDown) {
		err = nil
	}
	if err = errors.Join(failed, err); err != nil {
		return fmt.Errorf("send events to the webhook: %w", err)
	}
	return nil
}

// errEndpointDown ends a sweep: no requests are sent to the endpoint for a while.
var errEndpointDown = errors.New("the endpoint is down")

func (w *Webhook) isBackingOff(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return now.Before(w.backoffUntil)
}

// due returns the events whose pause is over.
func (w *Webhook) due(events []onboarding.Event, now time.Time) []onboarding.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []onboarding.Event
	for _, event := range events {
		if !now.Before(w.later[event.ID].next) {
			all = append(all, event)
		}
	}
	return all
}

// sender sends one event, unless it need not be sent any more.
type sender func(ctx context.Context, address string, secrets []Secret, event onboarding.Event) error

// deliver sends events, several at a time, and removes from the outbox those that
// were accepted or are given up. It returns one of the errors.
func (w *Webhook) deliver(ctx context.Context, address string, events []onboarding.Event, send sender) error {
	if len(events) == 0 {
		return nil
	}
	secrets, err := w.config.Secrets()
	if err == nil && len(secrets) == 0 {
		err = errors.New("this registrar has no key to sign them with: set XACCT_WEBHOOK_SECRET or XACCT_WEBHOOK_SECRET_FILE")
	}
	if err != nil {
		w.backOff(w.config.Clock(), maxBackoff)
		return err
	}
	var group errgroup.Group
	group.SetLimit(maxConcurrentWebhooks)
	for _, event := range events {
		if w.isBackingOff(w.config.Clock()) || ctx.Err() != nil {
			break // a sweep sends the rest
		}
		group.Go(func() error { return send(ctx, address, secrets, event) })
	}
	return group.Wait()
}

// attemptSoon calls attempt for an event that was just stored, unless it has waited
// in memory for so long that a sweep, perhaps of another process, sends it.
func (w *Webhook) attemptSoon(ctx context.Context, address string, secrets []Secret, event onboarding.Event) error {
	if !isRecent(event, w.config.Clock()) {
		return nil
	}
	return w.attempt(ctx, address, secrets, event)
}

// attempt sends one event. An attempt that was begun is finished even if ctx is
// cancelled: an event whose outcome is unknown would be sent twice.
func (w *Webhook) attempt(ctx context.Context, address string, secrets []Secret, event onboarding.Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*sendLimit)
	defer cancel()
	now := w.config.Clock()
	err := w.post(ctx, address, secrets, event, now)
	result := w.recordOutcome(event, err, now)
	if result != WebhookFailed {
		err = errors.Join(err, w.config.Outbox.RemoveWebhookEvents(ctx, []onboarding.Event{event}))
	}
	if result == WebhookGivenUp {
		w.config.Logger.Error("an event was given up: the webhook did not accept it for days",
			"event", event.ID, "customer", event.After.CustomerID, "occurred_at", event.At, "error", err)
	}
	w.config.Observe(result)
	return err
}

// recordOutcome records the outcome of an attempt, and returns it.
func (w *Webhook) recordOutcome(event onboarding.Event, err error, now time.Time) WebhookDelivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.inARow = 0
		delete(w.later, event.ID)
		return WebhookSent
	}
	w.inARow++
	var refusal *statusError
	own := errors.As(err, &refusal) && refusal.concernsEventOnly()
	if !own || w.inARow >= downAfter {
		after := time.Duration(0)
		if refusal != nil {
			after = refusal.after
		}
		w.backOffLocked(now, after)
	}
	if now.Sub(event.At) >= maxWebhookAge {
		delete(w.later, event.ID)
		return WebhookGivenUp
	}
	if len(w.later) >= maxPostponed { // some were sent by other processes, and this one is not informed
		maps.DeleteFunc(w.later, func(_ string, p postponed) bool { return now.After(p.until) })
	}
	p, known := w.later[event.ID]
	if own && (known || len(w.later) < maxPostponed) {
		p.next = now.Add(min(minRetryPause<<min(p.attempts, 10), maxRetryPause))
		p.attempts++
		p.until = event.At.Add(maxWebhookAge + maxRetryPause)
		w.later[event.ID] = p
	}
	return WebhookFailed
}

func (w *Webhook) backOff(now time.Time, after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.backOffLocked(now, after)
}

// backOffLocked leaves the waiting events, and those of the next moments, to a sweep.
// The pause grows with the time for which the endpoint is down. The caller holds the
// lock.
func (w *Webhook) backOffLocked(now time.Time, after time.Duration) {
	pause := min(minBackoff<<min(w.inARow/maxConcurrentWebhooks, 10), maxBackoff)
	w.waiting, w.backoffUntil = nil, now.Add(min(max(pause, after), time.Hour))
}
