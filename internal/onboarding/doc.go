// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package onboarding is the domain: onboarding links, registrations and stacks, and
// the rules by which a phone-home changes them.
//
// Decide returns the answer to a request, or the role that has to be proven first.
// Apply returns the changes of an accepted answer. Settle returns what to do with an
// answer that may not have arrived. Health returns the changes after a later proof.
// All of them are pure: they read no clock, make no calls and store nothing. The
// registrar reads what they need, and stores and sends what they return, in that
// order.
package onboarding
