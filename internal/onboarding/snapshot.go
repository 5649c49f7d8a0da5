// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import "errors"

// Snapshot is all records that concern one request, from one consistent read. Decide
// bases its decision on them, and the conditions of the following write refer to
// their revisions.
type Snapshot struct {
	Hub Hub

	// Stack is the stack's record. If there is none yet, it has only the ID, and
	// revision 0.
	Stack Stack

	// Answer is the one stored for this request (same stack, logical ID and request
	// ID); nil: none.
	Answer *Answer

	// Promised is set if SUCCESS was the answer to an earlier request with the same
	// properties for the same resource, whether or not CloudFormation is known to have
	// accepted it.
	Promised bool

	// PromisedBefore is the same for the old properties of an Update: if it is set,
	// there was a Create, even if its answer is not committed yet.
	PromisedBefore bool

	// Link is the link of the stack's customer, or, for a stack that was never stored,
	// of the customer that the request's external ID was issued to; nil: none.
	Link *Link

	// Registration is that of the link's customer in the stack's account; nil: there
	// is none.
	Registration *Registration
}

// Customer is a link with its registrations.
type Customer struct {
	Link          Link
	Registrations []Registration
}

// ErrConflict indicates that the records that a write was based on have changed
// meanwhile: the caller has to load them and decide, or apply, again.
var ErrConflict = errors.New("the registry has changed meanwhile")

// ErrCommitted indicates that the change is already committed: by another process, or
// by this one if the response was lost.
var ErrCommitted = errors.New("the answer is already committed")
