// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// What IAM allows a role (aws-facts 7.1, 7.2).
const (
	maxRoleDescription = 1000
	maxManagedPolicies = 20 // by AWS's default 10, and customers can have more
	maxTags            = 50
	minSession         = 3600  // seconds
	maxSession         = 43200 // seconds
)

var (
	descriptionPattern = regexp.MustCompile(`^[\x{9}\x{A}\x{D}\x{20}-\x{7E}\x{A1}-\x{FF}]*$`)
	tagPattern         = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// validate returns what is wrong with the role alone.
func (r Role) validate(partition account.Partition) []FieldError {
	var p Problems
	if r.Path != "" {
		if err := account.CheckRolePath(r.Path); err != nil {
			p.Add("role.path", "", "%s", err)
		}
	}
	p.Inert("role.path", "", r.Path)
	if utf8.RuneCountInString(r.Description) > maxRoleDescription || !descriptionPattern.MatchString(r.Description) {
		p.Add("role.description", "", "IAM takes at most %d characters of Latin text, without control characters", maxRoleDescription)
	}
	p.Inert("role.description", "", r.Description)
	if d := r.MaxSessionDuration; d != 0 && (d < minSession || d > maxSession) {
		p.Add("role.max_session_duration", "", "%d seconds is not between %d and %d", d, minSession, maxSession)
	}
	p.managedPolicies(r, partition)
	p.inlinePolicies("role.inline_policies", r.InlinePolicies, partition)
	p.tags(r.Tags)
	return p
}

func (p *Problems) managedPolicies(r Role, partition account.Partition) {
	if n := len(sortedSet(r.ManagedPolicyARNs)); n > maxManagedPolicies {
		p.Add("role.managed_policy_arns", "", "a role can have %d managed policies at most, not %d", maxManagedPolicies, n)
	}
	for _, text := range sortedSet(r.ManagedPolicyARNs) {
		p.managedPolicy("role.managed_policy_arns", text, text, partition)
	}
	if r.PermissionsBoundaryARN != "" {
		p.managedPolicy("role.permissions_boundary_arn", "", r.PermissionsBoundaryARN, partition)
	}
}

func (p *Problems) managedPolicy(field, key, text string, partition account.Partition) {
	arn, err := account.ParsePolicyARN(text)
	if err != nil {
		p.Add(field, key, "%s", err)
		return
	}
	p.partition(field, key, arn.Partition, partition)
	p.Inert(field, key, text)
}

func (p *Problems) inlinePolicies(field string, policies Policies, partition account.Partition) {
	sound := true
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		if err := account.CheckPolicyName(name); err != nil {
			p.Add(field, name, "%s", err)
		}
		findings, err := iampolicy.Lint(policies[name], iampolicy.Inline, partition)
		if err != nil {
			p.Add(field, name, "%s", err)
			sound = false
			continue
		}
		if p.inertPolicy(field, name, policies[name]) {
			p.refused(field, name, findings)
		}
	}
	if !sound {
		return
	}
	if sum, err := iampolicy.InlineSize(policies); err == nil && sum > iampolicy.MaxInlineSize {
		p.Add(field, "", "the inline policies have %d characters together, without whitespace, and IAM allows %d: move permissions to managed policies", sum, iampolicy.MaxInlineSize)
	}
}

// inertPolicy refuses a policy document that CloudFormation would not take word
// by word, and reports whether it does.
func (p *Problems) inertPolicy(field, name, text string) bool {
	before := len(*p)
	if tree, err := Decode([]byte(text)); err == nil {
		p.inertTree(field, name, tree)
	}
	return len(*p) == before
}

// refused are the linter's errors; its warnings are Review's.
func (p *Problems) refused(field, name string, findings []iampolicy.Finding) {
	for _, f := range findings {
		if f.Severity == iampolicy.SeverityError {
			p.Add(field, name, "%s", f.Message)
		}
	}
}

// inertTree looks at a part of a policy: an object with one of these keys is a
// function to CloudFormation.
func (p *Problems) inertTree(field, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key == "Ref" || strings.HasPrefix(key, "Fn::") {
				p.Add(field, name, "the key %q would be read as a CloudFormation function", key)
			}
			p.Inert(field, name, key)
			p.inertTree(field, name, v[key])
		}
	case []any:
		for _, inner := range v {
			p.inertTree(field, name, inner)
		}
	case string:
		p.Inert(field, name, v)
	}
}

func (p *Problems) tags(tags map[string]string) {
	const field = "role.tags"
	if len(tags) > maxTags {
		p.Add(field, "", "a role can have %d tags at most, not %d", maxTags, len(tags))
	}
	seen := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		if n := utf8.RuneCountInString(key); n < 1 || n > 128 || !tagPattern.MatchString(key) {
			p.Add(field, key, "a tag's key has 1 to 128 letters, digits, spaces and _.:/=+-@")
		}
		if utf8.RuneCountInString(value) > 256 || !tagPattern.MatchString(value) {
			p.Add(field, key, "a tag's value has at most 256 letters, digits, spaces and _.:/=+-@")
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			p.Add(field, key, "keys that begin with aws: belong to AWS")
		}
		if other, ok := seen[strings.ToLower(key)]; ok {
			p.Add(field, key, "IAM takes it for the same key as %q", other)
		}
		seen[strings.ToLower(key)] = key
		p.Inert(field, key, key)
		p.Inert(field, key, value)
	}
}
