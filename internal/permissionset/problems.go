// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"unicode"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// FieldError is one mistake, on the attribute in which a vendor writes it.
type FieldError struct {
	Field   string // "role.inline_policies": Terraform's names and the keys of maps, separated by dots
	Key     string // of a map, or the element of a list or set; empty: the field itself
	Problem string
}

func (e FieldError) Error() string {
	if e.Key == "" {
		return e.Field + ": " + e.Problem
	}
	return fmt.Sprintf("%s[%q]: %s", e.Field, e.Key, e.Problem)
}

// Validate returns all mistakes in a set, in a stable order.
func (s Set) Validate(vendor account.ID, partition account.Partition) []FieldError {
	return slices.Concat(s.ValidateTrust(vendor, partition), s.ValidatePermissions(partition))
}

// ValidateTrust returns the mistakes in who may assume the roles.
func (s Set) ValidateTrust(vendor account.ID, partition account.Partition) []FieldError {
	return slices.Concat(s.Trust.Validate(vendor, partition), s.validateAdditionalTrust(vendor, partition))
}

// ValidatePermissions returns the mistakes in what is granted, always and optionally,
// so that a plan can report them before the hub exists. The partition may be zero if
// it isn't known yet.
func (s Set) ValidatePermissions(partition account.Partition) []FieldError {
	return slices.Concat(s.validateRole(partition), s.validateParameters(), s.validateChooses(), s.validateOptional(partition), s.validateAdditional(partition), s.validateResources(), s.checkLogicalIDs())
}

// Problems collects mistakes.
type Problems []FieldError

// Add adds one mistake.
func (p *Problems) Add(field, key, format string, args ...any) {
	*p = append(*p, FieldError{field, key, fmt.Sprintf(format, args...)})
}

// dynamicReference matches what CloudFormation replaces, in any string of a template,
// by a secret or a setting of the customer's account.
var dynamicReference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\{\{\s*resolve\s*:`) })

// Inert refuses text that CloudFormation, or the package's own renderer, would change.
func (p *Problems) Inert(field, key, text string) {
	p.dynamic(field, key, text)
	if looksLikeReference(text) {
		p.Add(field, key, "it contains {{xacct, but references are allowed only in resources, in condition values and in ARNs")
	}
}

func (p *Problems) dynamic(field, key, text string) {
	if dynamicReference().MatchString(text) {
		p.Add(field, key, "it contains {{resolve:, which CloudFormation would replace with a value from the customer's account")
	}
}

// partition adds a problem if an ARN's partition is not the hub's. A zero partition
// isn't known yet.
func (p *Problems) partition(field, key string, got, want account.Partition) {
	if !want.IsZero() && got != want {
		p.Add(field, key, "%s", account.PartitionMismatch("the policy", got, want))
	}
}

// Invisible reports whether a character could reverse or hide text that a customer
// reads.
func Invisible(r rune) bool { return !unicode.IsGraphic(r) }
