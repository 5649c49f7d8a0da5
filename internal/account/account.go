// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package account holds the AWS identifiers that this project uses, as parsed
// values: an account ID, a Region with its partition, the ARNs of roles, topics
// and stacks, and the external ID.
//
// Every value is parsed once, where it enters the program, and is valid from
// then on; the zero value of each type means "none". The package uses no AWS
// SDK and makes no calls: it does not check whether an account or a role
// exists.
package account

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// ID is a 12-digit AWS account ID.
type ID struct{ digits string }

var idPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{12}$`) })

// ParseID returns the account ID in s, which must be exactly twelve digits.
func ParseID(s string) (ID, error) {
	if 0 < len(s) && len(s) < 12 && strings.Trim(s, "0123456789") == "" {
		return ID{}, fmt.Errorf("%q is not an AWS account ID: it has 12 digits, such as 012345678901, and a number loses its leading zeros: write it in quotes", clip(s))
	}
	if !idPattern().MatchString(s) {
		return ID{}, fmt.Errorf("%q is not an AWS account ID: it has 12 digits, such as 123456789012", clip(s))
	}
	return ID{s}, nil
}

// IsZero reports whether id is the zero value, "no account".
func (id ID) IsZero() bool { return id.digits == "" }

func (id ID) String() string { return id.digits }

// ExternalID is an sts:ExternalId: 2 to 1,224 characters of the set that STS
// accepts (aws-facts 7.1). It is an identifier, not a secret (7.3).
type ExternalID struct{ value string }

// The length is checked separately: regexp repeats at most 1,000 times.
var externalIDPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w+=,.@:/-]+$`) })

// ParseExternalID returns the external ID in s, if sts:AssumeRole accepts it.
func ParseExternalID(s string) (ExternalID, error) {
	if len(s) < 2 || len(s) > 1224 || !externalIDPattern().MatchString(s) {
		return ExternalID{}, fmt.Errorf("%q is not an external ID: it has 2 to 1224 characters, letters, digits and _+=,.@:/-", clip(s))
	}
	return ExternalID{s}, nil
}

// IsZero reports whether e is the zero value, "no external ID".
func (e ExternalID) IsZero() bool { return e.value == "" }

func (e ExternalID) String() string { return e.value }

// clip shortens text for an error message, because an attacker may have sent a
// megabyte.
func clip(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
