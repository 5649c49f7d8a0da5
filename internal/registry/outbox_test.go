// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// tellingHub returns a hub that publishes events.
func tellingHub(t *testing.T) *world {
	t.Helper()
	w := newHub(t)
	bus, err := account.ParseEventBusARN("arn:aws:events:eu-central-1:111111111111:event-bus/default")
	w.must(err)
	w.hub.EventBus = bus
	w.hub, err = w.UpdateHub(t.Context(), w.hub)
	w.must(err)
	return w
}

// outbox returns the events that are in the outbox now.
func (w *world) outbox() []onboarding.Event {
	w.t.Helper()
	var all []onboarding.Event
	w.must(w.Outbox(w.t.Context(), w.clock.Now().Add(time.Second), func(page []onboarding.Event) error {
		all = append(all, page...)
		return nil
	}))
	return all
}

// telling returns a visit whose commit has an event.
func (w *world) telling(requestID string) visit {
	w.t.Helper()
	v := w.visit(requestID)
	v.after.Event = onboarding.EventOf(*v.after.Registration, *v.after.History)
	return v
}

func TestAnEventAndItsCommitAreWrittenAtomically(t *testing.T) {
	w := tellingHub(t)
	w.linked("globex", "222222222222")
	v := w.telling("one")
	stored, err := w.StoreAnswer(t.Context(), v.snapshot, v.answer)
	w.must(err)

	moved := v
	moved.snapshot.Stack.Revision = 7
	if err := w.Commit(t.Context(), moved.snapshot, stored, moved.after); !errors.Is(err, registry.ErrConflict) {
		t.Fatalf("a commit on a former revision gave %v", err)
	}
	if got := w.outbox(); len(got) != 0 {
		t.Errorf("nothing was committed, but %d events are in the outbox", len(got))
	}
	w.must(w.Commit(t.Context(), v.snapshot, stored, v.after))
	if err := w.Commit(t.Context(), v.snapshot, stored, v.after); !errors.Is(err, onboarding.ErrCommitted) {
		t.Errorf("the second commit gave %v", err)
	}
	if diff := cmp.Diff([]onboarding.Event{*v.after.Event}, w.outbox(), comparable); diff != "" {
		t.Errorf("outbox (-want +got):\n%s", diff)
	}
	if after := w.load(v.request); after.Registration.Revision != v.after.Event.Sequence {
		t.Errorf("the event's number is %d, the registration's revision %d", v.after.Event.Sequence, after.Registration.Revision)
	}
}

func TestAProofThatChangesAStatusIsAnEvent(t *testing.T) {
	for _, tells := range []bool{true, false} {
		t.Run(fmt.Sprintf("hub tells=%t", tells), func(t *testing.T) {
			w, want := newHub, 0
			if tells {
				w, want = tellingHub, 1
			}
			hub := w(t)
			registered := hub.registered(onboarding.Registration{
				Hub: hubName, CustomerID: "globex", Account: id(t, "222222222222"),
				Stack: stackARN(t, "222222222222", "0001"), LogicalID: "PhoneHome", Status: onboarding.Active,
			})
			degraded, entry := onboarding.Health(registered, onboarding.Proof{Outcome: onboarding.Refused}, hub.clock.Now())
			_, err := hub.PutHealth(t.Context(), degraded, *entry)
			hub.must(err)
			_, err = hub.PutHealth(t.Context(), degraded, *entry) // the response to the first write was lost
			hub.must(err)
			got := hub.outbox()
			if len(got) != want || want == 1 && (got[0].Kind != onboarding.EventDegraded || got[0].Before != onboarding.Active || got[0].Sequence != 2) {
				t.Errorf("the outbox has %+v", got)
			}
		})
	}
}

func TestAHubWithoutABusStoresNoEvents(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	v := w.telling("one")
	w.must(w.Commit(t.Context(), v.snapshot, v.answer, v.after))
	if got := w.outbox(); len(got) != 0 {
		t.Errorf("%d events are in the outbox", len(got))
	}
}

// Of two receivers, one may be unavailable for days.
func TestTheOutboxKeepsAnEventForEachReceiver(t *testing.T) {
	w := tellingHub(t)
	w.hub.WebhookURL = "https://api.acme.example/hooks"
	var err error
	w.hub, err = w.UpdateHub(t.Context(), w.hub)
	w.must(err)
	if address, err := w.Webhook(t.Context()); err != nil || address != w.hub.WebhookURL {
		t.Errorf("the webhook is %q: %v", address, err)
	}
	w.linked("globex", "222222222222")
	v := w.telling("one")
	v.snapshot.Hub = w.hub.Hub
	w.must(w.Commit(t.Context(), v.snapshot, v.answer, v.after))
	forWebhook := func(before time.Time) (all []onboarding.Event) {
		w.must(w.WebhookOutbox(t.Context(), before, func(page []onboarding.Event) error {
			all = append(all, page...)
			return nil
		}))
		return all
	}
	soon := w.clock.Now().Add(time.Second)
	if diff := cmp.Diff(w.outbox(), forWebhook(soon), comparable); diff != "" || len(w.outbox()) != 1 {
		t.Errorf("for bus and webhook (-bus +webhook):\n%s", diff)
	}
	if early := forWebhook(w.clock.Now().Add(-time.Minute)); len(early) != 0 {
		t.Errorf("it is read too early: %v", early)
	}
	w.must(w.RemoveEvents(t.Context(), w.outbox()))
	if len(w.outbox()) != 0 || len(forWebhook(soon)) != 1 {
		t.Error("events sent to the bus were removed for the webhook")
	}
	w.must(w.RemoveWebhookEvents(t.Context(), forWebhook(soon)))
	w.must(w.RemoveWebhookEvents(t.Context(), []onboarding.Event{*v.after.Event})) // removing it again is no error
	if len(forWebhook(soon)) != 0 {
		t.Error("the event was not removed")
	}
}

func TestTheOutboxIsReadInOrderAndRemovedByPage(t *testing.T) {
	const all = 120
	w := filled(t, all)
	before := w.clock.Now().Add(-9 * time.Second) // the last ten events are later
	var pages []int
	last := int64(1)
	w.must(w.Outbox(t.Context(), before, func(page []onboarding.Event) error {
		pages = append(pages, len(page))
		for _, e := range page {
			if e.Sequence != last+1 {
				t.Errorf("event %d comes after %d", e.Sequence, last)
			}
			last = e.Sequence
		}
		return w.RemoveEvents(t.Context(), page)
	}))
	if diff := cmp.Diff([]int{100, all - 10 - 100}, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	left := w.outbox()
	if len(left) != 10 {
		t.Errorf("%d events are left, want 10", len(left))
	}
	w.must(w.RemoveEvents(t.Context(), left))
	w.must(w.RemoveEvents(t.Context(), left)) // as if another process had removed them first
	if got := w.outbox(); len(got) != 0 {
		t.Errorf("%d events are left", len(got))
	}
}

// filled returns a hub with events in its outbox.
func filled(t *testing.T, events int) *world {
	t.Helper()
	w := tellingHub(t)
	reg := w.registered(onboarding.Registration{
		Hub: hubName, CustomerID: "globex", Account: id(t, "222222222222"),
		Stack: stackARN(t, "222222222222", "0001"), LogicalID: "PhoneHome", Status: onboarding.Active,
	})
	for i := range events {
		w.clock.Advance(time.Second)
		proof := onboarding.Proof{Outcome: onboarding.Refused}
		if i%2 == 1 {
			proof.Outcome = onboarding.Proven
		}
		next, entry := onboarding.Health(reg, proof, w.clock.Now())
		var err error
		reg, err = w.PutHealth(t.Context(), next, *entry)
		w.must(err)
	}
	return w
}

// sweeps returns the number of events that another process would send now.
func (w *world) sweeps() (events int) {
	w.t.Helper()
	w.must(w.process().Outbox(w.t.Context(), w.clock.Now().Add(time.Second), func(page []onboarding.Event) error {
		events += len(page)
		return nil
	}))
	return events
}

// After an outage every registrar finds the same events.
func TestOneProcessAtATimeSendsTheOutbox(t *testing.T) {
	w := filled(t, 101)
	pages := 0
	w.must(w.Outbox(t.Context(), w.clock.Now().Add(time.Second), func([]onboarding.Event) error {
		if pages++; w.sweeps() != 0 {
			t.Errorf("another process sends the same at page %d", pages)
		}
		w.clock.Advance(time.Minute) // sending a page takes a minute
		return nil
	}))
	if pages != 2 {
		t.Errorf("there were %d pages", pages)
	}
	if got := w.sweeps(); got != 101 {
		t.Errorf("afterwards another process finds %d events", got)
	}
	failed := errors.New("the endpoint is down")
	if err := w.Outbox(t.Context(), w.clock.Now(), func([]onboarding.Event) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if got := w.sweeps(); got != 101 {
		t.Errorf("after a failure another process finds %d events", got)
	}
}

// A process that dies can't release its lease.
func TestTheEventsOfADeadProcessAreSentAfterTwoMinutes(t *testing.T) {
	w := filled(t, 1)
	kill := w.sandbox.Faults().Before(stopAfter(3)) // a read, the lease, and another read
	_ = w.Outbox(t.Context(), w.clock.Now().Add(time.Second), func([]onboarding.Event) error { return nil })
	kill()
	if got := w.sweeps(); got != 0 {
		t.Errorf("%d events are sent at once", got)
	}
	w.clock.Advance(2*time.Minute + time.Second)
	if got := w.sweeps(); got != 1 {
		t.Errorf("%d events are sent two minutes later", got)
	}
}

// The other process sends the rest.
func TestAProcessWhoseLeaseExpiredSendsNoFurtherPage(t *testing.T) {
	w := filled(t, 101)
	pages := 0
	w.must(w.Outbox(t.Context(), w.clock.Now().Add(time.Second), func([]onboarding.Event) error {
		pages++
		w.clock.Advance(3 * time.Minute)
		if w.sweeps() != 101 {
			t.Error("no other process takes over")
		}
		return nil
	}))
	if pages != 1 {
		t.Errorf("it has sent %d pages", pages)
	}
}

// The other process sends the event between this one's read and its lease.
func TestEventsThatAnotherProcessSentMeanwhileAreNotSentTwice(t *testing.T) {
	w := filled(t, 1)
	end := w.sandbox.Faults().Before(beforeCall(2, func() {
		w.must(w.Outbox(t.Context(), w.clock.Now().Add(time.Second), func(page []onboarding.Event) error {
			return w.RemoveEvents(t.Context(), page)
		}))
	}))
	defer end()
	if got := w.sweeps(); got != 0 {
		t.Errorf("%d events are sent twice", got)
	}
}

// Every registrar reads the outbox once a minute.
func TestAnEmptyOutboxIsReadWithOneCall(t *testing.T) {
	w := filled(t, 1)
	var left []onboarding.Event
	want := map[string]int{"dynamodb:Query": 2, "dynamodb:PutItem": 2}
	if diff := cmp.Diff(want, w.calls(func() { left = w.outbox() })); diff != "" {
		t.Errorf("calls for one event (-want +got):\n%s", diff)
	}
	w.must(w.RemoveEvents(t.Context(), left))
	if diff := cmp.Diff(map[string]int{"dynamodb:Query": 1}, w.calls(func() { w.outbox() })); diff != "" {
		t.Errorf("calls for none (-want +got):\n%s", diff)
	}
}
