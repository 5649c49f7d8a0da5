// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// RegistrationStatus is the state of a customer's role.
type RegistrationStatus string

// The states of a registration. Pending is the absence of one: the link is
// out, and no stack has phoned home yet.
const (
	Pending      RegistrationStatus = "pending"
	Active       RegistrationStatus = "active"
	Degraded     RegistrationStatus = "degraded"
	Disconnected RegistrationStatus = "disconnected"
)

// Registration is what the vendor knows of one role in one customer account.
// There is one for each customer and account, and the newest stack owns it.
type Registration struct {
	Hub        string
	CustomerID string
	Account    account.ID

	Role       account.RoleARN
	ExternalID account.ExternalID
	// PreviousExternalID is the one that the role still accepts beside ExternalID,
	// as the stack reported it; zero: none.
	PreviousExternalID account.ExternalID `json:",omitzero"`

	Stack      account.StackARN
	LogicalID  string // of the custom resource in that stack
	PhysicalID string

	// RequestedAt is when the Create that made this stack the owner was sent:
	// of two stacks, the one that asked later owns the registration, in
	// whatever order their requests arrive.
	RequestedAt time.Time

	// Superseded are the stacks that owned the registration before and have not
	// been deleted yet: they will still want to publish their Delete.
	Superseded []account.StackARN

	Status RegistrationStatus
	Reason string // why it is degraded or disconnected, for a person
	// Open is set, for a degraded role, if the last full proof could assume it
	// without the external ID, or with a wrong one: others may get in.
	Open bool `json:",omitempty"`

	// AdditionalRoles are the ARNs of the stack's other roles, by their keys: the
	// registration is active while all of them prove.
	AdditionalRoles map[string]account.RoleARN `json:",omitempty"`

	TemplateVersion    string   // as the stack reported it
	GrantedPermissions []string // as the stack reported them
	// Parameters are what the customer typed in, as the stack reported it:
	// a stranger's text, to be shown and nothing else.
	Parameters map[string]string `json:",omitempty"`
	// Reported are the template outputs, as the stack reported them: a stranger's
	// text as well.
	Reported map[string]string `json:",omitempty"`

	RegisteredAt time.Time // of this stack
	ProvenAt     time.Time // last time that a proof changed or confirmed the state
	ChangedAt    time.Time

	// DeleteDoubtedAt is set while a Delete of the stack has come, it is not known
	// whether its answer arrived, and the role could not be assumed any more.
	DeleteDoubtedAt time.Time `json:",omitzero"`

	// Recovered is set while the role is known from a round of proofs after a
	// restore: a stack stands behind it, which the registry does not know.
	Recovered bool `json:",omitempty"`

	// WithoutStack is set while the role is known from a round of proofs that looked
	// for one that the customer made without a stack.
	WithoutStack bool `json:",omitempty"`

	Revision int64 // counts writes; the registry's optimistic lock

	// Former is set by the registry while the record is where the first release
	// stored it.
	Former bool `json:"-"`
}

// Live reports whether the role exists, as far as the registry knows: its stack
// has not sent a Delete, or it was adopted.
func (r Registration) Live() bool {
	return r.Status == Active || r.Status == Degraded
}

// Outdated reports whether the stack was made with another version of the
// template than the link's of today. It is not known of a role without a known
// stack.
func (r Registration) Outdated(link Link) bool {
	return r.Live() && !r.Stack.IsZero() && r.TemplateVersion != link.TemplateVersion
}
