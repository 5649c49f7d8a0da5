// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import "time"

// Incarnation identifies the creation of a link or hub that a record comes from. A
// Terraform state contains the ID of the one that it created or imported, and only
// that state may close or destroy it. The zero value belongs to the first release,
// which wrote no incarnations into records and states.
type Incarnation struct {
	ID    string    // random
	Since time.Time // when it was created or taken over
}

// HeldBy reports whether a state with the given ID, or with none, has this
// incarnation.
func (i Incarnation) HeldBy(id string) bool { return i.ID == id }
