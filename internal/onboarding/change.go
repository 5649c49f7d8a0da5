// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// ChangeKind is what an accepted answer does to the registry.
type ChangeKind string

// The kinds of change.
const (
	ChangeNothing  ChangeKind = ""         // only the answer is sent
	ChangeRegister ChangeKind = "register" // the stack's role becomes the registered one
	ChangeUpdate   ChangeKind = "update"   // the stack's properties changed
	ChangeDelete   ChangeKind = "delete"   // the resource was deleted
	ChangeDoubt    ChangeKind = "doubt"    // from Settle only: the resource may have been deleted
)

// Change is what a request will change. It is decided and stored before the answer is
// sent, and committed (see Apply) only once CloudFormation has accepted the answer.
// It contains everything that the commit needs, because another process may have to
// commit it after a crash.
type Change struct {
	Kind       ChangeKind
	CustomerID string // also set for a refused request whose customer is known
	Request    phonehome.RequestType
	SentAt     time.Time // of the request, by SNS's clock
	Deadline   time.Time // when CloudFormation stops waiting for the answer

	Properties    phonehome.Properties
	OldProperties phonehome.Properties `json:",omitzero"` // of an Update, as in CloudFormation's request
	PhysicalID    string

	Role account.RoleARN // zero: the registered role and the additional roles do not change
	// AdditionalRoles are the roles that were proven together with Role, by their
	// keys.
	AdditionalRoles map[string]account.RoleARN `json:",omitempty"`

	ExternalID account.ExternalID // the one that the role was proven with
	Status     RegistrationStatus // Active or Degraded; empty: unchanged
	Reason     string             // why the registration is degraded; for a refusal, what the vendor can do about it
	Open       bool               `json:",omitempty"` // the registration is degraded because other accounts may be able to assume the role
	ProvenAt   time.Time          // zero: no role was proven

	// Binds is set if registering also binds a link with ScopeAnyone to the account:
	// the link is reserved when the answer is stored.
	Binds bool `json:",omitempty"`
}

// Outcome is the name of a result, for logs, counters and history.
type Outcome string

// Transition is what one commit writes: the result of Apply. A nil field leaves its
// record unchanged; if all are nil, the answer is only marked as committed.
type Transition struct {
	Stack        *Stack
	Link         *Link // bound to the registered account
	Registration *Registration
	History      *HistoryEntry
	Event        *Event // stored if the hub sends events
}

// Empty reports whether the transition writes nothing.
func (t Transition) Empty() bool { return t == Transition{} }

// Outcome returns the final outcome of an answer: the decided one, unless another
// request was committed first.
func (t Transition) Outcome(a Answer) Outcome {
	switch {
	case t.History != nil:
		return t.History.Outcome
	case t.Empty() && a.Change.Kind != ChangeNothing:
		return OutcomeOvertaken
	}
	return a.Outcome
}

// HistoryEntry is one entry of a customer's history: what happened, and which request
// caused it.
type HistoryEntry struct {
	At         time.Time
	CustomerID string
	Account    account.ID
	Stack      account.StackARN
	LogicalID  string
	RequestID  string                // empty: caused by a proof that changed the state, not by a request
	Request    phonehome.RequestType // what the request asked for
	Refused    bool                  // the request was answered FAILED and changed nothing; Detail is what the customer reads
	Waiting    bool                  `json:",omitempty"` // the request was not answered yet; Cause has the reason
	Outcome    Outcome
	Before     RegistrationStatus // of the registration before; pending: there was no registration
	Status     RegistrationStatus // of the registration afterwards
	Detail     string             // for a person; may be empty
	By         string             `json:",omitempty"` // the vendor's principal that did it; empty: the registrar
	OnBehalf   string             `json:",omitempty"` // the one that asked that principal to do it: a caller of the onboarding API, or the customer
	Cause      string             `json:",omitempty"` // what the vendor can do about it, in the vendor's words
}
