// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Fleet is many customers who are declared together: the link of each names the
// fleet, and is written, changed and closed with it. The record has what they have
// in common, and says who may change them.
type Fleet struct {
	Hub  string
	Name string

	// PermissionSet is the name of the set that all links refer to, Region the one
	// that they propose, ExpiresAt when they expire; zero: never.
	PermissionSet string
	Region        account.Region
	ExpiresAt     time.Time `json:",omitzero"`

	// Incarnation is the creation that the record comes from.
	Incarnation Incarnation `json:",omitzero"`
	// ClosedAt is when the fleet was destroyed, with its links; zero: it was not.
	ClosedAt time.Time `json:",omitzero"`

	CreatedAt time.Time
	// Revision counts writes. It is the registry's optimistic lock, of the record
	// and of all links that are written for the fleet.
	Revision int64
}

// ID returns the fleet's name for Terraform: hub/name.
func (f Fleet) ID() string { return f.Hub + "/" + f.Name }

// Closed reports whether the fleet was destroyed.
func (f Fleet) Closed() bool { return !f.ClosedAt.IsZero() }

// InFleet reports whether the link is open, and a fleet's of the given name.
func (l Link) InFleet(name string) bool { return !l.Closed && l.Fleet == name }

// HeldBy reports whether a state that holds the ID of an incarnation, or none, is
// the link's: that of a fleet's link is in the fleet's record.
func (l Link) HeldBy(id string) bool { return l.Fleet == "" && l.Incarnation.HeldBy(id) }
