// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import "errors"

// Snapshot is all that the registry knows that bears on one request, read
// consistently: what Decide decides on, and what the conditions of the
// following write refer to by their revisions.
type Snapshot struct {
	Hub Hub

	// Stack is the stack's item; if there is none yet, it has only its ID,
	// and revision 0.
	Stack Stack

	// Answer is the one stored for this very request (same stack, logical ID
	// and request ID); nil: not seen before.
	Answer *Answer

	// Promised is set if SUCCESS was once the answer to the same properties of
	// the same resource, whether or not CloudFormation is known to have taken it.
	Promised bool

	// PromisedBefore is the same for the properties that an Update moves away
	// from: there was a Create, even if its answer is not committed yet.
	PromisedBefore bool

	// Link is the one of the stack's customer, or, for a stack that was never
	// stored, of the customer that the request's external ID was issued to; nil: none.
	Link *Link

	// Registration is that of the link's customer in the stack's account; nil:
	// there is none.
	Registration *Registration
}

// Customer is a link with the registrations that came of it.
type Customer struct {
	Link          Link
	Registrations []Registration
}

// ErrConflict indicates that the records that a write was based on have changed
// meanwhile: load and decide, or apply, again.
var ErrConflict = errors.New("the registry has changed meanwhile")

// ErrCommitted indicates that the change is already committed: by another process, or
// by this one if the response was lost.
var ErrCommitted = errors.New("it is committed already")
