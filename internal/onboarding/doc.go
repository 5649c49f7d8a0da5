// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package onboarding is the domain: onboarding links, registrations and
// stacks, and the rules by which a phone-home turns one into another.
//
// Decide returns the answer to a request, or the role that has to be proven
// first; Apply, what an accepted answer changes; Settle, what to do with an
// answer that may not have arrived; Health, what a later proof changes.
// All are pure: they read no clock, make no calls, store nothing. Fetching what
// they ask for, sending and storing what they say, in that order, is the
// registrar's work.
package onboarding
