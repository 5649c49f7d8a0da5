// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package health proves registered roles again in rounds, and updates the registry
// with the results: a role that fails its proof becomes degraded, one that passes it
// again becomes active.
//
// A round changes no registration for what may be the vendor's own fault: throttling,
// an outage, a permission that the vendor lost. The caller decides when a round is
// due, and shows its result.
package health

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"math/big"
	"slices"
	"time"

	smithytime "github.com/aws/smithy-go/time"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"golang.org/x/sync/errgroup"
)

// Config is the configuration of a round. Registry and Prover are required; the rest
// has defaults.
type Config struct {
	Registry Registry
	Prover   Prover

	Concurrency int // maximum number of roles at the same time; default 8
	// Full gives every role the full proof, which also tries it without the external
	// ID and with a wrong one. Otherwise an active role gets the full proof only if it
	// is due by Rounds.
	Full   bool
	Rounds Rounds
	// Restored is the hub if its registry was restored from a point in time: then the
	// round also looks for the roles that the registry has lost, with one call for
	// each link that is not connected, and registers those that pass the full proof.
	Restored *onboarding.Hub
	// Awaited is the hub if the round also looks for roles that customers created
	// without a stack: see onboarding.Awaiting.
	Awaited *onboarding.Hub
	// Spread is the time over which the round is spread, each role at a random
	// moment of its own share. Zero: as fast as the concurrency allows.
	Spread time.Duration

	Clock  func() time.Time // default time.Now
	Random io.Reader        // default crypto/rand
	Sleep  func(context.Context, time.Duration) error
	// OnFinding is called with each finding as soon as there is one, never
	// concurrently.
	OnFinding func(Finding)
}

// Registry stores the registrations. PutHealth returns onboarding.ErrConflict if the
// registration was written since it was read.
type Registry interface {
	Customers(ctx context.Context) ([]onboarding.Customer, error)
	Customer(ctx context.Context, id string) (onboarding.Customer, error)
	PutHealth(ctx context.Context, r onboarding.Registration, entry onboarding.HistoryEntry) (onboarding.Registration, error)
}

// Prover tries to assume roles: Prove with four calls, ProveAgain with one, for a role
// that was proven before.
type Prover interface {
	Prove(ctx context.Context, probe onboarding.Probe) onboarding.Proof
	ProveAgain(ctx context.Context, probe onboarding.Probe) onboarding.Proof
}

// Rounds defines which active roles get the full proof in a round: each role gets it in
// one of Every rounds, and the number of roles is about the same in each round. The full
// proof finds roles that were opened to other accounts after their registration.
type Rounds struct {
	Every  int   // 0: no role gets it
	Number int64 // of this round
}

// due reports whether a role gets the full proof in this round.
func (r Rounds) due(reg onboarding.Registration) bool {
	if r.Every <= 0 {
		return false
	}
	turn := onboarding.ShardIndex(reg.CustomerID+"/"+reg.Account.String(), r.Every)
	return r.Number%int64(r.Every) == int64(turn)
}

// Verdict is the result of a round for one role.
type Verdict string

// The verdicts.
const (
	Works    Verdict = "works"
	Broken   Verdict = "broken"
	Unknown  Verdict = "unknown"  // the proof was inconclusive, or its result could not be written
	Withheld Verdict = "withheld" // refused like all others of its group: see Round
	Moved    Verdict = "moved"    // the customer updated or deleted the stack meanwhile
)

// Finding is a round's verdict on one role, with the error behind it.
type Finding struct {
	Verdict Verdict
	Before  onboarding.RegistrationStatus
	// Registration is the registration after the round.
	Registration onboarding.Registration
	// Err is the reason for an Unknown verdict, or AWS's error for a refusal.
	Err error
}

// Round proves every registered role of the hub once. It returns the findings sorted
// by customer; with an error it returns those made before the error.
//
// A refusal means either that the role is broken or that the vendor itself may no
// longer assume roles, and AWS's error is the same for both (aws-facts 7.4). So an
// active role becomes degraded only once another role of its group has been assumed
// in the same round. If none has, and three or more were refused, the cause is
// probably the vendor: nothing is written, and the verdict is Withheld.
func Round(ctx context.Context, config Config) ([]Finding, error) {
	customers, err := config.Registry.Customers(ctx)
	if err != nil {
		return nil, err
	}
	return newRound(config).run(ctx, customers, suspicious)
}

// Customer proves the roles of one customer, and returns their findings. A refusal
// needs no witness, because the caller has named the customer.
func Customer(ctx context.Context, config Config, id string) ([]Finding, error) {
	customer, err := config.Registry.Customer(ctx, id)
	if err != nil {
		return nil, err
	}
	return newRound(config).run(ctx, []onboarding.Customer{customer}, neverSuspicious)
}

func newRound(config Config) *round {
	if config.Concurrency <= 0 {
		config.Concurrency = 8
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	if config.Random == nil {
		config.Random = rand.Reader
	}
	if config.Sleep == nil {
		config.Sleep = smithytime.SleepWithContext
	}
	return &round{Config: config}
}

func (r *round) run(ctx context.Context, customers []onboarding.Customer, suspicious int) ([]Finding, error) {
	r.refusals = refusals{suspicious: suspicious}
	var todo []candidate
	for _, customer := range customers {
		for _, registration := range customer.Registrations {
			if registration.Live() {
				todo = append(todo, candidate{link: customer.Link, registration: registration})
			}
		}
		if r.Restored != nil {
			if forgotten, ok := customer.Recoverable(r.Restored.Region.Partition(), r.Clock()); ok {
				todo = append(todo, candidate{link: customer.Link, registration: forgotten})
			}
		}
	}
	if r.Awaited != nil {
		for _, customer := range onboarding.Awaiting(customers, *r.Awaited, r.Clock()) {
			todo = append(todo, awaited(customer, *r.Awaited, r.Clock()))
		}
	}
	return r.work(ctx, todo)
}

// work proves the roles of some candidates, each at its scheduled time.
func (r *round) work(ctx context.Context, todo []candidate) ([]Finding, error) {
	workers := errgroup.Group{}
	workers.SetLimit(r.Concurrency)
	begun := r.Clock()
	var stopped error
	for i, c := range todo {
		if stopped = r.waitFor(ctx, begun, i, len(todo)); stopped != nil {
			break
		}
		workers.Go(func() error { r.prove(ctx, c); return nil })
	}
	stopped = errors.Join(stopped, workers.Wait())
	if stopped == nil {
		r.refusals.close()
	}
	slices.SortFunc(r.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Registration.CustomerID, b.Registration.CustomerID),
			cmp.Compare(a.Registration.Account.String(), b.Registration.Account.String()))
	})
	return r.findings, stopped
}

// waitFor waits until the scheduled time of the i-th of n roles.
func (r *round) waitFor(ctx context.Context, begun time.Time, i, n int) error {
	if r.Spread <= 0 {
		return ctx.Err()
	}
	share := r.Spread / time.Duration(n)
	at := begun.Add(time.Duration(i)*share + r.randomBelow(share))
	if d := at.Sub(r.Clock()); d > 0 {
		return r.Sleep(ctx, d)
	}
	return ctx.Err()
}

// randomBelow returns a random duration below d.
func (r *round) randomBelow(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	n, err := rand.Int(r.Random, big.NewInt(int64(d)))
	if err != nil {
		return 0 // without random bytes there is no jitter
	}
	return time.Duration(n.Int64())
}
