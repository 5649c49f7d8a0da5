// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package onboarding is the domain: onboarding links, registrations and
// stacks, and the rules by which a phone-home turns one into another.
//
// Decide says what answer a request gets, or which role has to be proven
// first; Apply says what an accepted answer changes; Settle, what becomes of an
// answer that is not known to have arrived; Health, what a later proof means.
// All are pure: they read no clock, make no calls, store nothing. Fetching what
// they ask for, sending and storing what they say, in that order, is the
// registrar's work.
package onboarding
