// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package phonehome implements the wire formats of a phone-home: the SNS envelope in
// a queue message, the custom-resource request inside it, the response URL, and the
// answer.
//
// Decode returns a Request after all checks that need no call to a service: the
// request is well-formed, small enough, and asks for an answer at CloudFormation's
// own URL for this stack. The package makes no calls. Whether the request is genuine,
// and its claims are true, is decided by package onboarding.
package phonehome
