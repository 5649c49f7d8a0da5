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
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Config is what a Registrar is made of. Hub, Queue, Registry, Prover and
// Responder are needed; the rest has defaults.
type Config struct {
	Hub       onboarding.Hub
	Queue     queue
	Registry  registry
	Prover    prover
	Responder responder

	ID          string           // of this registrar, in heartbeats; default random
	Clock       func() time.Time // default time.Now
	Random      io.Reader        // default crypto/rand
	Logger      *slog.Logger     // default: no logs
	Concurrency int              // messages at once; default 16
	// OnCommit is called after something was committed for a customer.
	OnCommit func(customerID string)
}

// queue is the hub's queue with its dead letters.
type queue interface {
	// Receive waits for messages, for as long as one long poll takes.
	Receive(ctx context.Context) ([]Message, error)
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

// Message is one message of the queue.
type Message struct {
	ID      string
	Body    []byte
	Receipt string
}

// The times that the registrar goes by. A message is invisible for longer than
// it may be worked on, so that two workers never have the same one.
const (
	visibility  = 2 * time.Minute
	workLimit   = 75 * time.Second
	stopLimit   = 20 * time.Second
	beatEvery   = time.Minute
	longestWait = 30 * time.Second // between failing receives
)

// Registrar consumes one hub's queue.
type Registrar struct {
	Config
	slots  chan struct{} // messages being worked on
	proofs proofs
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
	if config.OnCommit == nil {
		config.OnCommit = func(string) {}
	}
	r := &Registrar{Config: config, slots: make(chan struct{}, config.Concurrency)}
	// Half the workers may be proving; the rest is for what need not wait:
	// Deletes and stored answers.
	r.proofs.limit = max(1, config.Concurrency/2)
	if r.ID == "" {
		r.ID = r.randomID()
	}
	return r
}

// Run works until the context ends; then it receives nothing more, finishes
// what it has in hand within a limit, and returns. It returns an error only for
// what no waiting would mend.
func (r *Registrar) Run(ctx context.Context) error {
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	var workers sync.WaitGroup
	workers.Go(func() { r.beat(ctx) })

	wait := time.Second
	for ctx.Err() == nil {
		messages, err := r.Queue.Receive(ctx)
		if ctx.Err() != nil && len(messages) == 0 {
			break
		}
		if err != nil {
			r.Logger.Error("receiving failed; trying again", "hub", r.Hub.Name, "error", err, "wait", wait)
			pause(ctx, wait)
			wait = min(2*wait, longestWait)
			continue
		}
		wait = time.Second
		slices.SortStableFunc(messages, deletesFirst)
		for _, message := range messages {
			select {
			case r.slots <- struct{}{}:
				workers.Go(func() {
					defer func() { <-r.slots }()
					r.process(work, message)
				})
			case <-ctx.Done():
				r.putBack(work, message)
			}
		}
	}
	finish(&workers, stopLimit, abandon)
	return nil
}

// finish waits for the workers, and after the limit makes them stop. Whatever
// they leave comes again to another registrar.
func finish(workers *sync.WaitGroup, limit time.Duration, abandon func()) {
	timer := time.AfterFunc(limit, abandon)
	defer timer.Stop()
	workers.Wait()
}

// putBack gives a message that nobody has begun with to the next registrar, now
// and not when its visibility ends.
func (r *Registrar) putBack(ctx context.Context, m Message) {
	if err := r.Queue.ChangeVisibility(ctx, m, 0); err != nil {
		r.Logger.Warn("a message could not be put back; it will come again", "hub", r.Hub.Name, "message", m.ID, "error", err)
	}
}

// process handles one message and does with it what came of that.
func (r *Registrar) process(ctx context.Context, m Message) {
	ctx, cancel := context.WithTimeout(ctx, workLimit)
	defer cancel()
	disposition := r.survive(ctx, m.Body)
	var err error
	switch disposition.Action {
	case Done:
		err = r.Queue.Delete(ctx, m)
	case Retry:
		err = r.Queue.ChangeVisibility(ctx, m, r.jitter(disposition.After))
	case DeadLetter:
		if err = r.Queue.SendToDeadLetters(ctx, m, disposition.Reason); err == nil {
			err = r.Queue.Delete(ctx, m)
		}
	}
	if err != nil {
		// It comes again by itself, and gets the same answer.
		r.Logger.Warn("a message could not be put away; it will come again", "hub", r.Hub.Name,
			"message", m.ID, "action", disposition.Action, "error", err)
	}
}

// survive is Handle for messages that nobody thought of: one that makes us
// panic must not take the others with it.
func (r *Registrar) survive(ctx context.Context, body []byte) (d Disposition) {
	defer func() {
		if cause := recover(); cause != nil {
			r.Logger.Error("handling a message panicked", "hub", r.Hub.Name, "cause", fmt.Sprint(cause), "trace", string(debug.Stack()))
			d = Disposition{Action: Retry, After: 20 * time.Second}
		}
	}()
	return r.Handle(ctx, body)
}

// beat tells the registry that somebody is listening.
func (r *Registrar) beat(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.Registry.Beat(ctx, r.ID); err != nil && ctx.Err() == nil {
			r.Logger.Warn("the heartbeat could not be written", "hub", r.Hub.Name, "error", err)
		}
		pause(ctx, beatEvery)
	}
}

// deletesFirst: a Delete never waits for a proof, and a customer who leaves
// waits for us with a blocked stack.
func deletesFirst(a, b Message) int { return rank(a) - rank(b) }

func rank(m Message) int {
	if request, err := phonehome.Decode(m.Body); err == nil && request.Type != phonehome.Delete {
		return 1
	}
	return 0
}

// jitter spreads retries, so that what failed together does not come together.
func (r *Registrar) jitter(d time.Duration) time.Duration {
	var b [1]byte
	if _, err := io.ReadFull(r.Random, b[:]); err != nil {
		return d
	}
	return d + d*time.Duration(b[0])/1024
}

func (r *Registrar) randomID() string {
	var b [8]byte
	if _, err := io.ReadFull(r.Random, b[:]); err != nil {
		return "registrar"
	}
	return "registrar-" + hex.EncodeToString(b[:])
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
