// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Stack is what has been *accepted* from one customer stack: the item that
// serialises everything that happens to it. Requests whose answer
// CloudFormation has not accepted leave no trace here.
type Stack struct {
	ID         account.StackARN
	CustomerID string // whose external ID it sent; empty for strangers
	Resources  map[string]Resource
	Revision   int64 // counts commits; the registry's optimistic lock; 0: never stored
}

// Resource is one custom resource of a stack, by its logical ID.
type Resource struct {
	// LastRequestAt is when the newest accepted request was sent, by SNS's clock.
	LastRequestAt time.Time
	// Properties are those of the newest accepted Create or Update.
	Properties phonehome.Properties
	// Previous are those that were in force before: a rollback returns to them.
	Previous   phonehome.Properties
	PhysicalID string
	// Confirmed is set when CloudFormation has used the physical ID since. Until
	// then it may never have seen it: if it gave up on the Create before our
	// answer came, it has made an ID of its own.
	Confirmed bool
	// DeletedAt is the tombstone: when the accepted Delete was sent. A Create
	// that was sent before it, and arrives after it, registers nothing.
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

// Answer is the one answer that a request gets, however often it arrives, with
// the change that is committed once CloudFormation has accepted it.
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
