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

// Queue is the hub's queue with its dead letters. SQS implements it.
type Queue interface {
	// Receive waits for up to most messages, for as long as one long poll takes.
	Receive(ctx context.Context, most int) ([]Message, error)
	// Delete removes a message for good.
	Delete(ctx context.Context, m Message) error
	// ChangeVisibility hides a message from all receivers for a duration.
	ChangeVisibility(ctx context.Context, m Message, d time.Duration) error
	// SendToDeadLetters copies a message, with the reason, to the dead letters.
	SendToDeadLetters(ctx context.Context, m Message, reason string) error
}

// Message is one message of the queue.
type Message struct {
	ID      string
	Body    []byte
	Receipt string
	SentAt  time.Time // by SQS's clock; zero: unknown
}

// Registry holds links, stacks, answers and registrations. A write whose ground
// has moved since the snapshot returns onboarding.ErrConflict.
type Registry interface {
	// Load returns all that bears on a request, read consistently. Before is what
	// an earlier Load has returned for it; it says where to look, and nothing else.
	Load(ctx context.Context, request phonehome.Request, before onboarding.Snapshot) (onboarding.Snapshot, error)
	// StoreAnswer returns the answer that was stored first, this one or another's.
	StoreAnswer(ctx context.Context, s onboarding.Snapshot, a onboarding.Answer) (onboarding.Answer, error)
	// Commit writes what an accepted answer changes, all or nothing;
	// onboarding.ErrCommitted if it is written already.
	Commit(ctx context.Context, s onboarding.Snapshot, a onboarding.Answer, t onboarding.Transition) error
	// Note writes a line into a customer's history that changes nothing, over the
	// one of its kind and day.
	Note(ctx context.Context, entry onboarding.HistoryEntry) error
	// RefuseAnswer records that an answer will never be committed.
	RefuseAnswer(ctx context.Context, a onboarding.Answer) error
	// NoteSelfTest records that the self-test of a nonce has arrived through a topic.
	NoteSelfTest(ctx context.Context, nonce string, topic account.TopicARN) error
	// Beat records that a registrar is listening.
	Beat(ctx context.Context, registrarID string, oldest time.Time) error
}

// Prover tries to assume a role.
type Prover interface {
	Prove(ctx context.Context, probe onboarding.Probe) onboarding.Proof
}

// Responder sends an answer to CloudFormation. An answer that the bucket did not
// take is a *RefusedError; after any other error it may or may not have arrived.
type Responder interface {
	Respond(ctx context.Context, to phonehome.ResponseURL, response phonehome.Response) error
}

// Verifier checks SNS's signature of a message. What SNS did not sign is
// phonehome.ErrForged; any other error says that it could not be checked yet.
type Verifier interface {
	Verify(ctx context.Context, body []byte) error
}

// Events publishes committed changes. An event that it can't publish now stays in
// the registry's outbox, where the commit has put it.
type Events interface {
	// Committed is told of an event that was just stored. It does not wait.
	Committed(hub onboarding.Hub, event onboarding.Event)
	// Wait waits until nothing of that is being sent any more.
	Wait(ctx context.Context)
	// Sweep sends what was stored longer ago than older and never sent.
	Sweep(ctx context.Context, older time.Duration) error
}

// noEvents publishes nothing.
type noEvents struct{}

func (noEvents) Committed(onboarding.Hub, onboarding.Event) {}
func (noEvents) Wait(context.Context)                       {}
func (noEvents) Sweep(context.Context, time.Duration) error { return nil }

// Observer is told what happens, in time to count it. It must not take long.
type Observer interface {
	// Received is told of every receive that worked, also of empty ones.
	Received(batch []Message)
	// Decided is told what a request is to be answered, once that is stored.
	Decided(r phonehome.Request, outcome onboarding.Outcome)
	// Answered is told that CloudFormation has taken an answer.
	Answered(r phonehome.Request, status phonehome.Status, at time.Time)
	// Refused is told that a bucket of CloudFormation's did not take an answer.
	Refused(r phonehome.Request, why onboarding.Delivery)
	// RefusedInARow is told how many customers' answers were refused undecided
	// since the last one that was taken; 0 when one is taken again.
	RefusedInARow(customers int)
	// Proved is told what a proof has shown.
	Proved(proof onboarding.Proof)
	// RolesRefusedInARow is told how many customers' stacks have failed because
	// their roles were refused, since the last role that could be assumed; 0 when
	// one can be again.
	RolesRefusedInARow(customers int)
	// Finished receives each message's disposition, once for each receive.
	Finished(m Message, d Disposition)
}

// noObserver counts nothing.
type noObserver struct{}

func (noObserver) Received([]Message)                                      {}
func (noObserver) Decided(phonehome.Request, onboarding.Outcome)           {}
func (noObserver) Answered(phonehome.Request, phonehome.Status, time.Time) {}
func (noObserver) Refused(phonehome.Request, onboarding.Delivery)          {}
func (noObserver) RefusedInARow(int)                                       {}
func (noObserver) Proved(onboarding.Proof)                                 {}
func (noObserver) RolesRefusedInARow(int)                                  {}
func (noObserver) Finished(Message, Disposition)                           {}
