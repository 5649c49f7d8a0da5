// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// heard records an observer's calls in order.
type heard struct {
	noObserver

	f     *fake
	lines []string
}

func (h *heard) hear(format string, args ...any) {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

func (h *heard) Received(batch []Message) {
	if len(batch) > 0 {
		h.hear("received %d", len(batch))
	}
}
func (h *heard) Decided(_ phonehome.Request, o onboarding.Outcome) { h.hear("decided %s", o) }
func (h *heard) Answered(r phonehome.Request, s phonehome.Status, _ time.Time) {
	h.hear("answered %s %s", r.Type, s)
}

func (h *heard) Refused(r phonehome.Request, why onboarding.Delivery) {
	h.hear("refused %s %s", r.Type, why)
}
func (h *heard) Finished(m Message, d Disposition) { h.hear("finished %s %s", m.ID, d.Action) }

func TestAnObserverIsCalledForEachStep(t *testing.T) {
	for name, c := range map[string]struct {
		body func(*fake) []byte
		want []string
	}{
		"a Create": {
			func(f *fake) []byte { return f.request("Create", "s1", "r1", "c1", nil) },
			[]string{"received 1", "decided registered", "answered Create SUCCESS", "finished m done"},
		},
		"a forgery": {
			func(*fake) []byte { return forgery("Delete", "s1", "r1", "c1", nil) },
			[]string{"received 1", "decided tombstone", "refused Delete forged", "finished m done"},
		},
		"rubbish": {
			func(*fake) []byte { return []byte("rubbish") },
			[]string{"received 1", "finished m dead_letter"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				h := &heard{f: f}
				f.queue = []Message{{ID: "m", Body: c.body(f)}}
				stop := running(t, f.registrar(func(c *Config) { c.Observer = h }))
				time.Sleep(time.Second)
				stop()
				if !slices.Equal(h.lines, c.want) {
					t.Errorf("observed %q", h.lines)
				}
			})
		})
	}
}

func TestAMessageThatCannotBeADeadLetterIsReceivedAgain(t *testing.T) {
	f := newFake(t)
	r := f.registrar(func(c *Config) { c.Queue = unputting{f} })
	if done := r.Work(t.Context(), Message{ID: "m", Body: []byte("rubbish")}); done {
		t.Error("the message would be deleted without being a dead letter")
	}
	if done := r.Work(t.Context(), Message{ID: "m", Body: f.request("Create", "s1", "r1", "c1", nil)}); !done {
		t.Error("a message that was handled is not done")
	}
}

// unputting is a queue that fails to requeue messages and to move them to the dead letters.
type unputting struct{ *fake }

func (unputting) SendToDeadLetters(context.Context, Message, string) error { return errNetwork }
func (unputting) ChangeVisibility(context.Context, Message, time.Duration) error {
	return errNetwork
}

func TestAnAcceptedAnswerIsNotSentAgainIfItsCommitFails(t *testing.T) {
	f := newFake(t)
	r, body := f.registrar(), f.request("Create", "s1", "r1", "c1", nil)
	f.step = func(step string) {
		if step == "before commit" {
			f.mu.Lock()
			f.down = errors.New("dynamodb is unavailable")
			f.mu.Unlock()
		}
	}
	if d := r.Handle(t.Context(), body); d.Action != Retry || len(f.accepted["r1"]) != 1 {
		t.Fatalf("%+v, %d answers", d, len(f.accepted["r1"]))
	}
	f.step, f.down = func(string) {}, nil
	f.bucket = func(phonehome.Response) error { return refusalOf(403, s3Says("AccessDenied", "Request has expired")) }
	if d := r.Handle(t.Context(), body); d.Action != Done || len(f.tried) != 1 || len(f.regs) != 1 {
		t.Errorf("%+v, %d tries, %d registrations", d, len(f.tried), len(f.regs))
	}
	if len(r.accepted.responses) != 0 {
		t.Error("the accepted answer is never forgotten")
	}
}

func TestASignatureIsVerifiedOnceForEachReceive(t *testing.T) {
	f := newFake(t)
	checked := 0
	f.sign = func([]byte) error { checked++; return nil }
	f.registrar().Handle(t.Context(), f.request("Create", "s1", "r1", "c1", nil)) // handling starts again after the proof
	if checked != 1 {
		t.Errorf("it was verified %d times", checked)
	}
}

func TestAnOpenRoleEndsTheRunOfRefusals(t *testing.T) {
	f, seen := newFake(t), &proofsSeen{}
	r := f.registrar(func(c *Config) { c.Observer = seen })
	f.now = noon.Add(3 * time.Minute)
	for i, outcome := range []onboarding.ProofOutcome{onboarding.Refused, onboarding.Open} {
		f.role = func(onboarding.Probe) onboarding.Proof {
			return onboarding.Proof{Outcome: outcome, Weakness: "without an external ID"}
		}
		r.Handle(t.Context(), f.request("Create", fmt.Sprint("s", i), fmt.Sprint("r", i), "c1", nil))
		if want := 1 - i; seen.refusedInARow != want {
			t.Errorf("after a role that is %s: %d in a row, want %d", outcome, seen.refusedInARow, want)
		}
	}
}

func TestEventsAreSweptWhileARegistrarRunsAndAwaitedAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, events := newFake(t), &countedEvents{}
		stop := running(t, f.registrar(func(c *Config) { c.Events = events }))
		time.Sleep(150 * time.Second)
		stop()
		if events.swept != 3 || events.waited != 1 {
			t.Errorf("swept %d times, and waited for %d times", events.swept, events.waited)
		}
	})
}

type countedEvents struct {
	noEvents

	swept, waited int
}

func (e *countedEvents) Sweep(context.Context, time.Duration) error { e.swept++; return nil }
func (e *countedEvents) Wait(context.Context)                       { e.waited++ }

func TestOptionsHaveDefaults(t *testing.T) {
	c := Config{}.withDefaults()
	if c.Clock == nil || c.Random == nil || c.Logger == nil || c.Observer == nil || c.Events == nil || c.OnCommit == nil ||
		c.Concurrency != 16 || c.StopLimit != 20*time.Second || !strings.HasPrefix(c.ID, "registrar-") {
		t.Errorf("got %+v", c)
	}
	if c := (Config{ID: "one", StopLimit: time.Minute, Concurrency: 3}).withDefaults(); c.ID != "one" || c.StopLimit != time.Minute || c.Concurrency != 3 {
		t.Errorf("the given options are not kept: %+v", c)
	}
}
