// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// IAM's limits for a role (aws-facts 7.1, 7.2).
const (
	maxRoleDescription = 1000
	maxTags            = 50
	minSession         = 3600  // seconds
	maxSession         = 43200 // seconds
)

var (
	descriptionPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\x{9}\x{A}\x{D}\x{20}-\x{7E}\x{A1}-\x{FF}]*$`) })
	tagPattern         = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`) })
)

// validateRole returns the mistakes in the role alone.
func (s Set) validateRole(partition account.Partition) []FieldError {
	var p Problems
	r := s.Role
	if r.Path != "" {
		if err := account.CheckRolePath(r.Path); err != nil {
			p.Add("role.path", "", "%s", err)
		}
	}
	p.Inert("role.path", "", r.Path)
	if utf8.RuneCountInString(r.Description) > maxRoleDescription || !descriptionPattern().MatchString(r.Description) {
		p.Add("role.description", "", "IAM allows at most %d characters of Latin text, without control characters", maxRoleDescription)
	}
	p.Inert("role.description", "", r.Description)
	if d := r.MaxSessionDuration; d != 0 && (d < minSession || d > maxSession) {
		p.Add("role.max_session_duration", "", "%d seconds is not between %d and %d", d, minSession, maxSession)
	}
	check := s.grantsIn("", partition)
	p.grants("role", r.Grants(), check)
	if r.PermissionsBoundaryARN != "" {
		p.managedPolicy("role.permissions_boundary_arn", "", r.PermissionsBoundaryARN, check)
	}
	p.tags(r.Tags)
	return p
}

func (p *Problems) tags(tags map[string]string) {
	const field = "role.tags"
	if len(tags) > maxTags {
		p.Add(field, "", "a role can have %d tags at most, not %d", maxTags, len(tags))
	}
	seen := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		if n := utf8.RuneCountInString(key); n < 1 || n > 128 || !tagPattern().MatchString(key) {
			p.Add(field, key, "a tag's key has 1 to 128 letters, digits, spaces and _.:/=+-@")
		}
		if utf8.RuneCountInString(value) > 256 || !tagPattern().MatchString(value) {
			p.Add(field, key, "a tag's value has at most 256 letters, digits, spaces and _.:/=+-@")
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			p.Add(field, key, "keys that begin with aws: are reserved by AWS")
		}
		if other, ok := seen[strings.ToLower(key)]; ok {
			p.Add(field, key, "IAM considers it the same key as %q", other)
		}
		seen[strings.ToLower(key)] = key
		p.Inert(field, key, key)
		p.Inert(field, key, value)
	}
}
