// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import "time"

// LongestBlockReason is the longest reason of a block, in characters: it must fit a
// few lines of a terminal.
const LongestBlockReason = 500

// Block refuses the customer's requests from now on, and reports whether that
// changes anything. Blocking again changes the reason.
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

// Unblock ends a block, and reports whether there was one.
func (l *Link) Unblock() (changed bool) {
	changed = l.Blocked
	l.Blocked, l.BlockedAt, l.BlockedReason = false, time.Time{}, ""
	return changed
}
