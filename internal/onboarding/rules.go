// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Durations that the rules use.
const (
	// lastMinute before the deadline is reserved for delivering the answer: a
	// SUCCESS that arrived too late would register a stack that is being rolled back.
	lastMinute = time.Minute
	// refusalPropagation is how long the refusal of a role may still be due to IAM's
	// propagation delay (aws-facts 7.5); openPropagation is the same for a role that
	// every account can assume.
	refusalPropagation = 2 * time.Minute
	openPropagation    = time.Minute
	// lastTry is how long before the last minute the last proof of the role is
	// made, so that the customer reads its result, and not only that time ran out.
	lastTry = 25 * time.Second
	// minRecreateDelay is how much later than a Delete a Create must have been sent to
	// count as a new one. CloudFormation sends the requests of a resource one after the
	// other; the minute allows for differences between SNS's clocks.
	minRecreateDelay = time.Minute
	// createCommitWait is how long an Update waits for the commit of the Create that
	// precedes it: if a registrar dies between answer and commit, the Create is
	// committed only after its message is received again.
	createCommitWait = 5 * time.Minute
	// maxResponseTime is CloudFormation's own limit for a response (aws-facts 1.5).
	maxResponseTime = time.Hour
)

// decider decides one case at one time.
type decider struct {
	Case
	now        time.Time
	messages   messages
	resource   Resource // of the request, as last accepted; zero: never accepted
	physicalID string   // of the answer
}

func newDecider(c Case, now time.Time) decider {
	d := decider{Case: c, now: now, messages: messages{c.Hub}, resource: c.Stack.Resources[c.Request.LogicalID]}
	d.physicalID = d.identify()
	return d
}

// Deadline returns when CloudFormation stops waiting for the answer.
func (c Case) Deadline() time.Time {
	timeout := c.Request.Timeout
	if timeout <= 0 || timeout > maxResponseTime {
		timeout = c.Hub.ResponseTimeout
	}
	if timeout <= 0 {
		timeout = maxResponseTime // CloudFormation's default
	}
	return c.Request.SentAt.Add(timeout)
}

// LateFrom returns the time from which on an accepted answer may have come too late,
// and an answer that was never accepted is given up. It is based on the longer of the
// hub's timeout and the one in the message, at most an hour: the sender of a forged
// message chooses its timeout, and must gain nothing by a short one.
func (c Case) LateFrom() time.Time {
	asked := c.Hub.ResponseTimeout
	if asked <= 0 || asked > maxResponseTime {
		asked = maxResponseTime
	}
	return c.Request.SentAt.Add(max(asked, min(c.Request.Timeout, maxResponseTime)))
}

// ClosesAt returns when the last minute begins, in which every request is answered.
func (c Case) ClosesAt() time.Time { return c.Deadline().Add(-lastMinute) }

// LastTryAt returns the time from which the result of a proof is final. Roles are
// not tried in the last minute, so a later result could not be reported.
func (c Case) LastTryAt() time.Time { return c.ClosesAt().Add(-lastTry) }

// Closing reports whether the last minute has begun.
func (c Case) Closing(now time.Time) bool { return !now.Before(c.ClosesAt()) }

func (d decider) closing() bool { return d.Closing(d.now) }

// older reports whether a newer request of this resource was accepted already.
func (d decider) older() bool { return d.Request.SentAt.Before(d.resource.LastRequestAt) }

// blocked reports whether an operator has blocked the customer.
func (d decider) blocked() bool { return d.Link != nil && d.Link.Blocked }

// overtakes reports whether an Update may have arrived before its Create was
// committed. CloudFormation sends an Update only after a Create that was answered
// SUCCESS, and includes the properties of that Create, for which the registry then
// has a stored answer. An Update without such an answer is invented: waiting for it
// would let a flood of forgeries fill the queue.
func (d decider) overtakes() bool {
	return d.resource.LastRequestAt.IsZero() && d.PromisedBefore &&
		d.now.Before(d.Request.SentAt.Add(createCommitWait)) && !d.closing() && !d.blocked()
}

// overtakingPause returns a pause that doubles with the request's age: the Create
// is late because a registrar died, and its message is received again after half a
// minute.
func (d decider) overtakingPause() time.Duration {
	return max(5*time.Second, min(d.now.Sub(d.Request.SentAt), time.Minute))
}

// retired reports whether the request has an earlier external ID of the customer. For
// a stack that was never accepted, only the claim of the external ID, which is never
// deleted, leads to the link.
func (d decider) retired() bool {
	id := d.Request.Properties.ExternalID
	return d.Link != nil && id != d.Link.ExternalID.String() && (d.Stack.CustomerID == "" || d.Link.hadExternalID(id))
}

// deletedSince reports whether a Create was sent, or may have been sent, before the
// resource's Delete.
func (d decider) deletedSince() bool { return d.resource.deletedAfter(d.Request.SentAt) }

// deletedAfter reports whether a Delete was sent after sentAt, or so shortly before
// it that the order is uncertain.
func (r Resource) deletedAfter(sentAt time.Time) bool {
	return !r.DeletedAt.IsZero() && sentAt.Before(r.DeletedAt.Add(minRecreateDelay))
}

// live reports whether the resource exists in CloudFormation, as far as the registry
// knows.
func (r Resource) live() bool { return !r.LastRequestAt.IsZero() && r.DeletedAt.IsZero() }

// Deletes reports whether a Delete of this physical ID means the resource in its
// current state. A Delete of another ID that we assigned is about a Create that was
// replaced or failed (aws-facts 1.12, 1.13). An ID that we never assigned was chosen
// by CloudFormation, for a Create that it gave up before our answer came: because of
// the timeout, or because something else in the stack failed.
func (r Resource) Deletes(physicalID string) bool {
	return !r.live() || r.PhysicalID == physicalID || !r.Confirmed && !sameResource(r.PhysicalID, physicalID)
}

// owned returns the live registration that belongs to the request's own resource; nil
// if there is none.
func (d decider) owned() *Registration {
	reg := d.Registration
	if reg == nil || !reg.Live() || reg.Stack != d.Request.Stack || reg.LogicalID != d.Request.LogicalID {
		return nil
	}
	return reg
}

// rival returns the live registration of another stack with another role; nil if
// there is none. A role without a known stack is not a rival, because this stack is
// meant to replace it.
func (d decider) rival(role account.RoleARN) *Registration {
	reg := d.Registration
	if reg == nil || !reg.Live() || reg.Stack == d.Request.Stack || reg.Role == role || reg.Stack.IsZero() {
		return nil
	}
	return reg
}

// rollback reports whether CloudFormation may be undoing an update. It may
// if the request has properties that were accepted before: the latest ones if
// an update failed before it was accepted, the previous ones if something failed
// after that. Properties of a stored SUCCESS count as accepted, because a
// registrar may have died before it could commit.
//
// It also may if the old properties of the request are not those that were
// accepted last: then it is not known which are in force. When an update begins,
// the old properties are those in force (aws-facts 1.1). In a rollback they are
// undocumented: those of the update that is undone, or again those in force.
func (d decider) rollback() bool {
	if !d.resource.live() {
		return false
	}
	properties, accepted, before := d.Request.Properties, d.resource.Properties, d.resource.Previous
	return d.Promised || properties.Equal(accepted) ||
		!before.Equal(phonehome.Properties{}) && properties.Equal(before) ||
		!d.Request.OldProperties.Equal(accepted)
}

func (d decider) inStacksAccount(role account.RoleARN) bool {
	stack := d.Request.Stack
	return role.Account == stack.Account && role.Partition == stack.Region.Partition()
}

// prove returns the proof of a role, or the decision that is needed first: to try the
// role, or to try it again later. Roles of blocked customers are not tried.
func (d decider) prove(role account.RoleARN, externalID account.ExternalID) (Proof, *Decision) {
	return d.proveProbe(d.probe(role, externalID))
}

func (d decider) proveProbe(probe Probe) (Proof, *Decision) {
	proof, tried := d.Proofs[probe.Role]
	if !tried && (d.closing() || d.blocked()) {
		return Proof{Outcome: Inconclusive}, nil
	}
	if !tried {
		return proof, &Decision{Kind: DecideProve, Probe: probe, Outcome: OutcomeProving}
	}
	until, outcome := d.LastTryAt(), OutcomeSettling
	switch {
	case proof.Outcome == Refused:
		until = earlier(d.Request.SentAt.Add(refusalPropagation), until)
	case proof.Outcome == Open:
		until = earlier(d.Request.SentAt.Add(openPropagation), until)
	case proof.Outcome == Proven:
		return proof, nil
	case proof.MissingPermission != "":
		outcome = OutcomeNotPermitted // the vendor may correct the permission before the deadline
	default:
		until, outcome = d.ClosesAt(), OutcomeUnsettled
	}
	if d.now.Before(until) {
		return proof, &Decision{Kind: DecideLater, RetryAfter: d.retryPause(), Outcome: outcome, Probe: probe}
	}
	return proof, nil
}

// undecided returns a FAILED answer to a Create whose role could not be proven in
// time, which is not the customer's fault. The history entry has the cause for the
// vendor.
func (d decider) undecided(proof Proof) Decision {
	if proof.MissingPermission == "" {
		return d.fail(OutcomeTooLate, d.messages.tryAgain())
	}
	decision := d.fail(OutcomeNotPermitted, d.messages.notPermitted())
	decision.Answer.Change.Reason = proof.MissingPermission
	return decision
}

func (d decider) probe(role account.RoleARN, externalID account.ExternalID) Probe {
	probe := Probe{CustomerID: d.Stack.CustomerID, Role: role, ExternalID: externalID}
	if d.Link != nil {
		probe.CustomerID, probe.Principals = d.Link.CustomerID, d.Link.TrustedPrincipals
	}
	return probe
}

// retryPause returns the pause before the next attempt: short for a young request,
// longer for an old one.
func (d decider) retryPause() time.Duration {
	switch age := d.now.Sub(d.Request.SentAt); {
	case age < 20*time.Second:
		return 5 * time.Second
	case age < time.Minute:
		return 10 * time.Second
	}
	return 20 * time.Second
}

// growingPause returns a quarter of the request's age, so that a request that is
// retried until its deadline is tried about twenty times, not a hundred.
func (c Case) growingPause(now time.Time) time.Duration {
	return max(5*time.Second, now.Sub(c.Request.SentAt)/4)
}

// whyUnproven returns the reason to show for a registration whose role changed
// without a proof.
func (d decider) whyUnproven(role account.RoleARN, proof Proof) string {
	if d.blocked() {
		return reasonBlocked(role)
	}
	return reasonUnproven(role, proof)
}

// change returns the change of the request, without the fields about the role.
func (d decider) change(kind ChangeKind, customer string) Change {
	return Change{
		Kind:          kind,
		CustomerID:    customer,
		Request:       d.Request.Type,
		SentAt:        d.Request.SentAt,
		Deadline:      d.Deadline(),
		Properties:    d.Request.Properties,
		OldProperties: d.Request.OldProperties,
		PhysicalID:    d.physicalID,
	}
}

func (d decider) succeed(outcome Outcome, change Change) Decision {
	return d.answer(outcome, phonehome.Success, "", change)
}

// fail returns a FAILED answer that changes nothing. Its change keeps the data of the
// request for the history.
func (d decider) fail(outcome Outcome, reason string) Decision {
	return d.answer(outcome, phonehome.Failed, reason, Change{
		CustomerID: d.customer(),
		Request:    d.Request.Type,
		SentAt:     d.Request.SentAt,
		Deadline:   d.Deadline(),
	})
}

// customer returns the customer that the request claims to come from; empty if it
// names no known customer.
func (d decider) customer() string {
	if d.Stack.CustomerID == "" && d.Link != nil {
		return d.Link.CustomerID
	}
	return d.Stack.CustomerID
}

func (d decider) answer(outcome Outcome, status phonehome.Status, reason string, change Change) Decision {
	r := d.Request
	return Decision{Kind: DecideAnswer, Outcome: outcome, Answer: Answer{
		Stack:     r.Stack,
		LogicalID: r.LogicalID,
		RequestID: r.RequestID,
		Response: phonehome.Response{
			Status:             status,
			Reason:             reason,
			PhysicalResourceID: d.physicalID,
			StackID:            r.Stack.String(),
			RequestID:          r.RequestID,
			LogicalResourceID:  r.LogicalID,
		},
		Change:   change,
		State:    AnswerStored,
		Outcome:  outcome,
		StoredAt: d.now,
	}}
}

// identify returns the request's own physical ID, which never changes (aws-facts
// 1.12), or a new one for a Create. A Create of a resource that exists already is a
// replacement, and needs another ID: the Delete of the old resource must not look
// like one of the new.
func (d decider) identify() string {
	r := d.Request
	if r.Type != phonehome.Create {
		return r.PhysicalID
	}
	customer := d.Stack.CustomerID
	if d.Link != nil {
		customer = d.Link.CustomerID
	}
	id := PhysicalID(d.Hub.Name, customer, r.Stack, r.LogicalID)
	if d.resource.LastRequestAt.IsZero() {
		return id
	}
	return id + "-" + digest("replacement", r.RequestID)[:8]
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
