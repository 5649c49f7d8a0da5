// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

func testLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// running starts a registrar in a synctest bubble, and returns a function that stops it.
func running(t *testing.T, r *Registrar) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestPoisonMessagesDelayNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.role = func(p onboarding.Probe) onboarding.Proof {
			if p.CustomerID == "c2" {
				panic("an unexpected role")
			}
			return onboarding.Proof{Outcome: onboarding.Proven}
		}
		f.queue = []Message{
			{ID: "rubbish", Body: []byte("rubbish")},
			{ID: "panics", Body: f.request("Create", "s2", "r2", "c2", nil)},
			{ID: "genuine", Body: f.request("Create", "s1", "r1", "c1", nil)},
			{ID: "unknown", Body: f.request("Delete", "s3", "r3", "unknown", nil)},
		}
		stop := running(t, f.registrar())
		time.Sleep(5 * time.Second)
		stop()
		if got := f.registration(t, "c1"); got.Status != onboarding.Active {
			t.Errorf("the genuine request: %+v", got)
		}
		if len(f.accepted["r3"]) != 1 || len(f.deadLetters) != 1 {
			t.Errorf("%d answers to the unknown customer, dead letters %v", len(f.accepted["r3"]), f.deadLetters)
		}
		if len(f.queue) != 1 || f.queue[0].ID != "panics" {
			t.Errorf("left in the queue: %v", f.queue)
		}
	})
}

func TestSlowRolesDelayNoDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		for i := range 30 {
			id := fmt.Sprintf("slow%d", i)
			f.links[id] = testLink(id)
			f.queue = append(f.queue, Message{ID: id, Body: f.request("Create", id, id, id, nil)})
		}
		f.queue = append(f.queue, Message{ID: "delete", Body: f.request("Delete", "s", "delete", "c1", nil)})
		f.role = func(onboarding.Probe) onboarding.Proof {
			time.Sleep(30 * time.Second)
			return onboarding.Proof{Outcome: onboarding.Proven}
		}
		stop := running(t, f.registrar())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		f.mu.Lock()
		answers := len(f.accepted["delete"])
		f.mu.Unlock()
		if answers != 1 {
			t.Error("the Delete waits behind thirty slow roles")
		}
		stop()
	})
}

func TestDeletesOfABatchAreHandledFirst(t *testing.T) {
	f := newFake(t)
	batch := []Message{
		{ID: "create", Body: f.request("Create", "s1", "r1", "c1", nil)},
		{ID: "delete", Body: f.request("Delete", "s2", "r2", "c1", nil)},
		{ID: "update", Body: f.request("Update", "s3", "r3", "c1", nil)},
	}
	slices.SortStableFunc(batch, deletesFirst)
	if batch[0].ID != "delete" || batch[1].ID != "create" || batch[2].ID != "update" {
		t.Errorf("the order is %s, %s, %s", batch[0].ID, batch[1].ID, batch[2].ID)
	}
}

func TestStoppingFinishesRequestsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.role = func(onboarding.Probe) onboarding.Proof {
			time.Sleep(10 * time.Second)
			return onboarding.Proof{Outcome: onboarding.Proven}
		}
		f.queue = []Message{{ID: "m", Body: f.request("Create", "s1", "r1", "c1", nil)}}
		stop := running(t, f.registrar())
		time.Sleep(time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("stopping took %s", took)
		}
		if f.registration(t, "c1").Status != onboarding.Active || len(f.queue) != 0 {
			t.Error("the request in flight was not finished")
		}
	})
}

func TestStoppingRequeuesMessagesThatWereNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.role = func(onboarding.Probe) onboarding.Proof {
			time.Sleep(10 * time.Second)
			return onboarding.Proof{Outcome: onboarding.Proven}
		}
		r := f.registrar(func(c *Config) { c.Concurrency = 1 })
		f.queue = []Message{
			{ID: "begun", Body: f.request("Create", "s1", "r1", "c1", nil)},
			{ID: "waiting", Body: f.request("Create", "s2", "r2", "c2", nil)},
		}
		stop := running(t, r)
		time.Sleep(time.Second)
		stop()
		if len(f.queue) != 1 || f.queue[0].ID != "waiting" || time.Now().Before(f.taken["waiting"]) {
			t.Errorf("left in the queue: %d messages", len(f.queue))
		}
	})
}

func TestStoppingWaitsForALimitedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		r := f.registrar(func(c *Config) { c.Prover = stubborn{} })
		f.queue = []Message{{ID: "m", Body: f.request("Create", "s1", "r1", "c1", nil)}}
		stop := running(t, r)
		time.Sleep(time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took > r.config.StopLimit+time.Second {
			t.Errorf("stopping took %s", took)
		}
		if len(f.queue) != 1 {
			t.Error("a message that was not handled was deleted")
		}
	})
}

// stubborn is a prover whose proofs last until their context ends.
type stubborn struct{}

func (stubborn) Prove(ctx context.Context, _ onboarding.Probe) onboarding.Proof {
	<-ctx.Done()
	return onboarding.Proof{Outcome: onboarding.Inconclusive, Err: ctx.Err()}
}

func TestARegistrarSendsAHeartbeatEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		stop := running(t, f.registrar())
		time.Sleep(5*time.Minute + time.Second)
		stop()
		if f.beats != 6 {
			t.Errorf("%d heartbeats in five minutes, want 6 with the first", f.beats)
		}
	})
}

func TestAFailingReceiveIsRetriedWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &broken{fake: newFake(t)}
		r := q.fake.registrar(func(c *Config) { c.Queue = q })
		stop := running(t, r)
		time.Sleep(5 * time.Minute)
		stop()
		if q.received < 10 || q.received > 40 {
			t.Errorf("received %d times in five minutes", q.received)
		}
	})
}

type broken struct {
	*fake
	received int
}

func (q *broken) Receive(context.Context, int) ([]Message, error) {
	q.received++
	return nil, errNetwork
}

func TestJitterNeverShortensAPause(t *testing.T) {
	r := newFake(t).registrar()
	seen := map[time.Duration]bool{}
	for range 50 {
		d := r.jitter(10 * time.Second)
		if d < 10*time.Second || d > 12500*time.Millisecond {
			t.Fatalf("10s became %s", d)
		}
		seen[d] = true
	}
	if len(seen) < 5 {
		t.Errorf("only %d different pauses", len(seen))
	}
}

func TestGiveUpEndsARegistrarOnlyBeforeItsFirstReceive(t *testing.T) {
	for _, worked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			q := &flaky{fake: newFake(t), works: worked}
			r := q.fake.registrar(func(c *Config) {
				c.Queue, c.GiveUp = q, func(err error) bool { return errors.Is(err, errNetwork) }
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := r.Run(ctx); errors.Is(err, errNetwork) == worked {
				t.Errorf("received before: %v; ended with %v", worked, err)
			}
		})
	}
}

// flaky receives at most once.
type flaky struct {
	*fake
	works bool
}

func (q *flaky) Receive(context.Context, int) ([]Message, error) {
	if q.works {
		q.works = false
		return nil, nil
	}
	return nil, errNetwork
}
