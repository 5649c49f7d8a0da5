// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package conformance tests the assumptions about AWS that the project relies on.
//
// internal/aws-facts.md marks what was inferred, recalled or not confirmed. Each
// such mark has a [Check] here, which tries it with two accounts, or an entry in
// [ManualAssumptions] on how to test it manually. [Run] tries checks one after the other,
// on AWS or on a sandbox, and returns a [Report]; [Patch] turns reports into a
// patch of aws-facts.md.
//
// Everything that a run creates has the run's prefix, and is in a [Ledger] on disk
// before it is created, so that a run that was interrupted can be cleaned up.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Check tests one assumption.
type Check struct {
	ID    string // the number of the fact, with a letter if it makes several assumptions
	Title string // the assumption
	// Mark is the text of aws-facts.md that ends with the assumption's mark; empty if the
	// fact has no mark and is only confirmed. Several checks may have the same.
	Mark  string
	Place string // the code that depends on the assumption
	Needs []Need
	Makes string // the resources that it creates; empty: none that remain
	Slow  bool   // it takes more than ten minutes
	run   func(ctx context.Context, t *trial) error
}

// Need is what a check needs besides a vendor, a customer and one Region.
type Need string

// The needs.
const (
	TwoRegions    Need = "a second Region"
	Govcloud      Need = "an account in AWS GovCloud"
	China         Need = "an account in AWS China"
	Sovereign     Need = "an account in the AWS European Sovereign Cloud"
	Management    Need = "the management account of the customer's organization"
	ClosedAccount Need = "the ID of a closed account"
	Engine        Need = "terraform or tofu on the PATH, and the provider's binary"
)

// Outcome is the result of a check.
type Outcome string

// The outcomes.
const (
	Holds    Outcome = "holds"
	Differs  Outcome = "differs"   // something else was seen
	NotTried Outcome = "not tried" // something is missing
	Failed   Outcome = "no verdict"
)

// differsError means that AWS behaves differently from the assumption.
type differsError struct{ seen string }

func (e *differsError) Error() string { return e.seen }

// instead returns the error for a check that observed something other than the
// assumption.
func instead(format string, args ...any) error {
	return &differsError{fmt.Sprintf(format, args...)}
}

// notTriedError explains why a check could not be tried.
type notTriedError struct{ why string }

func (e *notTriedError) Error() string { return e.why }

func notTried(format string, args ...any) error {
	return &notTriedError{fmt.Sprintf(format, args...)}
}

// outcomeOf returns the outcome for the error of a check.
func outcomeOf(err error) Outcome {
	var differs *differsError
	var missing *notTriedError
	switch {
	case err == nil:
		return Holds
	case errors.As(err, &differs):
		return Differs
	case errors.As(err, &missing):
		return NotTried
	}
	return Failed
}

// All returns all checks, in the order in which they run: cheap ones first.
func All() []Check {
	return slices.Concat(topicChecks, queueChecks, bucketChecks, trustChecks, registryChecks, eventChecks,
		publisherChecks, requestChecks, templateChecks, partitionChecks, organizationChecks, policyChecks, storyChecks)
}

// Find returns the checks with the given IDs. An ID that is a fact's number selects
// all checks of the fact. Without IDs, it returns all checks. It returns an error for
// an ID without a check.
func Find(ids ...string) ([]Check, error) {
	all := All()
	if len(ids) == 0 {
		return all, nil
	}
	var found []Check
	for _, id := range ids {
		before := len(found)
		for _, c := range all {
			if c.ID == id || trimLetter(c.ID) == id {
				found = append(found, c)
			}
		}
		if len(found) == before {
			return nil, fmt.Errorf("there is no check %q; `xacct-conformance list` names all", id)
		}
	}
	return found, nil
}

func trimLetter(id string) string {
	if last := len(id) - 1; last > 0 && id[last] >= 'a' && id[last] <= 'z' {
		return id[:last]
	}
	return id
}
