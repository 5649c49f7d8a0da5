// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Validate returns all mistakes of a specification, in a stable order.
func Validate(s Specification) []permissionset.FieldError {
	return slices.Concat(ValidateHub(s), s.Set.Validate(s.Vendor, s.Partition))
}

var hubNamePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`) })

const (
	maxDisplayName = 100 // characters; names are part of labels and events
	maxSupportURL  = 300 // bytes; the URL is part of the template's description

	minTimeout = 2 * time.Minute
	maxTimeout = time.Hour // CloudFormation's maximum (aws-facts 1.5)

	maxRegions = 200 // entries of a mapping
)

// ValidateHub returns the mistakes in the parts of s that a hub declares.
func ValidateHub(s Specification) []permissionset.FieldError {
	var p permissionset.Problems
	if !hubNamePattern().MatchString(s.Hub) {
		p.Add("name", "", "%q is not a hub's name: it begins with a lower-case letter and has 2 to 31 lower-case letters, digits and hyphens", s.Hub)
	}
	if n := utf8.RuneCountInString(s.DisplayName); n > maxDisplayName {
		p.Add("display_name", "", "it has %d characters, but at most %d are allowed", n, maxDisplayName)
	}
	if strings.IndexFunc(s.DisplayName, permissionset.Invisible) >= 0 {
		p.Add("display_name", "", "it has line breaks or other invisible characters")
	}
	p.Inert("display_name", "", s.DisplayName)
	supportURL(&p, s.SupportURL)
	if s.Vendor.IsZero() || s.Partition.IsZero() {
		p.Add("account_id", "", "the vendor's account and partition are not known")
	}
	if len(s.Regions) == 0 || len(s.Regions) > maxRegions {
		p.Add("regions", "", "a hub has 1 to %d Regions, not %d", maxRegions, len(s.Regions))
	}
	for _, region := range s.Regions {
		if region.Partition() != s.Partition {
			p.Add("regions", region.String(), "%s", account.PartitionMismatch("Region "+region.String(), region.Partition(), s.Partition))
		}
	}
	if topic := s.topicPrefix(); !topicPrefixPattern().MatchString(topic) {
		p.Add("name", "", "%q cannot begin the name of an SNS topic", topic)
	}
	if s.ResponseTimeout < minTimeout || s.ResponseTimeout > maxTimeout || s.ResponseTimeout%time.Second != 0 {
		p.Add("response_timeout", "", "%s is not between %s and %s in whole seconds", s.ResponseTimeout, minTimeout, maxTimeout)
	}
	return p
}

var topicPrefixPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,240}$`) })

func supportURL(p *permissionset.Problems, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	good := err == nil && (u.Scheme == "https" && u.Host != "" || u.Scheme == "mailto" && u.Opaque != "")
	if !good || len(text) > maxSupportURL || strings.IndexFunc(text, func(r rune) bool { return permissionset.Invisible(r) || unicode.IsSpace(r) }) >= 0 {
		p.Add("support_url", "", "%q is not a URL that begins with https:// or mailto: and has at most %d characters", text, maxSupportURL)
	}
	p.Inert("support_url", "", text)
}
