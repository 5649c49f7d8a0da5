// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package phonehome speaks the wire formats of a phone-home: the SNS envelope
// in a queue message, the custom-resource request inside it, the URL that its
// answer goes to, and the answer itself.
//
// Decode turns a message into a Request of which everything that can be known
// without asking a service is known: it is well-formed, small enough, and asks
// for an answer at CloudFormation's own address for this very stack. What the
// request claims, and whether it is genuine, is for package onboarding to
// decide; nothing here makes a call.
package phonehome
