// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package health

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Roles that customers create without a stack are looked for under their open links,
// in separate passes, one a minute, because customers wait for the result. The
// attempts for a link have growing pauses, so that a link that is never used costs
// one call a day.

const (
	// passInterval is the time between two passes of a small hub. A pass reads all
	// customers, so a larger hub makes fewer passes.
	passInterval = time.Minute
	passReads    = 1000 // customers that a pass reads if there is one each minute
	passBudget   = 200  // roles that a pass looks for
	shortestLook = 20 * time.Second
)

// Passes coordinates the registrars of a hub, so that one of them makes each pass.
type Passes interface {
	// ClaimPass returns true to one caller if a pass is due. The pass is for the links
	// that became due after since, and the next one is due at next.
	ClaimPass(ctx context.Context, next time.Time) (since time.Time, mine bool, err error)
	// PostponePass moves the time at which the next pass is due.
	PostponePass(ctx context.Context, next time.Time) error
	// PermissionSets returns the permission sets of the hub.
	PermissionSets(ctx context.Context) ([]onboarding.PermissionSet, error)
	// LiveHub returns the hub as currently stored.
	LiveHub(ctx context.Context) (onboarding.Hub, error)
}

// Discovery is the configuration of the passes that look for roles.
type Discovery struct {
	Passes Passes
	Log    *slog.Logger
	Round  Config
}

// Discover makes a pass each time that one is due, until ctx is done.
func Discover(ctx context.Context, s Discovery) {
	r := newRound(s.Round)
	s.Round = r.Config
	for r.Sleep(ctx, shortestLook+r.randomBelow(shortestLook)) == nil {
		s.DiscoverOnce(ctx)
	}
}

// DiscoverOnce makes a pass if one is due.
func (s Discovery) DiscoverOnce(ctx context.Context) {
	s.Round = newRound(s.Round).Config
	findings, err := s.pass(ctx)
	for _, f := range findings {
		s.Log.Info("checked a role that was created without a stack", "customer", f.Registration.CustomerID, "account", f.Registration.Account,
			"role", f.Registration.Role, "verdict", f.Verdict, "status", f.Registration.Status, "error", f.Err)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.Log.Warn("could not look for roles that were created without a stack; trying again", "error", err)
	}
}

// pass looks for the roles that are due, and returns the findings.
func (s Discovery) pass(ctx context.Context) ([]Finding, error) {
	now := s.Round.Clock()
	since, mine, err := s.Passes.ClaimPass(ctx, now.Add(passInterval))
	if err != nil || !mine {
		return nil, err
	}
	sets, err := s.Passes.PermissionSets(ctx)
	if err != nil || !wanted(sets) {
		return nil, err
	}
	hub, err := s.Passes.LiveHub(ctx)
	if err != nil {
		return nil, err
	}
	customers, err := s.Round.Registry.Customers(ctx)
	if err != nil {
		return nil, err
	}
	if more := len(customers) / passReads; more > 0 {
		if err := s.Passes.PostponePass(ctx, now.Add(passInterval*time.Duration(1+more))); err != nil {
			return nil, err
		}
	}
	r := newRound(s.Round)
	var todo []candidate
	due := 0
	for _, c := range onboarding.Awaiting(customers, hub, now) {
		if !c.Link.DueBetween(since, now) {
			continue
		}
		if due++; due <= passBudget {
			todo = append(todo, awaited(c, hub, now))
		}
	}
	if due > passBudget {
		s.Log.Warn("more roles are due than one pass checks; the rest are checked when they are due again", "due", due, "tried", passBudget)
	}
	return r.work(ctx, todo)
}

// wanted reports whether roles are looked for under any permission set.
func wanted(sets []onboarding.PermissionSet) bool {
	for _, set := range sets {
		if set.RegisterWithoutStack {
			return true
		}
	}
	return false
}

func awaited(c onboarding.Customer, hub onboarding.Hub, now time.Time) candidate {
	role, _ := c.Awaited(hub, now)
	return candidate{link: c.Link, registration: role, awaited: true}
}

// find registers a role that was created without a stack, if it exists. It first
// tries the right external ID alone: a role that is refused has most likely not been
// created yet, and yields no finding. It reads the link again before it registers the
// role, because the link may have been closed.
func (r *round) find(ctx context.Context, c candidate, probe onboarding.Probe) {
	if r.Prover.ProveAgain(ctx, probe).Outcome != onboarding.Proven {
		return
	}
	before := c.registration.Status
	if before == "" {
		before = onboarding.Pending
	}
	finding := Finding{Before: before, Registration: c.registration, Verdict: Unknown}
	finding.Registration.Status = before
	proof, additional := r.Prover.Prove(ctx, probe), map[string]account.RoleARN{}
	for _, a := range c.link.AdditionalRoles {
		one := c.link.AdditionalProbe(a.Key, a.In(probe.Role), probe.ExternalID)
		if proof.Outcome == onboarding.Proven {
			proof = r.Prover.Prove(ctx, one)
		}
		additional[a.Key] = one.Role
	}
	found := c.registration
	if found.AdditionalRoles = additional; len(additional) == 0 {
		found.AdditionalRoles = nil
	}
	registration, entry := onboarding.RegisterFound(found, proof, r.Clock())
	if entry == nil {
		finding.Err = proof.Err
		r.found(finding)
		return
	}
	err := r.stillAwaited(ctx, c)
	if err == nil {
		registration, err = r.Registry.PutHealth(ctx, registration, *entry)
	}
	switch {
	case errors.Is(err, onboarding.ErrConflict), errors.Is(err, errStackChanged): // the customer has phoned home, or another registrar was faster
		finding.Verdict = Moved
	case err != nil:
		finding.Err = err
	default:
		finding.Verdict, finding.Registration = Works, registration
	}
	r.found(finding)
}

// stillAwaited returns errStackChanged if the link has changed since it was read, so that the
// role must not be registered.
func (r *round) stillAwaited(ctx context.Context, c candidate) error {
	now, err := r.Registry.Customer(ctx, c.registration.CustomerID)
	if err != nil {
		return err
	}
	l := now.Link
	if !l.RegisterWithoutStack || l.Blocked || l.Status(r.Clock()) != onboarding.LinkOpen || l.ExternalID != c.registration.ExternalID || l.Account != c.registration.Account {
		return errStackChanged
	}
	return nil
}

// follow looks for changes of a role without a stack that no phone-home reports: that
// the role accepts the link's new external ID, that it no longer accepts the previous
// one, and which of the declared additional roles exist. It returns true if it has
// written a change.
func (r *round) follow(ctx context.Context, c candidate, probe onboarding.Probe) bool {
	var next onboarding.Registration
	var entry *onboarding.HistoryEntry
	switch {
	case c.registration.Rotating(c.link):
		probe.ExternalID = c.link.ExternalID
		if r.Prover.ProveAgain(ctx, probe).Outcome != onboarding.Proven {
			return false
		}
		rotated := c.registration
		rotated.ExternalID = c.link.ExternalID
		for _, one := range rotated.Probes(c.link) {
			if r.Prover.Prove(ctx, one).Outcome != onboarding.Proven {
				return false
			}
		}
		next, entry = c.registration.Rotate(c.link, r.Clock())
	case !c.registration.PreviousExternalID.IsZero():
		probe.ExternalID = c.registration.PreviousExternalID
		if r.Prover.ProveAgain(ctx, probe).Outcome != onboarding.Refused {
			return false
		}
		probe.ExternalID = c.registration.ExternalID
		if r.Prover.ProveAgain(ctx, probe).Outcome != onboarding.Proven {
			return false // the role itself is refused
		}
		next, entry = c.registration.FinishRotation(r.Clock())
	default:
		if next, entry = r.gather(ctx, c); entry == nil {
			return false
		}
		probe = onboarding.Probe{} // the role itself was not tried
	}
	finding := Finding{Verdict: Works, Before: c.registration.Status, Registration: next}
	written, err := r.Registry.PutHealth(ctx, next, *entry)
	switch {
	case errors.Is(err, onboarding.ErrConflict):
		finding.Verdict, finding.Registration = Moved, c.registration
	case err != nil:
		finding.Verdict, finding.Registration, finding.Err = Unknown, c.registration, err
	default:
		finding.Registration = written
	}
	if !probe.Role.IsZero() {
		r.refusals.assumed(groupOf(c, probe))
	}
	r.found(finding)
	return true
}

// gather returns the registration with the declared additional roles that exist. A role
// that is refused has most likely not been created yet.
func (r *round) gather(ctx context.Context, c candidate) (onboarding.Registration, *onboarding.HistoryEntry) {
	var found []account.RoleARN
	for _, missing := range c.registration.MissingAdditionalRoles(c.link) {
		if r.Prover.ProveAgain(ctx, missing).Outcome == onboarding.Proven && r.Prover.Prove(ctx, missing).Outcome == onboarding.Proven {
			found = append(found, missing.Role)
		}
	}
	return c.registration.WithAdditionalRoles(c.link, found, r.Clock())
}
