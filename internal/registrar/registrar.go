// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package registrar consumes a hub's queue: it receives phone-homes, decides,
// proves, stores, answers and commits, in the order that loses nothing when any
// step is cut off and the message comes again.
//
// It is the same inside `terraform apply` and in a process of its own, and
// knows of neither. What to decide is not here either: package onboarding does
// that, and the registrar does what it says.
package registrar

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Config is what a Registrar is made of. Hub, Queue, Registry, Prover,
// Responder and Verifier are needed; the rest has defaults.
type Config struct {
	Hub       onboarding.Hub
	Queue     queue
	Registry  registry
	Prover    prover
	Responder responder
	Verifier  verifier
	Events    events // who tells others; default nobody

	ID          string           // of this registrar, in heartbeats; default random
	Clock       func() time.Time // default time.Now
	Random      io.Reader        // default crypto/rand
	Logger      *slog.Logger     // default: no logs
	Concurrency int              // messages at once; default 16
	StopLimit   time.Duration    // for what is in hand when Run is to end; default 20 s
	Observer    observer         // is told what happens; default nobody
	// GiveUp is asked about errors of receiving until receiving has worked once;
	// true ends Run with the error. Default: Run never gives up.
	GiveUp func(error) bool
	// OnCommit is called after something was committed for a customer.
	OnCommit func(customerID string)
}

// queue is the hub's queue with its dead letters.
type queue interface {
	// Receive waits for up to that many messages, for as long as one long poll
	// takes.
	Receive(ctx context.Context, most int) ([]Message, error)
	Delete(ctx context.Context, m Message) error
	// ChangeVisibility puts a message back for a while.
	ChangeVisibility(ctx context.Context, m Message, d time.Duration) error
	SendToDeadLetters(ctx context.Context, m Message, reason string) error
}

// registry is where links, stacks, answers and registrations are.
type registry interface {
	records
	Beat(ctx context.Context, registrarID string) error
}

// records are the registry's part in one decision. Writes whose ground has
// moved are onboarding.ErrConflict.
type records interface {
	Load(ctx context.Context, request phonehome.Request) (onboarding.Snapshot, error)
	// StoreAnswer gives the answer that was stored first, ours or another's.
	StoreAnswer(ctx context.Context, s onboarding.Snapshot, a onboarding.Answer) (onboarding.Answer, error)
	Commit(ctx context.Context, s onboarding.Snapshot, a onboarding.Answer, t onboarding.Transition) error
	RefuseAnswer(ctx context.Context, a onboarding.Answer) error
}

// prover tries to assume a role.
type prover interface {
	Prove(ctx context.Context, probe onboarding.Probe) onboarding.Proof
}

// responder sends an answer to CloudFormation. An answer that was refused for
// good is a *RefusedError; after any other error it may or may not have arrived.
type responder interface {
	Respond(ctx context.Context, url phonehome.ResponseURL, response phonehome.Response) error
}

// verifier checks SNS's signature of a message. What SNS did not sign is
// phonehome.ErrForged; any other error says that nobody could tell yet.
type verifier interface {
	Verify(ctx context.Context, body []byte) error
}

// observer is told what happens, in time to count it. It must not take long.
type observer interface {
	// Received is told of every receive that worked, also of empty ones.
	Received(batch []Message)
	// Decided is told what a request is to be answered, once that is stored.
	Decided(r phonehome.Request, outcome onboarding.Outcome)
	// Answered is told that CloudFormation has taken an answer.
	Answered(r phonehome.Request, status phonehome.Status, at time.Time)
	// Finished is told what became of a message for now.
	Finished(m Message, d Disposition)
}

// Message is one message of the queue.
type Message struct {
	ID      string
	Body    []byte
	Receipt string
	SentAt  time.Time // by SQS's clock; zero: unknown
}

// Registrar consumes one hub's queue.
type Registrar struct {
	Config
	slots  chan struct{} // messages being worked on
	proofs proofs
	turns  turns
}

// New makes a Registrar. It does nothing until Run or Handle.
func New(config Config) *Registrar {
	if config.Clock == nil {
		config.Clock = time.Now
	}
	if config.Random == nil {
		config.Random = rand.Reader
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Concurrency <= 0 {
		config.Concurrency = 16
	}
	if config.StopLimit <= 0 {
		config.StopLimit = 20 * time.Second
	}
	if config.Observer == nil {
		config.Observer = nobody{}
	}
	if config.Events == nil {
		config.Events = untold{}
	}
	if config.OnCommit == nil {
		config.OnCommit = func(string) {}
	}
	config.Logger = config.Logger.With("hub", config.Hub.Name)
	r := &Registrar{Config: config, slots: make(chan struct{}, config.Concurrency)}
	// Half the workers may be proving; the rest is for what need not wait:
	// Deletes and stored answers.
	r.proofs.limit = max(1, config.Concurrency/2)
	r.turns.share, r.turns.deletes = max(1, config.Concurrency/4), max(1, config.Concurrency/2)
	if r.ID == "" {
		r.ID = r.randomID()
	}
	return r
}

func (r *Registrar) randomID() string {
	var b [8]byte
	if _, err := io.ReadFull(r.Random, b[:]); err != nil {
		return "registrar"
	}
	return "registrar-" + hex.EncodeToString(b[:])
}

// nobody watches.
type nobody struct{}

func (nobody) Received([]Message)                                      {}
func (nobody) Decided(phonehome.Request, onboarding.Outcome)           {}
func (nobody) Answered(phonehome.Request, phonehome.Status, time.Time) {}
func (nobody) Finished(Message, Disposition)                           {}
