// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package registrar consumes a hub's queue. For each phone-home it decides the
// answer, proves the role, stores the answer, sends it and commits its change, in an
// order in which no step is lost if the process stops after any of them and the
// message is received again. [Registrar.Handle] lists the steps in that order.
//
// A registrar runs in the same way inside `terraform apply` and in a process of its
// own, and does not depend on which it is. Package onboarding makes the decisions;
// the registrar carries them out.
package registrar

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/events"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Config is the configuration of a Registrar. Hub, Queue, Registry, Prover, Responder
// and Verifier are required; the rest has defaults. Open sets these required fields
// for a hub on AWS.
type Config struct {
	Hub       onboarding.Hub
	Queue     Queue
	Registry  Registry
	Prover    Prover
	Responder Responder
	Verifier  Verifier
	Events    Events // default: no events are published

	ID          string           // of this registrar, in heartbeats; default random
	Clock       func() time.Time // default time.Now
	Random      io.Reader        // default crypto/rand
	Logger      *slog.Logger     // default: no logs
	Concurrency int              // messages handled at the same time; default 16
	StopLimit   time.Duration    // time for requests in flight when Run is to end; default 20 s
	Observer    Observer         // receives counts of what happens; default no-op
	Tracer      Tracer           // records a trace of each phone-home; default no-op
	// Oldest returns when the oldest unfinished message was sent, for heartbeats;
	// zero: there is none. Default: always zero.
	Oldest func() time.Time
	// GiveUp is called with each error of a receive until the first receive has
	// worked. If it returns true, Run ends and returns the error. Default: Run never
	// gives up.
	GiveUp func(error) bool
	// Webhook configures how Open sends events to the hub's webhook.
	Webhook Webhook
	// OnCommit is called after a change was committed for a customer; default no-op.
	OnCommit func(customerID string)
}

// Webhook is the configuration of the hub's webhook that each process has for itself.
// The hub's record has the address.
type Webhook struct {
	// Secrets returns the keys that sign requests; nil: this process sends no
	// requests.
	Secrets func() ([]events.Secret, error)
	Private bool                         // the address may be in a private network, on port 443
	Observe func(events.WebhookDelivery) // receives the result of each attempt; may be nil
	// Client sends the requests, for tests; nil: a client that refuses addresses that
	// are not public.
	Client events.HTTPClient
}

// withDefaults returns the configuration with every default filled in.
func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Concurrency <= 0 {
		c.Concurrency = 16
	}
	if c.StopLimit <= 0 {
		c.StopLimit = 20 * time.Second
	}
	if c.Observer == nil {
		c.Observer = noObserver{}
	}
	if c.Tracer == nil {
		c.Tracer = noTracer{}
	}
	if c.Oldest == nil {
		c.Oldest = func() time.Time { return time.Time{} }
	}
	if c.Events == nil {
		c.Events = noEvents{}
	}
	if c.OnCommit == nil {
		c.OnCommit = func(string) {}
	}
	if c.ID == "" {
		c.ID = randomID(c.Random)
	}
	c.Logger = c.Logger.With("hub", c.Hub.Name)
	return c
}

// Registrar consumes one hub's queue. It is safe for concurrent use.
type Registrar struct {
	config Config

	slots          *workerSlots
	proofLimiter   *proofLimiter
	accountLimiter accountLimiter
	answersRefused streak
	rolesRefused   streak
	accepted       acceptances
	notes          notes
}

// New returns a Registrar. It does nothing until Run, Work or Handle is called.
func New(config Config) *Registrar {
	config = config.withDefaults()
	r := &Registrar{config: config, slots: newWorkerSlots(config.Concurrency), proofLimiter: newProofLimiter(config.Concurrency)}
	r.accountLimiter.share, r.accountLimiter.deletes = max(1, config.Concurrency/4), max(1, config.Concurrency/2)
	return r
}

// randomID returns an ID with 16 random hexadecimal digits, or without any if random
// fails.
func randomID(random io.Reader) string {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "registrar"
	}
	return "registrar-" + hex.EncodeToString(b[:])
}
