// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// FieldError is one mistake in a specification, on the attribute that a vendor
// writes it in.
type FieldError struct {
	Field   string // "role.inline_policies": Terraform's names and the keys of maps, with dots between
	Key     string // of a map, or the element of a list or set; empty: the field itself
	Problem string
}

func (e FieldError) Error() string {
	if e.Key == "" {
		return e.Field + ": " + e.Problem
	}
	return fmt.Sprintf("%s[%q]: %s", e.Field, e.Key, e.Problem)
}

// Validate says everything that is wrong with a specification, in a stable
// order.
func Validate(s Specification) []FieldError {
	return slices.Concat(ValidateHub(s), ValidateTrust(s), ValidateRole(s.Role, s.Partition),
		ValidateOptional(s.Role, s.OptionalPermissions, s.Partition))
}

// problems collects what is wrong.
type problems []FieldError

func (p *problems) add(field, key, format string, args ...any) {
	*p = append(*p, FieldError{field, key, fmt.Sprintf(format, args...)})
}

var hubNamePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)

const (
	maxDisplayName = 100 // characters; names stand in labels and events
	maxSupportURL  = 300 // bytes; it stands in the template's description

	minTimeout = 2 * time.Minute
	maxTimeout = time.Hour // CloudFormation's own (aws-facts 1.5)

	maxRegions = 200 // entries of a mapping
)

// ValidateHub looks at the parts of s that a hub declares.
func ValidateHub(s Specification) []FieldError {
	var p problems
	if !hubNamePattern.MatchString(s.Hub) {
		p.add("name", "", "%q is not a hub's name: it begins with a lower-case letter and has 2 to 31 lower-case letters, digits and hyphens", s.Hub)
	}
	if n := utf8.RuneCountInString(s.DisplayName); n > maxDisplayName {
		p.add("display_name", "", "it has %d characters, and %d is the most", n, maxDisplayName)
	}
	if strings.IndexFunc(s.DisplayName, invisible) >= 0 {
		p.add("display_name", "", "it has line breaks or other characters that cannot be seen")
	}
	p.inert("display_name", "", s.DisplayName)
	p.supportURL(s.SupportURL)
	if s.Vendor.IsZero() || s.Partition.IsZero() {
		p.add("account_id", "", "the vendor's account and partition are not known")
	}
	if len(s.Regions) == 0 || len(s.Regions) > maxRegions {
		p.add("regions", "", "a hub has 1 to %d Regions, not %d", maxRegions, len(s.Regions))
	}
	for _, region := range s.Regions {
		if region.Partition() != s.Partition {
			p.add("regions", region.String(), "%s", account.Apart("Region "+region.String(), region.Partition(), s.Partition))
		}
	}
	if topic := s.topicPrefix(); !topicPrefixPattern.MatchString(topic) {
		p.add("name", "", "%q cannot begin the name of an SNS topic", topic)
	}
	if s.ResponseTimeout < minTimeout || s.ResponseTimeout > maxTimeout || s.ResponseTimeout%time.Second != 0 {
		p.add("response_timeout", "", "%s is not between %s and %s in whole seconds", s.ResponseTimeout, minTimeout, maxTimeout)
	}
	return p
}

// invisible characters could turn what a customer reads around.
func invisible(r rune) bool { return !unicode.IsGraphic(r) }

var topicPrefixPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,240}$`)

func (p *problems) supportURL(text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	good := err == nil && (u.Scheme == "https" && u.Host != "" || u.Scheme == "mailto" && u.Opaque != "")
	if !good || len(text) > maxSupportURL || strings.IndexFunc(text, func(r rune) bool { return invisible(r) || unicode.IsSpace(r) }) >= 0 {
		p.add("support_url", "", "%q is not a URL that begins with https:// or mailto: and has at most %d characters", text, maxSupportURL)
	}
	p.inert("support_url", "", text)
}

// principalText is what stands in an ARN that means exactly one role: the
// condition that holds it would read * and ? as wildcards, and ${ as a variable.
var principalText = regexp.MustCompile(`^[\w+=,.@:/-]+$`)

// ValidateTrust looks at who may assume the role.
func ValidateTrust(s Specification) []FieldError {
	var p problems
	for _, principal := range s.TrustedPrincipals {
		text := principal.String()
		if !principalText.MatchString(text) {
			p.add("trusted_principal_arns", text, "the ARN must name one role, without wildcards")
		}
		if principal.Account != s.Vendor {
			p.add("trusted_principal_arns", text, "the role is in account %s, and only roles of the vendor's account %s can be trusted", principal.Account, s.Vendor)
		}
		if principal.Partition != s.Partition {
			p.add("trusted_principal_arns", text, "%s", account.Apart("the role", principal.Partition, s.Partition))
		}
	}
	// As long as the external IDs that hubs issue.
	trust := iampolicy.Trust(s.Vendor, s.Partition, strings.Repeat("0", 40), s.TrustedPrincipals).String()
	if size := utf8.RuneCountInString(trust); size > iampolicy.MaxTrustSize {
		p.add("trusted_principal_arns", "", "with %d principals the trust policy has %d characters, and IAM allows %d", len(s.TrustedPrincipals), size, iampolicy.MaxTrustSize)
	}
	return p
}

// dynamicReference is what CloudFormation replaces in any string of a template,
// by a secret or a setting of the customer's account.
var dynamicReference = regexp.MustCompile(`(?i)\{\{\s*resolve\s*:`)

// inert refuses text that CloudFormation would not leave as it is.
func (p *problems) inert(field, key, text string) {
	if dynamicReference.MatchString(text) {
		p.add(field, key, "it has {{resolve:, which CloudFormation would replace by a value from the customer's account")
	}
}

// partition says where an ARN leads that cannot be reached from the hub's
// partition. A zero partition is one that isn't known yet.
func (p *problems) partition(field, key string, got, want account.Partition) {
	if !want.IsZero() && got != want {
		p.add(field, key, "%s", account.Apart("the policy", got, want))
	}
}
