// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// worker is a registrar that handles one message. Workers proceed step by step, in any order,
// and may die between two steps.
type worker struct {
	m        *message
	step     func(*worker, *world) // the next step; nil if finished
	snapshot Snapshot
	answer   Answer
	blocked  bool // whether the customer was blocked when this worker decided
	delivery Delivery
}

func (w *world) load(r phonehome.Request) Snapshot {
	s := Snapshot{Hub: testHub(), Stack: Stack{ID: r.Stack}}
	if stored, ok := w.stacks[r.Stack]; ok {
		s.Stack = stored
	}
	if a, ok := w.answers[key(r.Stack, r.LogicalID, r.RequestID)]; ok {
		s.Answer = &a
	}
	s.Promised = w.promised[promise(r.Stack, r.LogicalID, r.Properties)]
	s.PromisedBefore = r.Type == phonehome.Update && w.promised[promise(r.Stack, r.LogicalID, r.OldProperties)]
	for customer, link := range w.links {
		if s.Stack.CustomerID == customer || s.Stack.CustomerID == "" && link.ExternalID.String() == r.Properties.ExternalID {
			l := *link
			s.Link = &l
			if reg, ok := w.regs[customer+"/"+r.Stack.Account.String()]; ok {
				s.Registration = &reg
			}
		}
	}
	return s
}

// decide only loads. The next step decides, on a snapshot that may be outdated by then.
func decide(k *worker, w *world) {
	k.snapshot = w.load(k.m.request)
	k.step = store
}

func store(k *worker, w *world) {
	c := Case{Snapshot: k.snapshot, Request: k.m.request}
	prove := w.assume
	if link := c.Link; link != nil && link.Blocked {
		prove = func(p Probe) Proof {
			w.fail("role %s of a blocked customer is about to be proven", p.Role)
			return Proof{}
		}
	}
	d := proving(c, w.now, func(p Probe) Proof {
		// A rival whose role is refused for a moment is superseded forever.
		if r := w.roles[p.Role]; r != nil && r.unsettled && r.of != k.m.request.Stack {
			w.poisoned[p.CustomerID] = true
		}
		return prove(p)
	})
	if d.Kind == DecideLater {
		k.step = nil
		return
	}
	name := key(k.m.request.Stack, k.m.request.LogicalID, k.m.request.RequestID)
	if stored, ok := w.answers[name]; ok {
		d.Answer = stored
	} else {
		if w.stacks[k.m.request.Stack].Revision != k.snapshot.Stack.Revision {
			k.step = decide
			return
		}
		if d.Answer.Change.Binds {
			link := w.links[c.Link.CustomerID]
			if link.Revision != c.Link.Revision {
				k.step = decide
				return
			}
			*link = link.Reserve(d.Answer)
			link.Revision++
		}
		w.answers[name] = d.Answer
		if d.Answer.Promises() {
			w.promised[promise(d.Answer.Stack, d.Answer.LogicalID, d.Answer.Change.Properties)] = true
		}
		k.blocked = c.Link != nil && c.Link.Blocked
	}
	k.answer, k.step = d.Answer, send
}

func send(k *worker, w *world) {
	k.delivery = w.put(k.m, k.answer.Response)
	k.step = settle
	if k.answer.State == AnswerCommitted {
		k.m.done, k.step = true, nil
	}
}

func settle(k *worker, w *world) {
	k.snapshot = w.load(k.m.request)
	s := k.snapshot
	s.Answer = &k.answer
	c := Case{Snapshot: s, Request: k.m.request, Proofs: map[account.RoleARN]Proof{}}
	d := Settle(c, k.delivery, w.now)
	if d.Kind == DecideProve {
		role := d.Probe.Role
		c.Proofs[role] = w.assume(d.Probe)
		d = Settle(c, k.delivery, w.now)
		// A role that is open or unsettled at the moment, or belongs to another stack by now,
		// misleads the rule.
		if r := w.roles[role]; r != nil && (r.open || r.unsettled || r.of != k.m.request.Stack) {
			w.poisoned[k.answer.Change.CustomerID] = true
		}
	}
	switch d.Kind {
	case DecideCommit:
		k.answer, k.step = d.Answer, persist
		return
	case DecideLater:
		k.step = nil
		return
	}
	stored := w.answers[key(k.answer.Stack, k.answer.LogicalID, k.answer.RequestID)]
	if stored.State != AnswerCommitted {
		stored.State = AnswerRefused
		w.answers[key(k.answer.Stack, k.answer.LogicalID, k.answer.RequestID)] = stored
		if link := w.links[k.answer.Change.CustomerID]; link != nil {
			if released, held := link.Release(k.answer); held {
				*link = released
				link.Revision++
			}
		}
	}
	k.m.done, k.step = true, nil
}

func (k *worker) regKey() string {
	return k.answer.Change.CustomerID + "/" + k.answer.Stack.Account.String()
}

func persist(k *worker, w *world) {
	name := key(k.answer.Stack, k.answer.LogicalID, k.answer.RequestID)
	k.m.done, k.step = true, nil
	if w.answers[name].State == AnswerCommitted {
		return
	}
	t := Apply(k.snapshot, k.answer, w.now)
	var before int64
	if k.snapshot.Registration != nil {
		before = k.snapshot.Registration.Revision
	}
	if t.Stack != nil && w.stacks[k.answer.Stack].Revision != k.snapshot.Stack.Revision ||
		t.Registration != nil && w.regs[k.regKey()].Revision != before {
		k.m.done, k.step = false, settle
		return
	}
	if t.Link != nil {
		if w.links[t.Link.CustomerID].Revision != k.snapshot.Link.Revision {
			k.m.done, k.step = false, settle
			return
		}
		*w.links[t.Link.CustomerID] = *t.Link
		w.links[t.Link.CustomerID].Revision++
	}
	w.checkCommit(k, t)
	a := w.answers[name]
	a.State = AnswerCommitted
	w.answers[name] = a
	next := with(k.snapshot, t)
	if t.Stack != nil {
		w.stacks[k.answer.Stack] = next.Stack
	}
	if t.Registration != nil {
		w.regs[k.regKey()] = *next.Registration
	}
}

// checkCommit checks the promises at every commit.
func (w *world) checkCommit(k *worker, t Transition) {
	if !k.m.genuine {
		before := k.snapshot.Registration
		switch {
		case w.now.Before(k.m.request.SentAt.Add(testHub().ResponseTimeout)):
			w.fail("a forged request was committed in time: %+v", k.m.request)
		case k.m.refused == Forged:
			w.fail("a request without CloudFormation's signature was committed: %+v", k.m.request)
		case t.Registration != nil && t.Registration.Status == Disconnected:
			w.fail("a forged request disconnected %+v", before)
		case t.Registration != nil && before != nil && before.Live() && k.answer.Change.Kind != ChangeDoubt:
			w.fail("a forged request changed the live %+v", before)
		}
		w.poisoned[k.answer.Change.CustomerID] = true
	}
	if k.answer.Response.Status == phonehome.Failed {
		if t.Stack != nil || t.Registration != nil || t.Event != nil {
			w.fail("a refused request changes something: %+v", t)
		}
		if known := k.answer.Change.CustomerID != ""; known != (t.History != nil) {
			w.fail("the history of customer %q after a refused request: %+v", k.answer.Change.CustomerID, t.History)
		}
	}
	reg := t.Registration
	if reg == nil {
		return
	}
	if k.answer.Change.Kind == ChangeRegister && k.blocked {
		w.fail("a blocked customer was registered: %+v", reg)
	}
	if reg.Stack.Account != reg.Account || reg.Role.Account != reg.Account || !w.links[reg.CustomerID].Admits(reg.Account) {
		w.fail("the accounts differ in %+v", reg)
	}
	if !w.proven[reg.Role.String()+reg.ExternalID.String()] {
		w.fail("role %s is registered, but was never proven", reg.Role)
	}
	for _, stack := range reg.Superseded {
		if stack == reg.Stack && reg.Live() {
			w.fail("stack %s owns the registration, but is superseded", stack)
		}
	}
	if t.Stack != nil && k.answer.Change.Kind == ChangeRegister && k.snapshot.Stack.Resources["PhoneHome"].deletedAfter(k.m.request.SentAt) {
		w.fail("a deleted stack was resurrected: %s", reg.Stack)
	}
}

// settleDown delivers all remaining messages, and no worker dies.
func (w *world) settleDown() {
	w.workers, w.shut = nil, false
	for range 2000 {
		rest := w.queue[:0]
		for _, m := range w.queue {
			if !m.done {
				rest = append(rest, m)
			}
		}
		w.queue = rest
		if len(w.queue) == 0 {
			return
		}
		k := &worker{m: w.queue[0], step: decide}
		w.queue = append(w.queue[1:], w.queue[0])
		for k.step != nil {
			k.step(k, w)
		}
		w.pass(3 * time.Second) // an undecided forged message is retried for 15 minutes
	}
	w.fail("%d messages are never done", len(w.queue))
}

// look is a round of proofs. Any role that can be assumed is a witness for all others.
func (w *world) look() {
	proofs, witnessed := map[string]Proof{}, false
	for key, reg := range w.regs {
		if reg.Live() {
			proofs[key] = w.assume(Probe{Role: reg.Role, ExternalID: reg.ExternalID})
			witnessed = witnessed || proofs[key].Outcome != Refused
		}
	}
	for key, proof := range proofs {
		proof.Witnessed = witnessed
		w.write(key, proof)
	}
}

func (w *world) write(key string, proof Proof) {
	reg := w.regs[key]
	next, entry := Health(reg, proof, w.now)
	if entry == nil {
		return
	}
	if next.Status == Disconnected && (reg.DeleteDoubtedAt.IsZero() || !proof.Witnessed) {
		w.fail("a refusal alone disconnected %+v", reg)
	}
	// A role that is refused for a moment confirms a wrong doubt.
	if r := w.roles[reg.Role]; next.Status == Disconnected && r != nil {
		w.poisoned[reg.CustomerID] = true
	}
	next.Revision++
	w.regs[key] = next
}

// confirm is a last round of proofs, with a witness, after all roles were repaired.
func (w *world) confirm() {
	for _, role := range w.roles {
		role.open, role.unsettled = false, false
	}
	for key, reg := range w.regs {
		if reg.Live() {
			proof := w.assume(Probe{Role: reg.Role, ExternalID: reg.ExternalID})
			proof.Witnessed = true
			w.write(key, proof)
		}
	}
}

// checkEnd checks that customers with a live stack are registered, and customers whose stack
// was deleted are not.
func (w *world) checkEnd() {
	for customer, link := range w.links {
		var owner *realStack
		deleted := map[account.StackARN]bool{}
		for _, s := range w.real {
			if s.customer != customer || s.id.Account != link.SoleAccount() {
				if link.Scope == ScopeAnyone && s.customer == customer && s.live && !s.gone && !w.outlived[customer] && !w.poisoned[customer] {
					w.fail("stack %s was answered SUCCESS, but the link belongs to another account: %+v", s.id, link)
				}
				continue
			}
			deleted[s.id] = s.gone && !s.forced
			if s.live && !s.gone && (owner == nil || s.createdAt.After(owner.createdAt)) {
				owner = s
			}
		}
		reg, ok := w.regs[customer+"/"+link.SoleAccount().String()]
		switch {
		case w.poisoned[customer]:
		case owner != nil && (!ok || !reg.Live() || reg.Stack != owner.id):
			w.fail("stack %s is live, but the registration is %+v", owner.id, reg)
		case ok && reg.Live() && deleted[reg.Stack]:
			w.fail("the stack was deleted, but the registration is %+v", reg)
		case owner != nil && owner.waiting == nil && !w.neglect[owner.id] && reg.TemplateVersion != owner.props.TemplateVersion:
			w.fail("stack %s has version %s, but the registration is %+v", owner.id, owner.props.TemplateVersion, reg)
		}
	}
}
