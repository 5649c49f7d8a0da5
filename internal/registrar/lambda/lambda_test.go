// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package lambda

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

// fake is a registrar that fails to handle some messages.
type fake struct {
	mu     sync.Mutex
	undone []string
	slow   time.Duration
	worked []registrar.Message
	beats  int

	sending         time.Duration // how long sending events takes
	finished, swept int
}

func (f *fake) Work(ctx context.Context, m registrar.Message) bool {
	select {
	case <-time.After(f.slow):
	case <-ctx.Done():
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.worked = append(f.worked, m)
	return !slices.Contains(f.undone, m.ID)
}

func (f *fake) Beat(context.Context) error { f.beats++; return nil }

func (f *fake) FinishEvents(ctx context.Context) {
	f.finished++
	select {
	case <-time.After(f.sending):
	case <-ctx.Done():
	}
}

func (f *fake) SweepEvents(context.Context) { f.swept++ }

const batch = `{"Records":[
 {"messageId":"a","receiptHandle":"handle of a","body":"{}","attributes":{"SentTimestamp":"1700000000000"},"eventSource":"aws:sqs"},
 {"messageId":"b","receiptHandle":"handle of b","body":"{}","eventSource":"aws:sqs"}]}`

func handle(t *testing.T, h *Handler, event string) string {
	t.Helper()
	response, err := h.Handle(t.Context(), json.RawMessage(event))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOnlyUnhandledMessagesAreReported(t *testing.T) {
	f := &fake{undone: []string{"b"}}
	got := handle(t, &Handler{Registrar: f, Clock: time.Now}, batch)
	if want := `{"batchItemFailures":[{"itemIdentifier":"b"}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	slices.SortFunc(f.worked, func(a, b registrar.Message) int { return strings.Compare(a.ID, b.ID) })
	want := []registrar.Message{
		{ID: "a", Body: []byte("{}"), Receipt: "handle of a", SentAt: time.UnixMilli(1700000000000).UTC()},
		{ID: "b", Body: []byte("{}"), Receipt: "handle of b"},
	}
	if diff := cmp.Diff(want, f.worked); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	f.undone = nil
	if got, want := handle(t, &Handler{Registrar: f, Clock: time.Now}, batch), `{"batchItemFailures":[]}`; got != want {
		t.Errorf("got %s, want %s: any other response is a failure of the whole batch", got, want)
	}
}

func TestABatchEndsBeforeTheFunctionTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Handler{Registrar: &fake{slow: time.Hour}, Clock: time.Now}
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		response, err := h.Handle(ctx, json.RawMessage(batch))
		if took := time.Since(begun); err != nil || len(response.BatchItemFailures) != 2 || took != 27*time.Second {
			t.Errorf("%v, %d failures, after %s", err, len(response.BatchItemFailures), took)
		}
	})
}

func TestTheMessagesOfABatchDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		handle(t, &Handler{Registrar: &fake{slow: 10 * time.Second}, Clock: time.Now}, batch)
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("two messages of ten seconds took %s", took)
		}
	})
}

func TestAScheduleRunsTheFunctionsTasks(t *testing.T) {
	f, rounds := &fake{}, 0
	h := &Handler{Registrar: f, Clock: time.Now, Verify: func(context.Context) { rounds++ }}
	handle(t, h, `{"task":"beat"}`)
	handle(t, h, `{"task":"verify"}`)
	if f.beats != 1 || rounds != 1 {
		t.Errorf("%d heartbeats, %d rounds", f.beats, rounds)
	}
}

func TestAWorkingFunctionSendsOneHeartbeatAMinute(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	f := &fake{}
	h := &Handler{Registrar: f, Clock: func() time.Time { return now }}
	for range 10 {
		handle(t, h, batch)
		now = now.Add(20 * time.Second)
	}
	if f.beats != 4 {
		t.Errorf("%d heartbeats in three minutes", f.beats)
	}
}

func TestAnUnknownEventIsAnError(t *testing.T) {
	for _, event := range []string{`{}`, `[]`, `{"task":"dance"}`, `{"Records":[]}`} {
		if _, err := (&Handler{Registrar: &fake{}}).Handle(t.Context(), json.RawMessage(event)); err == nil {
			t.Errorf("%s is accepted", event)
		}
	}
}
