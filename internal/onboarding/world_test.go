// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// world has customers' accounts with a CloudFormation that behaves like the real one, a queue
// that may deliver any message at any time, and a registry with conditional writes.
type world struct {
	fail func(format string, args ...any)
	now  time.Time
	n    int // for unique names

	// shut is an endpoint policy that refuses every answer (aws-facts 12.11).
	shut bool

	// oldIsUndone chooses what AWS does not document: whether the old properties of a rollback
	// are those of the update that it undoes, or those in force.
	oldIsUndone bool

	links   map[string]*Link
	real    []*realStack
	roles   map[account.RoleARN]*realRole
	queue   []*message
	workers []*worker

	// The registry.
	stacks   map[account.StackARN]Stack
	answers  map[string]Answer
	promised map[string]bool // by stack, resource and properties
	regs     map[string]Registration

	// Data that the promises are checked with.
	sent     map[string]phonehome.Response // the first answer to each request
	proven   map[string]bool               // by role and external ID
	poisoned map[string]bool               // customers for whom checkEnd's promises don't hold, because a rule was misled
	outlived map[string]bool               // customers with a request that was delayed for longer than a reservation lasts
	neglect  map[account.StackARN]bool     // stacks with a request that was delayed for longer than an Update waits
}

type realRole struct {
	of              account.StackARN
	open, unsettled bool
}

// realStack is a stack in CloudFormation.
type realStack struct {
	id         account.StackARN
	customer   string
	role       account.RoleARN
	props      phonehome.Properties // the properties in force
	physicalID string
	createdAt  time.Time

	waiting  *phonehome.Request // the request without an answer
	next     phonehome.Properties
	old      phonehome.Properties  // the old properties of an Update
	undo     *phonehome.Properties // the properties before the accepted update
	versions []string              // all template versions that were requested
	back     bool                  // an update is being rolled back
	live     bool                  // complete, after an answer in time
	gone     bool
	forced   bool // gone without an answered Delete
}

type message struct {
	request phonehome.Request
	genuine bool
	// refused is S3's result for a forged request. Most often it is Forged, but a URL that was
	// signed with other keys may be answered like a broken network.
	refused Delivery
	done    bool
}

func newWorld(fail func(string, ...any)) *world {
	w := &world{
		fail: fail, now: noon, links: map[string]*Link{}, roles: map[account.RoleARN]*realRole{},
		stacks: map[account.StackARN]Stack{}, answers: map[string]Answer{}, promised: map[string]bool{}, regs: map[string]Registration{},
		sent: map[string]phonehome.Response{}, proven: map[string]bool{}, poisoned: map[string]bool{},
		neglect: map[account.StackARN]bool{}, outlived: map[string]bool{},
	}
	for i, acct := range []string{"222222222222", "444444444444"} {
		customer := fmt.Sprintf("c%d", i+1)
		link := testLink()
		link.CustomerID, link.Account, link.RoleName = customer, id(acct), "acme-"+customer
		link.ExternalID = external("external-of-" + customer)
		w.links[customer] = link
	}
	anyone := testLink()
	anyone.CustomerID, anyone.RoleName, anyone.ExternalID = "c3", "acme-c3", external("external-of-c3")
	anyone.Scope, anyone.Account = ScopeAnyone, account.ID{}
	w.links["c3"] = anyone
	return w
}

func (w *world) next() string { w.n++; return fmt.Sprintf("n%d", w.n) }

func key(stack account.StackARN, logicalID, requestID string) string {
	return stack.String() + "|" + logicalID + "|" + requestID
}

func promise(stack account.StackARN, logicalID string, p phonehome.Properties) string {
	return key(stack, logicalID, fmt.Sprint(p))
}

// launch creates a stack from a customer's link, in their account or, by mistake, in another one.
// If the role exists already, the stack fails before it phones home.
func (w *world) launch(customer, accountID string) {
	link := w.links[customer]
	role := roleIn(accountID, link.RoleName)
	if w.roles[role] != nil {
		return
	}
	s := &realStack{id: stackIn(accountID, w.next()), customer: customer, role: role, createdAt: w.now, next: phonehome.Properties{
		Hub: "acme", ExternalID: link.ExternalID.String(), RoleARN: role.String(), TemplateVersion: link.TemplateVersion,
	}}
	s.versions = []string{link.TemplateVersion}
	w.real = append(w.real, s)
	w.roles[role] = &realRole{of: s.id}
	w.ask(s, phonehome.Create, "")
}

// ask sends a genuine request of CloudFormation.
func (w *world) ask(s *realStack, kind phonehome.RequestType, physicalID string) {
	w.now = w.now.Add(time.Millisecond) // no two requests at the same time
	r := testRequest(kind, s.id)
	r.SentAt, r.RequestID, r.PhysicalID = w.now, w.next(), physicalID
	r.Properties, r.OldProperties = s.next, phonehome.Properties{}
	if kind == phonehome.Update {
		r.OldProperties = s.old
	}
	if kind == phonehome.Delete {
		r.Properties = s.props
		if s.props.Equal(phonehome.Properties{}) {
			r.Properties = s.next
		}
	}
	s.waiting = &r
	w.queue = append(w.queue, &message{request: r, genuine: true})
}

// failElsewhere lets another resource of the stack fail. If the Create waits for its answer,
// CloudFormation gives up on it; an accepted update is rolled back.
func (w *world) failElsewhere(s *realStack) {
	switch {
	case s.waiting != nil && s.waiting.Type == phonehome.Create:
		s.physicalID = "made-by-cloudformation-" + w.next()
		w.ask(s, phonehome.Delete, s.physicalID)
	case s.waiting == nil && s.undo != nil && !s.gone:
		w.rollBack(s, s.props, *s.undo)
	}
}

func (w *world) change(s *realStack, version string) {
	if !s.live || s.waiting != nil || s.gone || s.props.TemplateVersion == version {
		return
	}
	s.old, s.next, s.undo, s.back = s.props, s.props, nil, false
	s.next.TemplateVersion = version
	s.versions = append(s.versions, version)
	w.ask(s, phonehome.Update, s.physicalID)
}

// rollBack undoes an update that failed here, or that was accepted here before another resource
// failed.
func (w *world) rollBack(s *realStack, undone, to phonehome.Properties) {
	s.old, s.props, s.next, s.undo, s.back = to, to, to, nil, true
	if w.oldIsUndone {
		s.old = undone
	}
	w.ask(s, phonehome.Update, s.physicalID)
}

func (w *world) remove(s *realStack) {
	if s.waiting == nil && !s.gone && s.physicalID != "" {
		w.ask(s, phonehome.Delete, s.physicalID)
	}
}

// forceAway removes a stack without a Delete.
func (w *world) forceAway(s *realStack) {
	if s.waiting == nil && !s.gone {
		s.gone, s.forced = true, true
		delete(w.roles, s.role)
	}
}

// put returns S3's result for an answer. Genuine URLs work for two hours, unless an endpoint
// policy refuses answers. CloudFormation acts on the answer if it still waits for it.
func (w *world) put(m *message, response phonehome.Response) Delivery {
	k := key(m.request.Stack, m.request.LogicalID, m.request.RequestID)
	if earlier, ok := w.sent[k]; !ok {
		w.sent[k] = response
	} else if fmt.Sprint(earlier) != fmt.Sprint(response) {
		w.fail("request %s got two answers: %+v and %+v", k, earlier, response)
	}
	if m.request.Type == phonehome.Delete && response.Status != phonehome.Success {
		w.fail("a Delete was answered %+v", response)
	}
	switch {
	case !m.genuine:
		return m.refused
	case w.shut:
		return Undecided
	case w.now.After(m.request.SentAt.Add(2 * time.Hour)):
		return Expired
	}
	for _, s := range w.real {
		if s.waiting != nil && s.waiting.RequestID == m.request.RequestID && w.now.Before(s.waiting.SentAt.Add(15*time.Minute)) {
			w.answered(s, response)
		}
	}
	return Accepted
}

func (w *world) answered(s *realStack, response phonehome.Response) {
	kind, ok := s.waiting.Type, response.Status == phonehome.Success
	s.waiting = nil
	switch {
	case kind == phonehome.Create:
		s.physicalID = response.PhysicalResourceID
		s.live = ok
		if ok {
			s.props = s.next
		} else {
			w.ask(s, phonehome.Delete, s.physicalID)
		}
	case kind == phonehome.Delete:
		s.live, s.gone = false, true
		delete(w.roles, s.role)
	case ok:
		if before := s.props; !s.back {
			s.undo = &before
		}
		s.props = s.next
	case s.back:
		w.fail("the rollback of stack %s was answered %+v", s.id, response)
	default:
		w.rollBack(s, s.next, s.props)
	}
}

// pass advances the time. CloudFormation gives up on requests that are not answered in time.
func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	for _, m := range w.queue {
		if m.genuine && !m.done && w.now.Sub(m.request.SentAt) >= createCommitWait-time.Minute {
			w.neglect[m.request.Stack] = true
		}
		if m.genuine && !m.done && w.now.Sub(m.request.SentAt) >= 15*time.Minute+reservationGrace {
			w.outlived[w.customerOf(m.request.Stack)] = true
		}
	}
	for _, s := range w.real {
		if s.waiting == nil || w.now.Before(s.waiting.SentAt.Add(15*time.Minute)) {
			continue
		}
		kind := s.waiting.Type
		s.waiting = nil
		switch {
		case kind == phonehome.Create:
			s.physicalID = "made-by-cloudformation-" + w.next()
			w.ask(s, phonehome.Delete, s.physicalID)
		case kind == phonehome.Update && !s.back:
			w.rollBack(s, s.next, s.props)
		}
	}
}

func (w *world) customerOf(stack account.StackARN) string {
	for _, s := range w.real {
		if s.id == stack {
			return s.customer
		}
	}
	return ""
}

// assume returns the proof that STS gives of a role now.
func (w *world) assume(p Probe) Proof {
	role := w.roles[p.Role]
	switch {
	case role == nil:
		return Proof{Outcome: Refused}
	case role.open:
		return Proof{Outcome: Open, Weakness: "without an external ID"}
	case role.unsettled:
		return Proof{Outcome: Refused}
	}
	for _, s := range w.real {
		if s.role == p.Role && !s.gone && s.next.ExternalID == p.ExternalID.String() {
			w.proven[p.Role.String()+p.ExternalID.String()] = true
			return Proof{Outcome: Proven}
		}
	}
	return Proof{Outcome: Refused}
}
