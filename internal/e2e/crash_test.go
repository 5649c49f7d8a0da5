// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// story is one request during which a registrar is killed: the steps before it, the
// step that sends it, and the expected result.
type story struct {
	prepare func(c *Customer) (stackID string) // with a registrar that is not killed
	send    func(c *Customer, stackID string) string
	stack   string // its expected status
	role    onboarding.RegistrationStatus
	history []onboarding.Outcome
	answers int // to all requests of the stack
}

var stories = map[string]story{
	"Create": {
		prepare: func(*Customer) string { return "" },
		send:    func(c *Customer, _ string) string { return c.Launch(Frankfurt, sandbox.LaunchOptions{}) },
		stack:   "CREATE_COMPLETE",
		role:    onboarding.Active,
		history: []onboarding.Outcome{onboarding.OutcomeRegistered},
		answers: 1,
	},
	"Update": {
		prepare: func(c *Customer) string { return c.Connect(Virginia) },
		send: func(c *Customer, id string) string {
			c.Update(id, sandbox.UpdateOptions{TemplateURL: c.Publish(c.Template(roleV2))})
			return id
		},
		stack:   "UPDATE_COMPLETE",
		role:    onboarding.Active,
		history: []onboarding.Outcome{onboarding.OutcomeRegistered, onboarding.OutcomeUpdated},
		answers: 2,
	},
	"Rotation": {
		prepare: func(c *Customer) string {
			id := c.Connect(Frankfurt)
			c.Rotate(2)
			return id
		},
		send: func(c *Customer, id string) string {
			c.Update(id, sandbox.UpdateOptions{Parameters: c.Rotated()})
			return id
		},
		stack:   "UPDATE_COMPLETE",
		role:    onboarding.Active,
		history: []onboarding.Outcome{onboarding.OutcomeRegistered, onboarding.OutcomeUpdated},
		answers: 2,
	},
	"Delete": {
		prepare: func(c *Customer) string { return c.Connect(Frankfurt) },
		send: func(c *Customer, id string) string {
			c.Delete(id)
			return id
		},
		stack:   "DELETE_COMPLETE",
		role:    onboarding.Disconnected,
		history: []onboarding.Outcome{onboarding.OutcomeRegistered, onboarding.OutcomeDisconnected},
		answers: 2,
	},
}

// TestARegistrarMayDieAtEveryCall kills the registrar right before and right after
// each call that the handling of one request makes, one run for each, until a run
// completes. Another registrar takes over, and the result is the same.
func TestARegistrarMayDieAtEveryCall(t *testing.T) {
	t.Parallel()
	for name, s := range stories {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/after=%t", name, after), func(t *testing.T) {
				t.Parallel()
				w := New(t)
				n := 1 // the receive
				if !after {
					n = 2 // before it there is no message to lose
				}
				for ; s.survives(t, w, n, after); n++ {
					if n > 100 {
						t.Fatal("it never completes")
					}
				}
				// Receive, read, store the answer, send it, commit, delete the
				// message: no request takes fewer calls.
				if n < 7 {
					t.Errorf("the registrar died only %d times", n-1)
				}
			})
		}
	}
}

// survives runs the story once with a registrar that is killed at its n-th call. It
// returns false if there was no such call.
func (s story) survives(t *testing.T, w *World, n int, after bool) bool {
	t.Helper()
	c := w.Invite(fmt.Sprintf("customer-%d", n), AccountID(n))
	healthy := w.Registrar()
	id := s.prepare(c)
	healthy.Stop()

	crashing := w.Registrar(DiesAt(func(call int, is bool) bool { return call == n && is == after }))
	id = s.send(c, id)
	died := false
	select {
	case <-crashing.Died():
		died = true
	case <-crashing.Done():
		crashing.Stop()
	}
	heir := w.Registrar()
	c.Settled(id, s.stack)
	w.Quiet()
	heir.Stop()

	c.Owned(id, s.role)
	if got := c.Happened(); !slices.Equal(got, s.history) {
		t.Errorf("killed at call %d (after: %t) the history is %v, not %v\n%s", n, after, got, s.history, w.log)
	}
	if got := w.Answers(id); len(got) != s.answers || slices.ContainsFunc(got, func(a Answer) bool { return a.Status != "SUCCESS" }) {
		t.Errorf("killed at call %d (after: %t) the answers are %+v\n%s", n, after, got, w.log)
	}
	return died && !t.Failed()
}

// TestAnAnswerThatArrivedBeforeACrashCountsHoursLater kills the registrar right after
// its answer has arrived, and starts the next one after the response URL has expired.
// A Create is committed if its role is proven, a Delete if another customer's role
// can be assumed and this one's can't.
func TestAnAnswerThatArrivedBeforeACrashCountsHoursLater(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Create", "Delete"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, w := stories[name], New(t)
			c, witness := w.Invite("globex", AccountID(1)), w.Invite("initech", AccountID(2))
			healthy := w.Registrar()
			witness.Connect(Frankfurt)
			id := s.prepare(c)
			healthy.Stop()

			var crashing *Registrar
			answered := false
			crashing = w.Registrar(DiesAt(func(_ int, after bool) bool {
				sent := crashing.Sent()
				if after && len(sent) > 0 {
					last := sent[len(sent)-1]
					answered = answered || last.Action == "" && last.Method == http.MethodPut
				}
				return after && answered
			}))
			id = s.send(c, id)
			<-crashing.Died()
			c.Settled(id, s.stack)
			w.Advance(3 * time.Hour)
			w.Registrar()
			w.Quiet()
			w.Must(w.Prove())
			c.Owned(id, s.role)
			if log := w.log.String(); !strings.Contains(log, "globex") {
				t.Errorf("nothing was logged: %s", log)
			}
		})
	}
}

// TestTheStoredAnswerIsSentEvenIfTheLinkHasChanged kills the registrar after it has
// stored its answer and before it sends it; meanwhile the vendor changes the link.
func TestTheStoredAnswerIsSentEvenIfTheLinkHasChanged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		closedBefore bool
		stack        string
	}{
		"a link that is opened again": {true, "ROLLBACK_COMPLETE"},
		"a link that is closed":       {false, "CREATE_COMPLETE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := New(t)
			c := w.Invite("globex", AccountID(1), func(l *onboarding.Link) { l.Closed = test.closedBefore })
			var crashing *Registrar
			crashing = w.Registrar(DiesAt(func(_ int, after bool) bool {
				return after && slices.ContainsFunc(crashing.Sent(), func(e Exchange) bool { return e.Action == "dynamodb:TransactWriteItems" })
			}))
			id := c.Launch(Frankfurt, sandbox.LaunchOptions{})
			<-crashing.Died()
			if got := w.Answers(id); len(got) > 0 {
				t.Fatalf("an answer was sent already: %+v", got)
			}
			c.Change(func(l *onboarding.Link) { l.Closed = !test.closedBefore })
			w.Registrar()
			c.Settled(id, test.stack)
			w.Quiet()
			if test.closedBefore {
				w.Reads(id, "Acme has closed the link that this stack was created from.")
				c.Unknown()
				return
			}
			c.Owned(id, onboarding.Active)
		})
	}
}
