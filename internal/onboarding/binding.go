// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Reservation holds a link for anyone between the answer and its commit: from
// the moment that one account is to be told SUCCESS no other one may be. It is
// one request's: another one of the same account, which may be forged and would
// give the link back when its answer is refused, waits.
//
// Like every change it becomes real only with the commit, which binds the link
// to the account. Until then it is a short promise: a refused answer, which
// answered a forgery, gives it back at once, and otherwise it expires.
type Reservation struct {
	Account   account.ID
	Stack     account.StackARN
	RequestID string
	Until     time.Time
}

// outlives is how long after the deadline of its request a reservation stays:
// a registrar that died between answer and commit has left a message that
// comes back, and whose account was told SUCCESS.
const outlives = time.Hour

// Reserve returns the link as it is written with an answer that would bind it.
func (l Link) Reserve(a Answer) Link {
	l.Reservation = &Reservation{
		Account: a.Stack.Account, Stack: a.Stack, RequestID: a.RequestID, Until: a.Change.Deadline.Add(outlives),
	}
	return l
}

// Release returns the link without the reservation of an answer that will never be
// committed; ok is false if it has none.
func (l Link) Release(a Answer) (released Link, ok bool) {
	r := l.Reservation
	if r == nil || r.Stack != a.Stack || r.RequestID != a.RequestID {
		return l, false
	}
	l.Reservation = nil
	return l, true
}

// bind returns the link once the account's answer was accepted.
func (l Link) bind(to account.ID) Link {
	l.Bound, l.Reservation = to, nil
	return l
}

// binds reports whether the link would become the account's by registering it.
func (l *Link) binds() bool { return l != nil && l.Scope == ScopeAnyone && l.Bound.IsZero() }

// reservedByOther reports whether another account is about to be connected, or
// this one by another request. If that one's answer is refused, it gives the link
// back, and an answer that had gone out beside it would be left without one.
func (d decider) reservedByOther() bool {
	if !d.Link.binds() {
		return false
	}
	r := d.Link.Reservation
	return r != nil && d.now.Before(r.Until) && (r.Stack != d.Request.Stack || r.RequestID != d.Request.RequestID)
}
