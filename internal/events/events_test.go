// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

func TestACommittedEventIsSentAndRemovedFromTheOutbox(t *testing.T) {
	w := newWorld(t)
	w.Committed(onboarding.Hub{EventBus: w.bus}, w.stored(1))
	w.settle()
	if diff := cmp.Diff([][]string{{"e01"}}, w.sent()); diff != "" || len(w.left()) != 0 {
		t.Errorf("left %v, sent (-want +got):\n%s", w.left(), diff)
	}
}

func TestACommitNeverWaitsForEventBridge(t *testing.T) {
	w := newWorld(t)
	w.stuck = make(chan struct{})
	for n := 1; n <= 25; n++ {
		w.Committed(onboarding.Hub{EventBus: w.bus}, w.stored(n)) // the test hangs if it does not return
	}
	close(w.stuck)
	w.settle()
	calls := w.sent()
	total := 0
	for _, call := range calls {
		total += len(call)
		if len(call) > maxBatch {
			t.Errorf("one call has %d events", len(call))
		}
	}
	if total != 25 || len(calls) > 4 || len(w.left()) != 0 {
		t.Errorf("of 25 events %d were sent in %d calls, and %d are left", total, len(calls), len(w.left()))
	}
}

func TestTheNumberOfEventsInMemoryIsLimited(t *testing.T) {
	w := newWorld(t)
	w.stuck = make(chan struct{})
	const all = maxWaiting + 500
	for n := range all {
		w.Committed(onboarding.Hub{EventBus: w.bus}, w.stored(n))
	}
	close(w.stuck)
	w.settle()
	left := len(w.left())
	if left < 400 {
		t.Errorf("%d of %d events are left for a sweep", left, all)
	}
	w.advance(time.Hour)
	if err := w.Sweep(t.Context(), time.Minute); err != nil || len(w.left()) != 0 {
		t.Errorf("after the sweep %d are left: %v", len(w.left()), err)
	}
}

func TestCommitsRarelyTryAnUnavailableEventBridge(t *testing.T) {
	w := newWorld(t)
	w.down = errDown
	for n := 1; n <= 5; n++ {
		w.Committed(onboarding.Hub{EventBus: w.bus}, w.stored(n))
		w.settle()
	}
	if calls := w.sent(); len(calls) != 1 || len(w.left()) != 5 {
		t.Errorf("it was tried %d times, and %d events are kept", len(calls), len(w.left()))
	}
	w.advance(minBackoff)
	w.down = nil
	w.Committed(onboarding.Hub{EventBus: w.bus}, w.stored(6))
	w.settle()
	if diff := cmp.Diff([]string{"e01", "e02", "e03", "e04", "e05"}, w.left()); diff != "" {
		t.Errorf("left for the sweep (-want +got):\n%s", diff)
	}
	w.advance(time.Minute)
	if err := w.Sweep(t.Context(), time.Minute); err != nil || len(w.left()) != 0 {
		t.Errorf("after the sweep %v are left: %v", w.left(), err)
	}
}

func TestASweepStopsIfEventBridgeIsUnavailable(t *testing.T) {
	for name, trouble := range map[string]func(w *world){
		"down":      func(w *world) { w.down = errDown },
		"throttles": func(w *world) { w.put = func(onboarding.Event) string { return "ThrottlingException" } },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for n := range 50 {
				w.stored(n)
			}
			w.advance(time.Hour)
			trouble(w)
			if err := w.Sweep(t.Context(), time.Minute); err == nil || len(w.sent()) != 1 || len(w.left()) != 50 {
				t.Errorf("%d calls, %d events kept: %v", len(w.sent()), len(w.left()), err)
			}
		})
	}
}

func TestARefusedEventIsKeptAndDelaysNoOther(t *testing.T) {
	w := newWorld(t)
	bad := "e03"
	w.put = func(e onboarding.Event) string {
		if e.ID == bad {
			return "InvalidArgument"
		}
		return ""
	}
	for n := range 30 {
		w.stored(n)
	}
	w.advance(time.Hour)
	err := w.Sweep(t.Context(), time.Minute)
	if err == nil || !strings.Contains(err.Error(), bad) || !strings.Contains(err.Error(), "InvalidArgument") || !strings.Contains(err.Error(), "globex") {
		t.Errorf("the error does not name the refused event: %v", err)
	}
	if diff := cmp.Diff([]string{bad}, w.left()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	w.Committed(onboarding.Hub{EventBus: w.bus}, w.stored(40))
	w.settle()
	if diff := cmp.Diff([]string{bad}, w.left()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestOnlyRefusedEventsAreSentAgain(t *testing.T) {
	w := newWorld(t)
	first := true
	w.put = func(e onboarding.Event) string {
		if e.ID == "e02" && first {
			first = false
			return "InternalFailure"
		}
		return ""
	}
	for n := 1; n <= 3; n++ {
		w.stored(n)
	}
	w.advance(time.Hour)
	if err := w.Sweep(t.Context(), time.Minute); err == nil {
		t.Error("a refused event gives no error")
	}
	if err := w.Sweep(t.Context(), time.Minute); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([][]string{{"e01", "e02", "e03"}, {"e02"}}, w.sent()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestARepeatedEventHasTheSameDetail(t *testing.T) {
	w := newWorld(t)
	w.broken = errors.New("the registry is down") // EventBridge accepts the event, but its removal fails
	w.Committed(onboarding.Hub{EventBus: w.bus}, w.stored(1))
	w.settle()
	w.broken = nil
	w.advance(time.Hour)
	if err := w.Sweep(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	twice := w.took["e01"]
	if len(twice) != 2 {
		t.Fatalf("sent %d times", len(twice))
	}
	if diff := cmp.Diff(*twice[0].Detail, *twice[1].Detail); diff != "" {
		t.Errorf("the two differ (-first +second):\n%s", diff)
	}
}

func TestASweepSendsOnlyEventsOfSufficientAge(t *testing.T) {
	w := newWorld(t)
	w.stored(1)
	w.advance(time.Minute + time.Second)
	w.stored(2)
	if err := w.Sweep(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"e02"}, w.left()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestAHubWithoutABusSendsNothing(t *testing.T) {
	w := newWorld(t)
	w.stored(1)
	w.advance(time.Hour)
	w.bus = account.EventBusARN{}
	if err := w.Sweep(t.Context(), 0); err != nil || len(w.sent()) != 0 || len(w.left()) != 1 {
		t.Errorf("%v, sent %v", err, w.sent())
	}
}

func TestAnOldEventIsLeftToASweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.stored(1)
	w.advance(maxDirectAge + time.Second)
	w.Committed(onboarding.Hub{EventBus: w.bus}, old)
	w.Committed(onboarding.Hub{EventBus: w.bus}, w.stored(2))
	w.settle()
	if got := w.left(); !slices.Equal(got, []string{"e01"}) {
		t.Errorf("left %v", got)
	}
	w.advance(SweepAge)
	if err := w.Sweep(t.Context(), SweepAge); err != nil || len(w.left()) != 0 {
		t.Errorf("left %v: %v", w.left(), err)
	}
}
