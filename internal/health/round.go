// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package health

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// round is the state of one round.
type round struct {
	Config
	refusals refusals

	mu       sync.Mutex
	findings []Finding
}

// candidate is a role that is to be proven.
type candidate struct {
	link         onboarding.Link
	registration onboarding.Registration
	awaited      bool // it is not registered, and may have been created without a stack
}

// prove proves one role and handles the result. An active role gets one call, unless
// the full proof is due. A degraded role always gets the full proof, because passing
// it makes the role active: it may be degraded because other accounts can assume it,
// and then it could be assumed with the right external ID too.
func (r *round) prove(ctx context.Context, c candidate) {
	registration := c.registration
	probes := registration.Probes(c.link)
	switch {
	case c.awaited:
		r.find(ctx, c, probes[0])
		return
	case registration.Status == onboarding.Pending:
		r.recover(ctx, registration, c.link, probes[0])
		return
	case registration.Adopted() && r.follow(ctx, c, probes[0]):
		return
	}
	try := r.Prover.ProveAgain
	if registration.Status != onboarding.Active || r.Full || r.Rounds.due(registration) {
		try = r.Prover.Prove
	}
	proofs := onboarding.ProveEach(probes, func(probe onboarding.Probe) onboarding.Proof { return try(ctx, probe) })
	for i, proof := range proofs {
		if proof.Outcome == onboarding.Proven || proof.Outcome == onboarding.Open {
			r.refusals.assumed(groupOf(c, probes[i]))
		}
	}
	decisive := onboarding.WorstIndex(proofs)
	proof := proofs[decisive]
	if decisive > 0 {
		proof.Additional = probes[decisive].Role
	}
	switch {
	case proof.Outcome == onboarding.Inconclusive:
		r.found(Finding{Verdict: Unknown, Before: registration.Status, Registration: registration, Err: proof.Err})
	case proof.Outcome == onboarding.Refused && inQuestion(registration):
		r.refusals.refused(groupOf(c, probes[decisive]), func(s conclusion) {
			if s == withheld {
				r.found(Finding{Verdict: Withheld, Before: registration.Status, Registration: registration, Err: proof.Err})
				return
			}
			proof.Witnessed = s == witnessed
			r.record(ctx, registration, proof)
		})
	default:
		r.record(ctx, registration, proof)
	}
}

// recover registers a role that the registry has lost, if it exists. A role that is
// refused has most likely not been created yet, and yields no finding.
func (r *round) recover(ctx context.Context, forgotten onboarding.Registration, link onboarding.Link, probe onboarding.Probe) {
	if r.Prover.ProveAgain(ctx, probe).Outcome != onboarding.Proven {
		return
	}
	proof := r.Prover.Prove(ctx, probe)
	for _, a := range link.AdditionalRoles { // only those that the stack has: an older template may lack some
		one := link.AdditionalProbe(a.Key, a.In(probe.Role), probe.ExternalID)
		if r.Prover.Prove(ctx, one).Outcome == onboarding.Proven {
			if forgotten.AdditionalRoles == nil {
				forgotten.AdditionalRoles = map[string]account.RoleARN{}
			}
			forgotten.AdditionalRoles[a.Key] = one.Role
		}
	}
	registration, entry := onboarding.Recover(forgotten, proof, r.Clock())
	if entry == nil {
		r.found(Finding{Verdict: Unknown, Before: onboarding.Pending, Registration: forgotten, Err: proof.Err})
		return
	}
	written, err := r.Registry.PutHealth(ctx, registration, *entry)
	switch {
	case errors.Is(err, onboarding.ErrConflict): // the customer has phoned home meanwhile
		r.found(Finding{Verdict: Moved, Before: onboarding.Pending, Registration: forgotten})
	case err != nil:
		r.found(Finding{Verdict: Unknown, Before: onboarding.Pending, Registration: forgotten, Err: err})
	default:
		r.found(Finding{Verdict: Works, Before: onboarding.Pending, Registration: written})
	}
}

// inQuestion reports whether a refusal would change the registration: an active role
// would become degraded; one without a stack, or whose Delete is in doubt,
// disconnected.
func inQuestion(r onboarding.Registration) bool {
	return r.Status == onboarding.Active || !r.DeleteDoubtedAt.IsZero() || r.WithoutStack
}

// attempts is the maximum number of attempts for a write that conflicts with other
// writers.
const attempts = 5

// errStackChanged indicates that the registration now has another role than the one that was
// proven, so that the proof does not apply to it.
var errStackChanged = errors.New("the stack was updated or deleted meanwhile")

// record writes the change of a registration that a proof causes, if there is one.
func (r *round) record(ctx context.Context, proven onboarding.Registration, proof onboarding.Proof) {
	finding := Finding{Before: proven.Status, Registration: proven}
	registration, err := r.write(ctx, proven, proof)
	switch {
	case errors.Is(err, errStackChanged):
		finding.Verdict = Moved
	case err != nil:
		finding.Verdict, finding.Err = Unknown, err
	default:
		finding.Verdict, finding.Registration, finding.Err = Works, registration, proof.Err
		if proof.Outcome != onboarding.Proven {
			finding.Verdict = Broken
		}
	}
	r.found(finding)
}

func (r *round) write(ctx context.Context, proven onboarding.Registration, proof onboarding.Proof) (onboarding.Registration, error) {
	registration := proven
	for range attempts {
		next, entry := onboarding.Health(registration, proof, r.Clock())
		if entry == nil {
			return registration, nil
		}
		written, err := r.Registry.PutHealth(ctx, next, *entry)
		if !errors.Is(err, onboarding.ErrConflict) {
			return written, err
		}
		if registration, err = r.reload(ctx, proven); err != nil {
			return onboarding.Registration{}, err
		}
	}
	return onboarding.Registration{}, fmt.Errorf("the registration of customer %s kept changing: %w", proven.CustomerID, onboarding.ErrConflict)
}

// reload reads the registration again. It returns errStackChanged if the registration has
// another role than the one that was proven.
func (r *round) reload(ctx context.Context, proven onboarding.Registration) (onboarding.Registration, error) {
	customer, err := r.Registry.Customer(ctx, proven.CustomerID)
	if err != nil {
		return onboarding.Registration{}, err
	}
	for _, now := range customer.Registrations {
		if now.Account == proven.Account && now.Live() && now.Stack == proven.Stack &&
			now.Role == proven.Role && now.ExternalID == proven.ExternalID && now.RequestedAt.Equal(proven.RequestedAt) &&
			now.TemplateVersion == proven.TemplateVersion {
			return now, nil
		}
	}
	return onboarding.Registration{}, errStackChanged
}

func (r *round) found(finding Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findings = append(r.findings, finding)
	if r.OnFinding != nil {
		r.OnFinding(finding)
	}
}
