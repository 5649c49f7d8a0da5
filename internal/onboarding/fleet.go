// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Fleet is many customers that are declared together: their links name the fleet, and
// are written, changed and closed with it. The record contains what the links have in
// common, and which owner may change them.
type Fleet struct {
	Hub  string
	Name string

	// PermissionSet is the name of the set that all links refer to, Region the Region
	// that they propose, and ExpiresAt when they expire; zero: never.
	PermissionSet string
	Region        account.Region
	ExpiresAt     time.Time `json:",omitzero"`

	// Incarnation identifies the creation that the record comes from.
	Incarnation Incarnation `json:",omitzero"`
	// ClosedAt is when the fleet was destroyed together with its links; zero: it was
	// not.
	ClosedAt time.Time `json:",omitzero"`

	CreatedAt time.Time
	// Revision counts writes, for the registry's optimistic locking of the record and
	// of all links that are written for the fleet.
	Revision int64
}

// ID returns the fleet's name for Terraform: hub/name.
func (f Fleet) ID() string { return f.Hub + "/" + f.Name }

// Closed reports whether the fleet was destroyed.
func (f Fleet) Closed() bool { return !f.ClosedAt.IsZero() }

// InFleet reports whether the link is open and belongs to the fleet with the given
// name.
func (l Link) InFleet(name string) bool { return !l.Closed && l.Fleet == name }

// HeldBy reports whether a state with the given incarnation ID, or with none, belongs
// to the link. For a link of a fleet it returns false: the incarnation is in the
// fleet's record.
func (l Link) HeldBy(id string) bool { return l.Fleet == "" && l.Incarnation.HeldBy(id) }
