// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import "time"

// MaxBlockReason is the maximum length of a block's reason, in characters: it
// must fit in a few lines of a terminal.
const MaxBlockReason = 500

// Block makes the link refuse the customer's requests from now on, and reports
// whether that changes anything. Blocking a blocked link changes the reason.
func (l *Link) Block(reason string, now time.Time) (changed bool) {
	if l.Blocked && l.BlockedReason == reason {
		return false
	}
	if !l.Blocked {
		l.Blocked, l.BlockedAt = true, now.UTC()
	}
	l.BlockedReason = reason
	return true
}

// Unblock ends a block, and reports whether the link was blocked.
func (l *Link) Unblock() (changed bool) {
	changed = l.Blocked
	l.Blocked, l.BlockedAt, l.BlockedReason = false, time.Time{}, ""
	return changed
}
