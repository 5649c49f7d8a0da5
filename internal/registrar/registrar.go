// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package registrar consumes a hub's queue: it receives phone-homes, decides,
// proves, stores, answers and commits, in the order that loses nothing when any
// step is cut off and the message comes again. [Registrar.Handle] has that order
// as a list.
//
// It is the same inside `terraform apply` and in a process of its own, and
// knows of neither. What to decide is not here either: package onboarding does
// that, and the registrar does what it says.
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

// Config is what a Registrar is made of. Hub, Queue, Registry, Prover,
// Responder and Verifier are required; the rest has defaults. Open fills in all
// of these for a hub on AWS.
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
	Concurrency int              // messages at once; default 16
	StopLimit   time.Duration    // for messages being worked on when Run is to end; default 20 s
	Observer    Observer         // is told what happens; default no-op
	Tracer      Tracer           // records each phone-home's way; default no-op
	// Oldest returns when the oldest message was sent that is not finished, for
	// heartbeats; zero: there is none. Default: it is not known.
	Oldest func() time.Time
	// GiveUp is asked about errors of receiving until receiving has worked once;
	// true ends Run with the error. Default: Run never gives up.
	GiveUp func(error) bool
	// Webhook is how Open sends events to the hub's webhook.
	Webhook Webhook
	// OnCommit is called after something was committed for a customer; default
	// no-op.
	OnCommit func(customerID string)
}

// Webhook is what a process knows of the hub's webhook beside its address.
type Webhook struct {
	// Secrets returns the keys that sign requests; nil: this process sends none.
	Secrets func() ([]events.Secret, error)
	Private bool                         // its address may be one of a private network, at port 443
	Observe func(events.WebhookDelivery) // is told of each attempt; may be nil
	// Client sends the requests, for tests; nil: one that refuses addresses that are
	// not public.
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

// Registrar consumes one hub's queue. All methods may be called at once.
type Registrar struct {
	config Config

	places         *places // of messages being worked on
	proofLimiter   *proofLimiter
	turns          turns
	answersRefused streak
	rolesRefused   streak
	accepted       acceptances
	notes          notes
}

// New returns a Registrar. It does nothing until Run, Work or Handle.
func New(config Config) *Registrar {
	config = config.withDefaults()
	r := &Registrar{config: config, places: newPlaces(config.Concurrency), proofLimiter: newProofLimiter(config.Concurrency)}
	r.turns.share, r.turns.deletes = max(1, config.Concurrency/4), max(1, config.Concurrency/2)
	return r
}

func randomID(random io.Reader) string {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "registrar"
	}
	return "registrar-" + hex.EncodeToString(b[:])
}
