// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/events"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// eventRecorder waits for the events that are put on the hub's event bus.
type eventRecorder struct {
	*World
	mu      sync.Mutex
	heard   chan struct{} // closed and replaced after every executed call to EventBridge
	written chan struct{} // closed and replaced after every write to the registry
}

// listen gives the hub an event bus, and returns the recorder of its events.
func listen(w *World) *eventRecorder {
	w.T.Helper()
	bus, err := account.ParseEventBusARN("arn:aws:events:" + Frankfurt + ":" + sandbox.VendorAccount + ":event-bus/default")
	w.Must(err)
	record, err := w.Registry().HubAndKey(w.T.Context())
	w.Must(err)
	record.EventBus = bus
	w.Record, err = w.Registry().UpdateHub(w.T.Context(), record)
	w.Must(err)
	e := &eventRecorder{World: w, heard: make(chan struct{}), written: make(chan struct{})}
	w.Faults().After(func(c *kernel.Call) error {
		switch {
		case c.Service == "events":
			e.wake(&e.heard)
		case c.Service == "dynamodb" && !strings.Contains(c.Action, "Get") && c.Action != "Query":
			e.wake(&e.written)
		}
		return nil
	})
	return e
}

// wake closes a channel to wake its waiters, and replaces it with a new one.
func (e *eventRecorder) wake(waiters *chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(*waiters)
	*waiters = make(chan struct{})
}

// received waits until n events were put on the bus, and returns their kinds and
// details in order, with repetitions of an event next to each other.
func (e *eventRecorder) received(n int) (kinds []string, details []events.Detail) {
	e.T.Helper()
	ctx, cancel := e.untilStuck()
	defer cancel()
	for {
		e.mu.Lock()
		heard := e.heard
		e.mu.Unlock()
		all := e.Events()
		if len(all) >= n {
			return e.sorted(all)
		}
		select {
		case <-heard:
		case <-ctx.Done():
			e.T.Fatalf("%d events were sent, want %d\n%s", len(all), n, e.log)
		}
	}
}

// sorted returns the kinds and details of events in the order of their sequence
// numbers. It fails the test if an event is not one of the hub's.
func (e *eventRecorder) sorted(all []sandbox.Event) (kinds []string, details []events.Detail) {
	e.T.Helper()
	type received struct {
		kind   string
		detail events.Detail
	}
	var list []received
	for _, event := range all {
		var d events.Detail
		e.Must(json.Unmarshal(event.Detail, &d))
		if event.Source != events.Source || event.Dropped {
			e.T.Errorf("unexpected event: %+v", event)
		}
		list = append(list, received{strings.TrimPrefix(event.DetailType, "xacct Customer Role "), d})
	}
	slices.SortStableFunc(list, func(a, b received) int { return int(a.detail.Sequence - b.detail.Sequence) })
	for _, r := range list {
		kinds, details = append(kinds, r.kind), append(details, r.detail)
	}
	return kinds, details
}

// drained waits until the outbox is empty. A registrar removes an event from it
// shortly after it was put on the bus.
func (e *eventRecorder) drained() {
	e.T.Helper()
	ctx, cancel := e.untilStuck()
	defer cancel()
	for {
		e.mu.Lock()
		written := e.written
		e.mu.Unlock()
		left := 0
		e.Must(e.Registry().Outbox(e.T.Context(), e.Now().Add(time.Hour), func(events []onboarding.Event) error {
			left += len(events)
			return nil
		}))
		if left == 0 {
			return
		}
		select {
		case <-written:
		case <-ctx.Done():
			e.T.Fatalf("%d events are left\n%s", left, e.log)
		}
	}
}

func TestEveryChangeOfACustomersRoleIsAnEvent(t *testing.T) {
	t.Parallel()
	w := New(t)
	recorder := listen(w)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Connect(Virginia)
	recorder.received(1)
	c.Update(id, sandbox.UpdateOptions{TemplateURL: w.Publish(w.Template(roleV2))})
	c.Settled(id, "UPDATE_COMPLETE")
	w.Quiet()
	recorder.received(2)

	// Another process proves the role and finds it broken; the next sweep of any
	// registrar publishes the event.
	degraded, entry := onboarding.Health(c.Owned(id, onboarding.Active), onboarding.Proof{Outcome: onboarding.Refused}, w.Now())
	_, err := w.Registry().PutHealth(t.Context(), degraded, *entry)
	w.Must(err)
	w.Advance(2 * time.Minute)
	w.Registrar()
	recorder.received(3)

	c.Delete(id)
	c.Settled(id, "DELETE_COMPLETE")
	w.Quiet()
	kinds, details := recorder.received(4)
	if diff := cmp.Diff([]string{"Registered", "Updated", "Degraded", "Disconnected"}, kinds); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	recorder.drained()

	statuses := []string{"pending"}
	for i, d := range details {
		if d.CustomerID != "globex" || d.AccountID != c.Account || d.StackID != id || d.StackRegion != Virginia ||
			d.ExternalID != c.Link.ExternalID.String() || d.RoleARN != c.Link.Role(w.Record.Region.Partition()).String() || d.Sequence != int64(i+1) {
			t.Errorf("event %d is %+v", i, d)
		}
		if d.PreviousStatus != statuses[i] {
			t.Errorf("event %d has the previous status %s, want %s", i, d.PreviousStatus, statuses[i])
		}
		statuses = append(statuses, d.Status)
	}
	if want := []string{"pending", "active", "active", "degraded", "disconnected"}; !slices.Equal(statuses, want) {
		t.Errorf("the statuses are %v, want %v", statuses, want)
	}
}

func TestHoursWithoutEventBridgeDelayNothingElse(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]kernel.FaultKind{"down": kernel.FaultServerError, "throttled": kernel.FaultThrottle} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := New(t)
			recorder := listen(w)
			r := w.Registrar()
			w.Faults().Add(kernel.FaultRule{Service: "events", Kind: kind, Probability: 1})
			c := w.Invite("globex", AccountID(1))
			id := c.Connect(Frankfurt)
			w.Advance(time.Hour)
			c.Delete(id)
			c.Settled(id, "DELETE_COMPLETE")
			w.Quiet()
			c.Owned(id, onboarding.Disconnected)
			if n := len(w.Events()); n != 0 {
				t.Fatalf("%d events were sent", n)
			}
			r.Stop()

			w.Faults().Clear()
			w.Advance(5 * time.Hour)
			w.Registrar()
			kinds, _ := recorder.received(2)
			if diff := cmp.Diff([]string{"Registered", "Disconnected"}, kinds); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			recorder.drained()
		})
	}
}

func TestAnEventOfADeadRegistrarIsSentByTheNextOne(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		executed bool
		times    int
	}{
		"before EventBridge has it":                       {executed: false, times: 1},
		"after EventBridge has it, but before its answer": {executed: true, times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := New(t)
			recorder := listen(w)
			crashing := w.Registrar()
			died := false
			w.Faults().Before(func(c *kernel.Call) error {
				if c.Service != "events" || died {
					return nil
				}
				died = true
				crashing.Kill()
				if test.executed {
					return nil
				}
				return kernel.Errorf(http.StatusInternalServerError, "InternalFailure", "The registrar is dead.")
			})
			c := w.Invite("globex", AccountID(1))
			id := c.Launch(Frankfurt, sandbox.LaunchOptions{})
			c.Settled(id, "CREATE_COMPLETE")
			<-crashing.Died()
			w.Advance(2 * time.Minute)
			w.Registrar()
			w.Quiet()
			kinds, details := recorder.received(test.times)
			recorder.drained()
			c.Owned(id, onboarding.Active)
			if len(kinds) != test.times {
				t.Errorf("the events are %v, want %d times", kinds, test.times)
			}
			for _, d := range details {
				if diff := cmp.Diff(details[0], d); diff != "" {
					t.Errorf("the same event differs the second time:\n%s", diff)
				}
			}
		})
	}
}

func TestAHubWithoutAnEventBusNeverCallsEventBridge(t *testing.T) {
	t.Parallel()
	w := New(t)
	r := w.Registrar()
	w.Invite("globex", AccountID(1)).Connect(Frankfurt)
	r.Stop()
	for _, e := range w.Journal().Since(0) {
		if e.Service == "events" {
			t.Errorf("EventBridge was called: %+v", e)
		}
	}
}
