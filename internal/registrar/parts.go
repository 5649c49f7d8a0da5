// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Queue is the hub's queue with its dead-letter queue. SQS implements it.
type Queue interface {
	// Receive returns at most limit messages. It waits for them for at most one long
	// poll.
	Receive(ctx context.Context, limit int) ([]Message, error)
	// Delete removes a message permanently.
	Delete(ctx context.Context, m Message) error
	// ChangeVisibility hides a message from all receivers for a duration.
	ChangeVisibility(ctx context.Context, m Message, d time.Duration) error
	// SendToDeadLetters copies a message, with the reason, to the dead-letter queue.
	SendToDeadLetters(ctx context.Context, m Message, reason string) error
}

// Message is one message of the queue.
type Message struct {
	ID      string
	Body    []byte
	Receipt string
	SentAt  time.Time // by SQS's clock; zero: unknown
}

// Registry stores links, stacks, answers and registrations. A write returns
// onboarding.ErrConflict if the records in its snapshot have changed since.
type Registry interface {
	// Load returns all records that a request concerns, in one consistent read. Before
	// is the snapshot that an earlier Load returned for the request, or the zero
	// value. It only tells Load where to look.
	Load(ctx context.Context, request phonehome.Request, before onboarding.Snapshot) (onboarding.Snapshot, error)
	// StoreAnswer returns the answer that was stored first: this one, or one that
	// another registrar has stored.
	StoreAnswer(ctx context.Context, s onboarding.Snapshot, a onboarding.Answer) (onboarding.Answer, error)
	// Commit writes the changes of an accepted answer in one transaction. It returns
	// onboarding.ErrCommitted if they are written already.
	Commit(ctx context.Context, s onboarding.Snapshot, a onboarding.Answer, t onboarding.Transition) error
	// AddHistory writes an entry that changes nothing into a customer's history. It
	// replaces the entry of the same kind and day.
	AddHistory(ctx context.Context, entry onboarding.HistoryEntry) error
	// RefuseAnswer records that an answer will never be committed.
	RefuseAnswer(ctx context.Context, a onboarding.Answer) error
	// RecordSelfTest records that the self-test with this nonce has arrived through a
	// topic.
	RecordSelfTest(ctx context.Context, nonce string, topic account.TopicARN) error
	// Beat writes a heartbeat: this registrar is running, and the oldest message that
	// it has not finished was sent at oldest (zero: there is none).
	Beat(ctx context.Context, registrarID string, oldest time.Time) error
}

// Prover proves roles: it tries to assume them with and without their external ID.
type Prover interface {
	Prove(ctx context.Context, probe onboarding.Probe) onboarding.Proof
}

// Responder sends an answer to CloudFormation. If the bucket refused the answer, the
// error is a *RefusedError; after any other error it is unknown whether the answer
// arrived.
type Responder interface {
	Respond(ctx context.Context, to phonehome.ResponseURL, response phonehome.Response) error
}

// Verifier verifies SNS's signature of a message. The error is phonehome.ErrForged if
// SNS did not sign it; any other error means that the signature cannot be verified
// now.
type Verifier interface {
	Verify(ctx context.Context, body []byte) error
}

// Events publishes events of committed changes. An event that cannot be sent now
// stays in the registry's outbox, where the commit has stored it.
type Events interface {
	// Committed sends an event that was just stored. It does not wait for the result.
	Committed(hub onboarding.Hub, event onboarding.Event)
	// Wait waits until no event that was passed to Committed is being sent.
	Wait(ctx context.Context)
	// Sweep sends the events that have been in the outbox for longer than older.
	Sweep(ctx context.Context, older time.Duration) error
}

// noEvents is an Events that publishes nothing.
type noEvents struct{}

func (noEvents) Committed(onboarding.Hub, onboarding.Event) {}
func (noEvents) Wait(context.Context)                       {}
func (noEvents) Sweep(context.Context, time.Duration) error { return nil }

// Observer receives what happens, so that it can be counted. Its methods must return
// quickly.
type Observer interface {
	// Received is called after each successful receive, even if it returned no
	// messages.
	Received(batch []Message)
	// Decided is called with the outcome of a request once its answer is stored.
	Decided(r phonehome.Request, outcome onboarding.Outcome)
	// Answered is called when CloudFormation's bucket has accepted an answer.
	Answered(r phonehome.Request, status phonehome.Status, at time.Time)
	// Refused is called when CloudFormation's bucket has refused an answer.
	Refused(r phonehome.Request, why onboarding.Delivery)
	// RefusedInARow is called with the number of customers whose answers were refused,
	// for undecided reasons, since the last accepted answer; with 0 when one is
	// accepted again.
	RefusedInARow(customers int)
	// Proved is called with the result of each proof.
	Proved(proof onboarding.Proof)
	// RolesRefusedInARow is called with the number of customers whose stacks failed
	// because their roles were refused since a role was last assumed; with 0 when one
	// is assumed again.
	RolesRefusedInARow(customers int)
	// Finished is called with each message's disposition, once for each receive.
	Finished(m Message, d Disposition)
}

// noObserver is an Observer that does nothing.
type noObserver struct{}

func (noObserver) Received([]Message)                                      {}
func (noObserver) Decided(phonehome.Request, onboarding.Outcome)           {}
func (noObserver) Answered(phonehome.Request, phonehome.Status, time.Time) {}
func (noObserver) Refused(phonehome.Request, onboarding.Delivery)          {}
func (noObserver) RefusedInARow(int)                                       {}
func (noObserver) Proved(onboarding.Proof)                                 {}
func (noObserver) RolesRefusedInARow(int)                                  {}
func (noObserver) Finished(Message, Disposition)                           {}
