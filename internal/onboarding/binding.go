// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Reservation reserves a link with ScopeAnyone between the answer and its commit:
// once one account is to receive SUCCESS, no other account may. It belongs to one
// request. Another request of the same account has to wait, because it may be forged,
// and the refusal of its answer would end the reservation.
//
// The commit binds the link to the account. Until then the reservation is temporary:
// it ends at once if the answer is refused, because then the request was forged, and
// otherwise it expires.
type Reservation struct {
	Account   account.ID
	Stack     account.StackARN
	RequestID string
	Until     time.Time
}

// reservationGrace is how long a reservation stays after the deadline of its request.
// If a registrar dies between answer and commit, the account has received SUCCESS, and
// the message is received again.
const reservationGrace = time.Hour

// Reserve returns the link with a reservation for the answer, if the answer would
// bind the link; otherwise it returns the link unchanged.
func (l Link) Reserve(a Answer) Link {
	l.Reservation = &Reservation{
		Account: a.Stack.Account, Stack: a.Stack, RequestID: a.RequestID, Until: a.Change.Deadline.Add(reservationGrace),
	}
	return l
}

// Release returns the link without the reservation of an answer that will never be
// committed; ok is false if the link has no such reservation.
func (l Link) Release(a Answer) (released Link, ok bool) {
	r := l.Reservation
	if r == nil || r.Stack != a.Stack || r.RequestID != a.RequestID {
		return l, false
	}
	l.Reservation = nil
	return l, true
}

// bind returns the link bound to the account whose answer was accepted.
func (l Link) bind(to account.ID) Link {
	l.Bound, l.Reservation = to, nil
	return l
}

// binds reports whether registering an account would bind the link to it.
func (l *Link) binds() bool { return l != nil && l.Scope == ScopeAnyone && l.Bound.IsZero() }

// reservedByOther reports whether the link is reserved for another account, or for
// another request of this account. If the answer to that request is refused, the
// reservation ends, and an answer sent meanwhile to this request would have none.
func (d decider) reservedByOther() bool {
	if !d.Link.binds() {
		return false
	}
	r := d.Link.Reservation
	return r != nil && d.now.Before(r.Until) && (r.Stack != d.Request.Stack || r.RequestID != d.Request.RequestID)
}
