// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import "time"

// Incarnation identifies the creation of a link or hub that a record comes from. A
// Terraform state holds the ID of the one that it created or imported: only that
// state may end what the record is of. The zero value is that of the first
// release, which wrote none into records and states.
type Incarnation struct {
	ID    string    // random
	Since time.Time // when it was created or taken over
}

// HeldBy reports whether a state that holds the given ID, or none, is of this
// incarnation.
func (i Incarnation) HeldBy(id string) bool { return i.ID == id }
