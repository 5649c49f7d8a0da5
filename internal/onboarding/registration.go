// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// RegistrationStatus is the state of a customer's role.
type RegistrationStatus string

// The states of a registration. Pending means that there is none: the link exists,
// and no stack has phoned home yet.
const (
	Pending      RegistrationStatus = "pending"
	Active       RegistrationStatus = "active"
	Degraded     RegistrationStatus = "degraded"
	Disconnected RegistrationStatus = "disconnected"
)

// Registration is the registry's record of one role in one customer account. There is
// one for each customer and account, and the newest stack owns it.
type Registration struct {
	Hub        string
	CustomerID string
	Account    account.ID

	Role       account.RoleARN
	ExternalID account.ExternalID
	// PreviousExternalID is the external ID that the role still accepts beside
	// ExternalID, as the stack reported it; zero: none.
	PreviousExternalID account.ExternalID `json:",omitzero"`

	Stack      account.StackARN
	LogicalID  string // of the custom resource in that stack
	PhysicalID string

	// RequestedAt is when the Create that made this stack the owner was sent: of two
	// stacks, the one whose Create was sent later owns the registration, in whatever
	// order the requests arrive.
	RequestedAt time.Time

	// Superseded are the stacks that owned the registration before and have not been
	// deleted yet: they still have to publish their Delete.
	Superseded []account.StackARN

	Status RegistrationStatus
	Reason string // why it is degraded or disconnected, for a person
	// Open is set for a degraded role if the last full proof could assume it without
	// the external ID, or with a wrong one, so that other accounts may be able to
	// assume it.
	Open bool `json:",omitempty"`

	// AdditionalRoles are the ARNs of the stack's other roles, by their keys: the
	// registration is active while all of them pass their proofs.
	AdditionalRoles map[string]account.RoleARN `json:",omitempty"`

	TemplateVersion    string   // as the stack reported it
	GrantedPermissions []string // as the stack reported them
	// Parameters are the values that the customer entered, as the stack reported them.
	// They are untrusted text, only to be shown.
	Parameters map[string]string `json:",omitempty"`
	// Reported are the template outputs, as the stack reported them. They are
	// untrusted text, too.
	Reported map[string]string `json:",omitempty"`

	RegisteredAt time.Time // of this stack
	ProvenAt     time.Time // when a proof last changed or confirmed the state
	ChangedAt    time.Time

	// DeleteDoubtedAt is set if a Delete of the stack has come, it is not known
	// whether its answer arrived, and the role could not be assumed any more.
	DeleteDoubtedAt time.Time `json:",omitzero"`

	// Recovered is set while the role is known only from a health round after a
	// restore: it has a stack that is not in the registry.
	Recovered bool `json:",omitempty"`

	// WithoutStack is set while the role is known only from a health round that looked
	// for roles that customers created without a stack.
	WithoutStack bool `json:",omitempty"`

	Revision int64 // counts writes, for the registry's optimistic locking

	// Legacy is set by the registry as long as the record has the key under which the
	// first release stored it.
	Legacy bool `json:"-"`
}

// Live reports whether the role exists, as far as the registry knows: its stack
// has not sent a Delete, or it was adopted.
func (r Registration) Live() bool {
	return r.Status == Active || r.Status == Degraded
}

// Outdated reports whether the stack was created with another version of the template
// than the link's current one. It returns false for a role without a known stack.
func (r Registration) Outdated(link Link) bool {
	return r.Live() && !r.Stack.IsZero() && r.TemplateVersion != link.TemplateVersion
}
