// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func busARN(name string) account.EventBusARN {
	return must(account.ParseEventBusARN("arn:aws:events:eu-central-1:111111111111:event-bus/" + name))
}

// world has an outbox, an EventBridge, and a Publisher between them.
type world struct {
	*Publisher
	t *testing.T

	mu     sync.Mutex
	now    time.Time
	bus    account.EventBusARN
	outbox []onboarding.Event
	calls  [][]string                               // event IDs of each call
	put    func(onboarding.Event) (code string)     // EventBridge's error for one event
	down   error                                    // EventBridge's error for a whole call
	stuck  chan struct{}                            // blocks EventBridge's answer until closed; nil: no delay
	broken error                                    // the outbox's error for a removal
	took   map[string][]types.PutEventsRequestEntry // entries by event ID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: noon, bus: busARN("default"), took: map[string][]types.PutEventsRequestEntry{}}
	w.Publisher = New(Config{Outbox: w, Clock: w.clock, Bus: func(r account.Region) Client {
		if r != w.bus.Region {
			t.Errorf("sends to Region %s", r)
		}
		return w
	}})
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// stored returns an event that was just committed.
func (w *world) stored(n int) onboarding.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := onboarding.Event{
		ID: fmt.Sprintf("e%02d", n), Kind: onboarding.EventUpdated, At: w.now, Sequence: int64(n),
		After: onboarding.Registration{CustomerID: "globex"},
	}
	w.outbox = append(w.outbox, e)
	return e
}

func (w *world) left() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return ids(w.outbox)
}

func (w *world) sent() [][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

func ids(events []onboarding.Event) []string {
	var names []string
	for _, e := range events {
		names = append(names, e.ID)
	}
	return names
}

// settle waits until no event is being sent.
func (w *world) settle() { w.Wait(w.t.Context()) }

func (w *world) EventBus(context.Context) (account.EventBusARN, error) { return w.bus, nil }

func (w *world) Outbox(_ context.Context, before time.Time, each func([]onboarding.Event) error) error {
	w.mu.Lock()
	all := slices.Clone(w.outbox)
	w.mu.Unlock()
	all = slices.DeleteFunc(all, func(e onboarding.Event) bool { return !e.At.Before(before) })
	for page := range slices.Chunk(all, 20) {
		if err := each(page); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) RemoveEvents(_ context.Context, events []onboarding.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken
	}
	w.outbox = slices.DeleteFunc(w.outbox, func(e onboarding.Event) bool { return slices.Contains(ids(events), e.ID) })
	return nil
}

func (w *world) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	w.mu.Lock()
	stuck := w.stuck
	w.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	out := &eventbridge.PutEventsOutput{}
	for _, entry := range in.Entries {
		var detail Detail
		if err := json.Unmarshal([]byte(*entry.Detail), &detail); err != nil {
			w.t.Errorf("detail: %v", err)
		}
		names = append(names, detail.EventID)
		code := ""
		if w.put != nil {
			code = w.put(onboarding.Event{ID: detail.EventID})
		}
		if code != "" {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: aws.String(code), ErrorMessage: aws.String("no")})
			continue
		}
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("its own")})
		if w.down == nil {
			w.took[detail.EventID] = append(w.took[detail.EventID], entry)
		}
	}
	w.calls = append(w.calls, names)
	if w.down != nil {
		return nil, w.down
	}
	return out, nil
}

var errDown = errors.New("EventBridge is down")
