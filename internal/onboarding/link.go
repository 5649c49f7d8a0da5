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

	// ExternalIDVersion counts the rotations of the external ID: 2 is after the
	// first one, and 0 before. PastExternalIDs are those of this generation before
	// it, the latest last: see rotation.go.
	ExternalIDVersion int              `json:",omitempty"`
	PastExternalIDs   []PastExternalID `json:",omitempty"`
	// Issued is set if the hub has derived the external ID, which then can't be
	// guessed.
	Issued bool `json:",omitempty"`

	// Scope is whose stacks the link expects: see Admits.
	Scope Scope `json:",omitempty"`
	// Account is the account that the vendor named: the only one that may phone
	// home with the external ID, or an organization's management account, which
	// StackSets never reach (aws-facts 8). Zero: none was named.
	Account account.ID
	// Organization is the organization whose accounts may phone home, and
	// OnlyAccounts are the accounts of it that may; empty: all.
	Organization account.OrganizationID `json:",omitzero"`
	OnlyAccounts []account.ID           `json:",omitempty"`
	// Bound is the account that a link for anyone belongs to since the account
	// registered, and Reservation the one that is being connected. The registrar
	// writes both, into a separate record whose revision is BindingRevision. A
	// binding whose BindingEpoch differs from the link's was ended by the vendor.
	Bound           account.ID   `json:"-"`
	Reservation     *Reservation `json:"-"`
	BindingRevision int64        `json:"-"`
	BindingEpoch    int          `json:",omitempty"`
	// PastAccounts are the accounts that the vendor named before Account, each once.
	PastAccounts []PastAccount `json:",omitempty"`
	// ManyAccounts is set once the link was an organization's: then only the
	// registrations show which accounts the customer has.
	ManyAccounts bool `json:",omitempty"`

	// PermissionSet is the name of the set that the link refers to, and Set its
	// record, which the registry reads with the link: everything from RoleName to
	// FormerTemplates comes from there (see Refer). Empty: the link has these itself.
	PermissionSet string         `json:",omitempty"`
	Set           *PermissionSet `json:"-"`

	// RoleName and RolePath are those the stack must create.
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
	// TemplateParameters are those of the template that only some templates have:
	// the link fills them in, or they decide which role is expected. CloudFormation
	// refuses a parameter that its template lacks, and an older template stays in
	// use until the role changes.
	TemplateParameters []string `json:",omitempty"`
	// RenderedFor is a digest of what the template contains of the hub: if that
	// changes, another template is needed. Empty: unknown, because an earlier
	// release has rendered the template, or the set's record has it.
	RenderedFor string `json:",omitempty"`
	// FormerTemplates are earlier templates that may still be in use: see Follow.
	FormerTemplates []FormerTemplate `json:",omitempty"`

	// RegisterWithoutStack lets rounds of proofs look for the role: see
	// withoutstack.go.
	RegisterWithoutStack bool `json:",omitempty"`

	// Shard is the number of the topic, in every Region, that the stack publishes to.
	Shard int

	Closed    bool      // by the vendor: the Terraform resource was destroyed
	ClosedAt  time.Time // zero while open
	ExpiresAt time.Time // zero: never

	// Fleet is the name of the fleet that declares the link; empty: the link is
	// declared by itself.
	Fleet string `json:",omitempty"`
	// Incarnation identifies the creation of the link, zero for a fleet's, and Owner
	// the tool that created it.
	Incarnation Incarnation `json:",omitzero"`
	Owner       Owner       `json:",omitempty"`

	// Metadata is the vendor's own data, returned unchanged.
	Metadata map[string]string `json:",omitempty"`
	// AsksAccount is set if the customer names their account: until then
	// Account is zero, and the link admits none.
	AsksAccount bool `json:",omitempty"`
	// NamedAccounts are the accounts that the customer has named for this link.
	NamedAccounts []account.ID `json:",omitempty"`

	// Blocked is an operator's stop, for what the customer sends from now on:
	// nothing is connected or changed, and no role is proven.
	Blocked       bool
	BlockedAt     time.Time
	BlockedReason string // for the vendor; customers never read it

	// Declared is the vendor's declaration as JSON, for code that shows or
	// renders the link; the domain never looks inside.
	Declared json.RawMessage

	CreatedAt time.Time
	Revision  int64 // counts writes; the registry's optimistic lock

	// Former is set by the registry while the record is where the first release
	// stored it.
	Former bool `json:"-"`
}

// PastAccount is an account that a link was for.
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

// rolePathParameter is the parameter of templates whose customers choose the path
// of the role.
const rolePathParameter = "RolePath"

// ChoosesPath reports whether the customer chooses the path of the role: then
// RolePath is only what the link proposes.
func (l Link) ChoosesPath() bool { return slices.Contains(l.TemplateParameters, rolePathParameter) }

// Naming returns NamedAccounts with one more account; false if that would be more
// than most. An account that is in the list already is always allowed.
func (l Link) Naming(id account.ID, most int) ([]account.ID, bool) {
	if slices.Contains(l.NamedAccounts, id) {
		return l.NamedAccounts, true
	}
	return append(slices.Clone(l.NamedAccounts), id), len(l.NamedAccounts) < most
}
