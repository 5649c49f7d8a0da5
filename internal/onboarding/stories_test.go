// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"pgregory.net/rapid"
)

// Random stories test the rules: actions of customers, reactions of CloudFormation, forged
// messages, messages that the queue repeats and reorders, and registrars that die at any step.
func TestNoInterleavingBreaksAPromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t.Fatalf)
		w.oldIsUndone = rapid.Bool().Draw(t, "a rollback's old properties are those that it undoes")
		t.Repeat(actions(t, w, "c1", "c2", "c3"))
		w.settleDown()
		w.confirm()
		w.checkEnd()
	})
}

// The stories have only two accounts that want the same link, because in larger stories they
// rarely meet.
func TestALinkForAnyoneIsNeverBoundToTwoAccounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t.Fatalf)
		t.Repeat(actions(t, w, "c3"))
		w.settleDown()
		w.confirm()
		w.checkEnd()
	})
}

// The stories have only the updates of one connected stack, because failures need more steps
// than larger stories have for it.
func TestNoRollbackIsEverAnsweredFailed(t *testing.T) {
	told := []string{
		"", "update", "update to what was before", "fail elsewhere", "open or unsettle a role", "block or unblock a customer",
		"receive", "receive again", "step", "step on", "finish", "crash", "wait", "wait long",
	}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t.Fatalf)
		w.oldIsUndone = rapid.Bool().Draw(t, "a rollback's old properties are those that it undoes")
		w.launch("c1", w.links["c1"].Account.String())
		w.settleDown()
		all := actions(t, w, "c1", "c2")
		maps.DeleteFunc(all, func(name string, _ func(*rapid.T)) bool { return !slices.Contains(told, name) })
		t.Repeat(all)
		w.settleDown()
		w.confirm()
		w.checkEnd()
	})
}

// actions returns the possible next events for some customers.
func actions(t *rapid.T, w *world, customers ...string) map[string]func(*rapid.T) {
	pick := func(n int, what string) int { return rapid.IntRange(0, n-1).Draw(t, what) }
	some := func() *realStack {
		if len(w.real) == 0 {
			t.Skip("no stack yet")
		}
		return w.real[pick(len(w.real), "stack")]
	}
	work := func(steps func(*worker)) {
		if len(w.workers) == 0 {
			t.Skip("no registrar is working")
		}
		i := pick(len(w.workers), "worker")
		k := w.workers[i]
		steps(k)
		if k.step == nil {
			w.workers = append(w.workers[:i], w.workers[i+1:]...)
		}
	}
	begin := func(t *rapid.T) {
		if len(w.queue) == 0 {
			t.Skip("no message yet")
		}
		w.workers = append(w.workers, &worker{m: w.queue[pick(len(w.queue), "message")], step: decide})
	}
	customer := func() string { return rapid.SampledFrom(customers).Draw(t, "customer") }
	oneStep := func(*rapid.T) { work(func(k *worker) { k.step(k, w) }) }
	allSteps := func(*rapid.T) {
		work(func(k *worker) {
			for k.step != nil {
				k.step(k, w)
			}
		})
	}
	return map[string]func(*rapid.T){
		"": func(*rapid.T) {},
		"launch": func(t *rapid.T) {
			c := customer()
			w.launch(c, w.somewhere(t, c))
		},
		"race for a link": func(t *rapid.T) {
			c := customer()
			if w.links[c].Scope != ScopeAnyone {
				t.Skip("the link is for one account")
			}
			for _, in := range racers {
				before := len(w.queue)
				w.launch(c, in)
				for _, m := range w.queue[before:] {
					w.workers = append(w.workers, &worker{m: m, step: decide})
				}
			}
		},
		"launch in the wrong account": func(*rapid.T) { w.launch(customer(), strangers) },
		"update":                      func(*rapid.T) { w.change(some(), w.next()) },
		"update to what was before": func(*rapid.T) {
			if s := some(); len(s.versions) > 0 {
				w.change(s, s.versions[pick(len(s.versions), "version")])
			}
		},
		"delete":         func(*rapid.T) { w.remove(some()) },
		"fail elsewhere": func(*rapid.T) { w.failElsewhere(some()) },
		"force away":     func(*rapid.T) { w.forceAway(some()) },
		"open or unsettle a role": func(t *rapid.T) {
			if role := w.roles[some().role]; role != nil {
				role.open, role.unsettled = rapid.Bool().Draw(t, "open"), rapid.Bool().Draw(t, "unsettled")
			}
		},
		"close or open a link": func(*rapid.T) {
			link := w.links[customer()]
			link.Closed, link.ClosedAt = !link.Closed, w.now
			link.Revision++
		},
		"block or unblock a customer": func(*rapid.T) {
			link := w.links[customer()]
			link.Blocked, link.BlockedAt = !link.Blocked, w.now
			link.Revision++
		},
		"rename the link's role": func(*rapid.T) {
			link := w.links[customer()]
			link.RoleName = "acme-" + w.next()
			link.Revision++
		},
		"forge":   func(t *rapid.T) { w.forge(t, customer()) },
		"receive": begin, "receive again": begin, "receive once more": begin,
		"step": oneStep, "step on": oneStep, "finish": allSteps, "finish too": allSteps,
		"look at all roles":       func(*rapid.T) { w.look() },
		"shut or open the bucket": func(*rapid.T) { w.shut = !w.shut },
		"crash":                   func(*rapid.T) { work(func(k *worker) { k.step = nil }) },
		"wait":                    func(t *rapid.T) { w.pass(time.Duration(rapid.IntRange(1, 200).Draw(t, "seconds")) * time.Second) },
		"wait long": func(t *rapid.T) {
			w.pass(time.Duration(rapid.IntRange(5, 150).Draw(t, "minutes")) * time.Minute)
		},
	}
}

// racers are the accounts that use the same link for anyone.
var racers = []string{"555555555555", "666666666666"}

// somewhere returns an account that may use the customer's link.
func (w *world) somewhere(t *rapid.T, customer string) string {
	if w.links[customer].Scope == ScopeAnyone {
		return rapid.SampledFrom(racers).Draw(t, "account")
	}
	return w.links[customer].Account.String()
}

// forge sends a message that any publisher can send: all identifiers are right, but the
// response URL has no valid signature.
func (w *world) forge(t *rapid.T, customer string) {
	stack := stackIn(w.somewhere(t, customer), w.next())
	if len(w.real) > 0 && rapid.Bool().Draw(t, "of a true stack") {
		stack = w.real[rapid.IntRange(0, len(w.real)-1).Draw(t, "stack")].id
	}
	r := testRequest(rapid.SampledFrom([]phonehome.RequestType{phonehome.Create, phonehome.Update, phonehome.Delete}).Draw(t, "type"), stack)
	r.SentAt, r.RequestID = w.now, w.next()
	r.Timeout = rapid.SampledFrom([]time.Duration{time.Second, 15 * time.Minute}).Draw(t, "timeout")
	r.Properties.ExternalID = w.links[customer].ExternalID.String()
	r.Properties.RoleARN = roleIn(stack.Account.String(), w.links[customer].RoleName).String()
	for _, s := range w.real {
		if s.id == stack && s.physicalID != "" && r.Type != phonehome.Create {
			r.PhysicalID = s.physicalID
		}
	}
	refused := rapid.SampledFrom([]Delivery{Forged, Forged, Expired, Undecided}).Draw(t, "what the bucket says")
	w.queue = append(w.queue, &message{request: r, refused: refused})
}
