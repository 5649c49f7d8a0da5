// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Link is one onboarding link: what the vendor expects of one customer.
type Link struct {
	Hub        string
	CustomerID string

	// Generation counts how often this customer ID was onboarded again after
	// offboarding; each generation has another external ID.
	Generation int
	ExternalID account.ExternalID

	// ExternalIDVersion counts the external IDs: 0 before any rotation, 2 after the
	// first. PastExternalIDs are the earlier ones of this generation, the latest last:
	// see rotation.go.
	ExternalIDVersion int              `json:",omitempty"`
	PastExternalIDs   []PastExternalID `json:",omitempty"`
	// Issued is set if the hub has derived the external ID, so that it cannot be
	// guessed.
	Issued bool `json:",omitempty"`

	// Scope defines whose stacks the link expects: see Admits.
	Scope Scope `json:",omitempty"`
	// Account is the account that the vendor named: the only one that may phone home
	// with the external ID, or an organization's management account, in which
	// StackSets create no stacks (aws-facts 8). Zero: the vendor named none.
	Account account.ID
	// Organization is the organization whose accounts may phone home, and
	// OnlyAccounts are the accounts of it that may; empty: all.
	Organization account.OrganizationID `json:",omitzero"`
	OnlyAccounts []account.ID           `json:",omitempty"`
	// Bound is the account that a link with ScopeAnyone belongs to since the account
	// registered, and Reservation is the one that is being connected. The registrar
	// writes both, into a separate record whose revision is BindingRevision. If the
	// BindingEpoch of a binding differs from the link's, the vendor has ended the
	// binding.
	Bound           account.ID   `json:"-"`
	Reservation     *Reservation `json:"-"`
	BindingRevision int64        `json:"-"`
	BindingEpoch    int          `json:",omitempty"`
	// PastAccounts are the accounts that the vendor named before Account, each once.
	PastAccounts []PastAccount `json:",omitempty"`
	// ManyAccounts is set if the scope is or ever was an organization: then only the
	// registrations show which accounts the customer has.
	ManyAccounts bool `json:",omitempty"`

	// PermissionSet is the name of the set that the link refers to, and Set its
	// record, which the registry reads with the link: all fields from RoleName to
	// FormerTemplates come from there (see WithSet). Empty: the link's own record has
	// these fields.
	PermissionSet string         `json:",omitempty"`
	Set           *PermissionSet `json:"-"`

	// RoleName and RolePath are those of the role that the stack must create.
	RoleName string
	RolePath string

	// TrustedPrincipals are the vendor's roles that may assume the customer's;
	// empty: all principals that the vendor's account allows.
	TrustedPrincipals []account.RoleARN

	// AdditionalRoles are the further roles that the stack creates, by their keys.
	AdditionalRoles []AdditionalRole `json:",omitempty"`

	// TemplateVersion is the digest of the current role and trust specification.
	TemplateVersion string
	TemplateURL     string
	// TemplateParameters are the parameters that only some templates have: the link
	// sets them, or they determine which role is expected. CloudFormation refuses a
	// parameter that its template lacks, and an older template stays in use until the
	// role changes.
	TemplateParameters []string `json:",omitempty"`
	// RenderedFor is a digest of the hub's settings that the template contains: if
	// they change, the template must be rendered again. Empty: unknown, because an
	// earlier release has rendered the template, or the set's record has the digest.
	RenderedFor string `json:",omitempty"`
	// FormerTemplates are earlier templates that may still be in use: see
	// Customer.KeepTemplates.
	FormerTemplates []FormerTemplate `json:",omitempty"`

	// RegisterWithoutStack makes health rounds look for the role: see withoutstack.go.
	RegisterWithoutStack bool `json:",omitempty"`

	// Shard is the number of the topic, in every Region, that the stack publishes to.
	Shard int

	Closed    bool      // the Terraform resource was destroyed, or the vendor closed the link otherwise
	ClosedAt  time.Time // zero while open
	ExpiresAt time.Time // zero: never

	// Fleet is the name of the fleet that declares the link; empty: the link has a
	// declaration of its own.
	Fleet string `json:",omitempty"`
	// Incarnation identifies the creation of the link, and is zero for a link of a
	// fleet. Owner is the tool that created the link.
	Incarnation Incarnation `json:",omitzero"`
	Owner       Owner       `json:",omitempty"`

	// Metadata is the vendor's own data, returned unchanged.
	Metadata map[string]string `json:",omitempty"`
	// AsksAccount is set if the customer names their own account: until then Account
	// is zero, and the link admits no account.
	AsksAccount bool `json:",omitempty"`
	// NamedAccounts are the accounts that the customer has named for this link.
	NamedAccounts []account.ID `json:",omitempty"`

	// Blocked is set while an operator has blocked the customer: requests connect and
	// change nothing, and no role is proven.
	Blocked       bool
	BlockedAt     time.Time
	BlockedReason string // for the vendor; customers never read it

	// Declared is the vendor's declaration as JSON, for code that shows or renders the
	// link. The domain does not read it.
	Declared json.RawMessage

	CreatedAt time.Time
	Revision  int64 // counts writes, for the registry's optimistic locking

	// Legacy is set by the registry as long as the record has the key under which the
	// first release stored it.
	Legacy bool `json:"-"`
}

// PastAccount is an account that the vendor had named for a link.
type PastAccount struct {
	Account account.ID
	Until   time.Time // when the vendor replaced or removed it; zero: unknown
}

// LinkStatus is the state of a link, as shown to people.
type LinkStatus string

// The states of a link.
const (
	LinkOpen    LinkStatus = "open"
	LinkExpired LinkStatus = "expired"
	LinkClosed  LinkStatus = "closed"
)

// Status returns the link's state at a moment.
func (l Link) Status(now time.Time) LinkStatus {
	switch {
	case l.Closed:
		return LinkClosed
	case !l.ExpiresAt.IsZero() && !now.Before(l.ExpiresAt):
		return LinkExpired
	}
	return LinkOpen
}

// ID returns the link's name for Terraform: hub/customer.
func (l Link) ID() string { return l.Hub + "/" + l.CustomerID }

// rolePathParameter is the parameter of templates in which customers choose the path
// of the role.
const rolePathParameter = "RolePath"

// ChoosesPath reports whether the customer chooses the path of the role: then
// RolePath is only the proposed path.
func (l Link) ChoosesPath() bool { return slices.Contains(l.TemplateParameters, rolePathParameter) }

// WithNamedAccount returns NamedAccounts with one more account; false if the list would
// exceed the limit. An account that is already in the list is always allowed.
func (l Link) WithNamedAccount(id account.ID, limit int) ([]account.ID, bool) {
	if slices.Contains(l.NamedAccounts, id) {
		return l.NamedAccounts, true
	}
	return append(slices.Clone(l.NamedAccounts), id), len(l.NamedAccounts) < limit
}
