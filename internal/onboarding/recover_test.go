// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// restored returns the snapshot of a stack that was created after the time to which the
// registry was restored: there is only the link.
func restored(stack account.StackARN) Snapshot {
	return Snapshot{Hub: testHub(), Stack: Stack{ID: stack}, Link: testLink()}
}

// updateOf returns an Update and the time of its arrival.
func updateOf(stack account.StackARN) (phonehome.Request, time.Time) {
	r := testRequest(phonehome.Update, stack)
	return r, r.SentAt.Add(time.Second)
}

func TestAnUpdateRegistersAStackThatTheRegistryHasLost(t *testing.T) {
	stack := stackIn(customers, "s1")
	request, now := updateOf(stack)
	d := proving(Case{Snapshot: restored(stack), Request: request}, now, always(Proven))
	if d.Outcome != OutcomeRecovered || d.Answer.Response.Status != phonehome.Success || d.Answer.Response.PhysicalResourceID != request.PhysicalID {
		t.Fatalf("decided %s: %+v", describe(d), d.Answer.Response)
	}
	transition := Apply(restored(stack), d.Answer, now)
	reg := transition.Registration
	if reg == nil || reg.Status != Active || reg.Stack != stack || reg.PhysicalID != request.PhysicalID || reg.TemplateVersion != "v2" || reg.ProvenAt != now {
		t.Fatalf("registered %+v", reg)
	}
	if h := transition.History; h.Outcome != OutcomeRecovered || h.Detail != reasonRecovered || h.Before != Pending || h.Status != Active {
		t.Errorf("the history says %+v", h)
	}
	if transition.Event == nil || transition.Event.Kind != EventRegistered {
		t.Errorf("the event is %+v", transition.Event)
	}

	// From now on the stack is like any other: it can roll back, and be deleted.
	known := with(restored(stack), transition)
	back := request
	back.RequestID, back.SentAt = "the rollback", request.SentAt.Add(time.Minute)
	back.Properties, back.OldProperties = request.OldProperties, request.Properties
	if d := proving(Case{Snapshot: known, Request: back}, now.Add(10*time.Minute), always(Refused)); d.Answer.Response.Status != phonehome.Success || d.Outcome != OutcomeRolledBack {
		t.Errorf("a rollback is %s", describe(d))
	}
	gone := testRequest(phonehome.Delete, stack)
	gone.SentAt = request.SentAt.Add(time.Hour)
	if known = after(known, gone); known.Registration.Status != Disconnected {
		t.Errorf("after its Delete it is %s", known.Registration.Status)
	}
}

func TestAnUpdateRecoversNothingThatWasEndedOrDoesNotMatch(t *testing.T) {
	stack, other := stackIn(customers, "s1"), stackIn(customers, "s0")
	for name, change := range map[string]func(*Snapshot, *phonehome.Request){
		"a closed link":      func(s *Snapshot, _ *phonehome.Request) { s.Link.Closed = true },
		"an expired link":    func(s *Snapshot, _ *phonehome.Request) { s.Link.ExpiresAt = noon },
		"a blocked customer": func(s *Snapshot, _ *phonehome.Request) { s.Link.Blocked = true },
		"no link":            func(s *Snapshot, _ *phonehome.Request) { s.Link = nil },
		"a disconnected registration": func(s *Snapshot, _ *phonehome.Request) {
			s.Registration = registered(other).Registration
			s.Registration.Status = Disconnected
		},
		"a tombstone": func(s *Snapshot, _ *phonehome.Request) {
			s.Stack.Resources = map[string]Resource{"PhoneHome": {DeletedAt: noon.Add(-time.Hour)}}
		},
		"another stack's live role": func(s *Snapshot, _ *phonehome.Request) {
			s.Registration = registered(other).Registration
			s.Registration.Role = roleIn(customers, "another")
		},
		"another external ID":    func(_ *Snapshot, r *phonehome.Request) { r.Properties.ExternalID = "of-another-customer" },
		"another hub":            func(_ *Snapshot, r *phonehome.Request) { r.Properties.Hub = "initech" },
		"another role":           func(_ *Snapshot, r *phonehome.Request) { r.Properties.RoleARN = roleIn(customers, "another").String() },
		"another account's role": func(_ *Snapshot, r *phonehome.Request) { r.Properties.RoleARN = roleIn(strangers, "acme-c1").String() },
		"no role":                func(_ *Snapshot, r *phonehome.Request) { r.Properties.RoleARN = "none" },
		"an unexpected account":  func(s *Snapshot, _ *phonehome.Request) { s.Link.Account = id(strangers) },
		"the vendor's account":   func(s *Snapshot, _ *phonehome.Request) { s.Hub.Account = id(customers) },
	} {
		snapshot := restored(stack)
		request, now := updateOf(stack)
		change(&snapshot, &request)
		d := proving(Case{Snapshot: snapshot, Request: request}, now, func(p Probe) Proof {
			t.Errorf("%s: role %s is proven", name, p.Role)
			return Proof{Outcome: Proven}
		})
		if d.Answer.Response.Status != phonehome.Success || d.Outcome != OutcomeStranger {
			t.Errorf("%s: %s", name, describe(d))
		}
		if transition := Apply(snapshot, d.Answer, now); !transition.Empty() {
			t.Errorf("%s changes %+v", name, transition)
		}
	}
}

func TestALostRoleThatCannotBeProvenIsNotRecovered(t *testing.T) {
	stack := stackIn(customers, "s1")
	request, now := updateOf(stack)
	for _, outcome := range []ProofOutcome{Refused, Open} {
		d := proving(Case{Snapshot: restored(stack), Request: request}, now, always(outcome))
		if d.Answer.Response.Status != phonehome.Success || d.Outcome != OutcomeStranger {
			t.Errorf("%s: %s", outcome, describe(d))
		}
	}
	unsettled := Case{Snapshot: restored(stack), Request: request}
	if d := proving(unsettled, now, always(Inconclusive)); d.Kind != DecideLater {
		t.Errorf("inconclusive: %s", describe(d))
	}
	if d := proving(unsettled, unsettled.ClosesAt(), always(Inconclusive)); d.Answer.Response.Status != phonehome.Success || d.Outcome != OutcomeStranger {
		t.Errorf("inconclusive until the end: %s", describe(d))
	}
}

func TestARegistrationDisconnectedBeforeTheCommitIsNotRecovered(t *testing.T) {
	stack := stackIn(customers, "s1")
	request, now := updateOf(stack)
	d := proving(Case{Snapshot: restored(stack), Request: request}, now, always(Proven))
	meanwhile := restored(stack)
	meanwhile.Registration = registered(stackIn(customers, "s0")).Registration
	meanwhile.Registration.Status = Disconnected
	if transition := Apply(meanwhile, d.Answer, now); !transition.Empty() {
		t.Errorf("it changes %+v", transition)
	}
	// Nor is an answer recovered whose response URL has expired and may never have worked.
	c := Case{Snapshot: restored(stack), Request: request}
	c.Answer = &d.Answer
	if got := Settle(c, Expired, request.SentAt.Add(2*time.Hour)); got.Kind != DecideDrop {
		t.Errorf("an expired URL: %s", describe(got))
	}
}

func TestRecoveringALinkForAnyoneReservesAndBindsIt(t *testing.T) {
	stack := stackIn(customers, "s1")
	request, now := updateOf(stack)
	snapshot := restored(stack)
	snapshot.Link.Scope, snapshot.Link.Account = ScopeAnyone, account.ID{}
	d := proving(Case{Snapshot: snapshot, Request: request}, now, always(Proven))
	if !d.Answer.Change.Binds || d.Outcome != OutcomeRecovered {
		t.Fatalf("decided %s, binds %t", describe(d), d.Answer.Change.Binds)
	}
	if link := Apply(snapshot, d.Answer, now).Link; link == nil || link.Bound != id(customers) {
		t.Errorf("the link becomes %+v", link)
	}
	snapshot.Link.Reservation = &Reservation{Account: id(strangers), Until: now.Add(time.Hour)}
	if d := proving(Case{Snapshot: snapshot, Request: request}, now, always(Proven)); d.Kind != DecideLater || d.Outcome != OutcomeReserved {
		t.Errorf("while another account is being connected: %s", describe(d))
	}
}

func TestARoundSearchesOnlyForExpectedRolesWithoutARegistration(t *testing.T) {
	partition := testHub().Region.Partition()
	with := func(change func(*Customer)) Customer {
		c := Customer{Link: *testLink()}
		change(&c)
		return c
	}
	forgotten, ok := with(func(*Customer) {}).Recoverable(partition, noon)
	if !ok || forgotten.Role != roleIn(customers, "acme-c1") || forgotten.ExternalID != testLink().ExternalID || forgotten.Status != Pending {
		t.Fatalf("got %+v, %t", forgotten, ok)
	}
	for name, change := range map[string]func(*Customer){
		"a closed link":             func(c *Customer) { c.Link.Closed = true },
		"an expired link":           func(c *Customer) { c.Link.ExpiresAt = noon },
		"a blocked customer":        func(c *Customer) { c.Link.Blocked = true },
		"an organization's link":    func(c *Customer) { c.Link.Scope = ScopeOrganization },
		"a link for anyone":         func(c *Customer) { c.Link.Scope = ScopeAnyone },
		"a link without an account": func(c *Customer) { c.Link.Account = account.ID{} },
		"a connected customer": func(c *Customer) {
			c.Registrations = []Registration{*registered(stackIn(customers, "s1")).Registration}
		},
		"a disconnected registration": func(c *Customer) { c.Registrations = []Registration{{Account: id(customers), Status: Disconnected}} },
	} {
		if forgotten, ok := with(change).Recoverable(partition, noon); ok {
			t.Errorf("%s: role %s is searched for", name, forgotten.Role)
		}
	}
	for _, outcome := range []ProofOutcome{Refused, Open, Inconclusive} {
		if reg, entry := Recover(forgotten, Proof{Outcome: outcome}, noon); entry != nil || reg.Live() {
			t.Errorf("%s: registered %+v", outcome, reg)
		}
	}
}

// found returns the snapshot of a stack whose role was registered by a round of proofs.
func found(stack account.StackARN) Snapshot {
	s := restored(stack)
	forgotten, _ := Customer{Link: *s.Link}.Recoverable(s.Hub.Region.Partition(), noon)
	reg, _ := Recover(forgotten, Proof{Outcome: Proven}, noon)
	s.Registration = &reg
	return s
}

func TestARecoveredRoleBelongsToItsStackFromTheNextRequest(t *testing.T) {
	stack := stackIn(customers, "s1")
	reg := found(stack).Registration
	if reg.Status != Active || !reg.Recovered || reg.Adopted() || reg.Outdated(*testLink()) {
		t.Fatalf("found: %+v", reg)
	}
	update, now := updateOf(stack)
	update.SentAt, now = update.SentAt.Add(time.Hour), now.Add(time.Hour)
	d := proving(Case{Snapshot: found(stack), Request: update}, now, always(Proven))
	if got := Apply(found(stack), d.Answer, now).Registration; got == nil || got.Stack != stack || got.Recovered || len(got.Superseded) != 0 {
		t.Errorf("after its Update: %+v", got)
	}

	gone := testRequest(phonehome.Delete, stack)
	gone.SentAt = noon.Add(time.Hour)
	d = Decide(Case{Snapshot: found(stack), Request: gone}, gone.SentAt)
	got := Apply(found(stack), d.Answer, gone.SentAt)
	if d.Outcome != OutcomeDisconnected || got.Registration == nil || got.Registration.Status != Disconnected || got.Registration.Stack != stack || got.Registration.Recovered {
		t.Errorf("after its Delete (%s): %+v", describe(d), got.Registration)
	}
	gone.Properties.RoleARN = roleIn(customers, "another").String()
	d = Decide(Case{Snapshot: found(stack), Request: gone}, gone.SentAt)
	if got := Apply(found(stack), d.Answer, gone.SentAt); d.Outcome != OutcomeTombstone || got.Registration != nil {
		t.Errorf("after the Delete of a stack with another role (%s): %+v", describe(d), got.Registration)
	}
}
