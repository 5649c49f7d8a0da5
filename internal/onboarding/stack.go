// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Stack is the record of what was *accepted* from one customer stack. All changes of
// the stack are serialised by its revision. Requests whose answer CloudFormation has
// not accepted do not change it.
type Stack struct {
	ID         account.StackARN
	CustomerID string // the customer whose external ID it sent; empty if unknown
	Resources  map[string]Resource
	Revision   int64 // counts commits, for the registry's optimistic locking; 0: never stored
}

// Resource is one custom resource of a stack, by its logical ID.
type Resource struct {
	// LastRequestAt is when the newest accepted request was sent, by SNS's clock.
	LastRequestAt time.Time
	// Properties are those of the newest accepted Create or Update.
	Properties phonehome.Properties
	// Previous are the properties that were in force before: a rollback returns to
	// them.
	Previous   phonehome.Properties
	PhysicalID string
	// Confirmed is set once CloudFormation has sent the physical ID back. Until then
	// it may not know the ID: if it gave up the Create before our answer came, it has
	// chosen an ID of its own.
	Confirmed bool
	// DeletedAt is the tombstone: when the accepted Delete was sent. A Create that was
	// sent before it, and arrives after it, registers nothing.
	DeletedAt time.Time
}

// AnswerState is the progress of a stored answer.
type AnswerState string

// The states of an answer. Stored answers that were refused or never accepted
// change nothing.
const (
	AnswerStored    AnswerState = "stored"    // decided, perhaps already sent
	AnswerCommitted AnswerState = "committed" // CloudFormation accepted it, and the change is committed
	AnswerRefused   AnswerState = "refused"   // S3 refused the signature: forged, or expired long ago
)

// Answer is the one answer that a request gets, however often it arrives, with the
// change that is committed once CloudFormation has accepted the answer.
type Answer struct {
	Stack     account.StackARN
	LogicalID string
	RequestID string

	Response phonehome.Response
	Change   Change
	State    AnswerState
	Outcome  Outcome
	StoredAt time.Time
}

// Promises reports whether CloudFormation, once it has accepted the answer, has
// properties in force that a later rollback may return to.
func (a Answer) Promises() bool {
	return a.Response.Status == phonehome.Success && (a.Change.Kind == ChangeRegister || a.Change.Kind == ChangeUpdate)
}
