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
	ChangeNothing  ChangeKind = ""         // the answer is all there is
	ChangeRegister ChangeKind = "register" // the stack's role becomes the registered one
	ChangeUpdate   ChangeKind = "update"   // the stack's properties moved
	ChangeDelete   ChangeKind = "delete"   // the resource is gone for good
	ChangeDoubt    ChangeKind = "doubt"    // from Settle only: the resource may be gone
)

// Change is what a request will change, decided and stored before its answer
// is sent, and committed (see Apply) only once CloudFormation has taken that
// answer. It holds everything that the commit needs, because the commit may
// come after a crash, in another process.
type Change struct {
	Kind       ChangeKind
	CustomerID string // also of a refused request whose customer is known
	Request    phonehome.RequestType
	SentAt     time.Time // of the request, by SNS's clock
	Deadline   time.Time // when CloudFormation stops waiting for the answer

	Properties    phonehome.Properties
	OldProperties phonehome.Properties `json:",omitzero"` // of an Update, as CloudFormation says
	PhysicalID    string

	Role account.RoleARN // zero: the registered role stays, and the additional ones
	// AdditionalRoles are those that were proven with the role, by their keys.
	AdditionalRoles map[string]account.RoleARN `json:",omitempty"`

	ExternalID account.ExternalID // that the role was proven with
	Status     RegistrationStatus // Active or Degraded; empty: stays as it is
	Reason     string             // why it is degraded; of a refusal: what the vendor can do about it
	Open       bool               `json:",omitempty"` // it is degraded because others may get in
	ProvenAt   time.Time          // zero: nothing was proven

	// Binds is set if registering also makes a link for anyone the account's
	// own: it is reserved when the answer is stored.
	Binds bool `json:",omitempty"`
}

// Outcome names what was decided, for logs, counters and history.
type Outcome string

// Transition is what one commit writes: the result of Apply. A nil part stays
// as it is; all nil means that the answer is marked committed and nothing else.
type Transition struct {
	Stack        *Stack
	Link         *Link // bound to the account that was registered
	Registration *Registration
	History      *HistoryEntry
	Event        *Event // for others, where the hub sends any
}

// Empty reports whether the transition writes nothing.
func (t Transition) Empty() bool { return t == Transition{} }

// Outcome returns the final outcome of an answer: what was decided, unless other
// requests were faster.
func (t Transition) Outcome(a Answer) Outcome {
	switch {
	case t.History != nil:
		return t.History.Outcome
	case t.Empty() && a.Change.Kind != ChangeNothing:
		return OutcomeOvertaken
	}
	return a.Outcome
}

// HistoryEntry is one line of a customer's history: what happened, and which
// request made it happen.
type HistoryEntry struct {
	At         time.Time
	CustomerID string
	Account    account.ID
	Stack      account.StackARN
	LogicalID  string
	RequestID  string                // empty: not a request, but a proof that changed the state
	Request    phonehome.RequestType // what the request asked for
	Refused    bool                  // it was answered FAILED and changed nothing; Detail is what the customer reads
	Waiting    bool                  `json:",omitempty"` // it was not answered yet: Cause says why
	Outcome    Outcome
	Before     RegistrationStatus // of the registration before; pending: there was none
	Status     RegistrationStatus // of the registration afterwards
	Detail     string             // for a person; may be empty
	By         string             `json:",omitempty"` // the vendor's principal who did it; empty: the registrar
	OnBehalf   string             `json:",omitempty"` // who asked that principal to do it: a caller of the onboarding API, or the customer
	Cause      string             `json:",omitempty"` // what the vendor can do about it, in the vendor's words
}
