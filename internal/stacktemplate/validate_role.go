// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// What IAM allows a role (aws-facts 7.1, 7.2).
const (
	maxRoleDescription = 1000
	maxManagedPolicies = 20 // by AWS's default 10, and customers can have more
	maxTags            = 50
	minSession         = time.Hour
	maxSession         = 12 * time.Hour
)

var (
	descriptionPattern = regexp.MustCompile(`^[\x{9}\x{A}\x{D}\x{20}-\x{7E}\x{A1}-\x{FF}]*$`)
	tagPattern         = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// ValidateRole looks at the role alone, so that a plan can do so before the hub
// is there. The partition may be zero: not known yet.
func ValidateRole(r Role, partition account.Partition) []FieldError {
	var p problems
	if err := account.CheckRolePath(r.path()); err != nil {
		p.add("role.path", "", "%s", err)
	}
	p.inert("role.path", "", r.Path)
	if utf8.RuneCountInString(r.Description) > maxRoleDescription || !descriptionPattern.MatchString(r.Description) {
		p.add("role.description", "", "IAM takes at most %d characters of Latin text, without control characters", maxRoleDescription)
	}
	p.inert("role.description", "", r.Description)
	if d := r.MaxSessionDuration; d != 0 && (d < minSession || d > maxSession || d%time.Second != 0) {
		p.add("role.max_session_duration", "", "%d seconds is not between %d and %d", int64(d/time.Second), int64(minSession/time.Second), int64(maxSession/time.Second))
	}
	p.managedPolicies(r, partition)
	p.inlinePolicies("role.inline_policies", r.InlinePolicies, partition)
	p.tags(r.Tags)
	return p
}

func (p *problems) managedPolicies(r Role, partition account.Partition) {
	if n := len(sortedSet(r.ManagedPolicyARNs)); n > maxManagedPolicies {
		p.add("role.managed_policy_arns", "", "a role can have %d managed policies at most, not %d", maxManagedPolicies, n)
	}
	for _, text := range sortedSet(r.ManagedPolicyARNs) {
		p.managedPolicy("role.managed_policy_arns", text, text, partition)
	}
	if r.PermissionsBoundaryARN != "" {
		p.managedPolicy("role.permissions_boundary_arn", "", r.PermissionsBoundaryARN, partition)
	}
}

func (p *problems) managedPolicy(field, key, text string, partition account.Partition) {
	arn, err := account.ParsePolicyARN(text)
	if err != nil {
		p.add(field, key, "%s", err)
		return
	}
	p.partition(field, key, arn.Partition, partition)
	p.inert(field, key, text)
}

func (p *problems) inlinePolicies(field string, policies map[string]string, partition account.Partition) {
	sound := true
	for _, name := range sortedKeys(policies) {
		if err := account.CheckPolicyName(name); err != nil {
			p.add(field, name, "%s", err)
		}
		findings, err := iampolicy.Lint(policies[name], iampolicy.Inline, partition)
		if err != nil {
			p.add(field, name, "%s", err)
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
		p.add(field, "", "the inline policies have %d characters together, without whitespace, and IAM allows %d: move permissions to managed policies", sum, iampolicy.MaxInlineSize)
	}
}

// inertPolicy refuses a policy document that CloudFormation would not take word
// by word, and reports whether it does.
func (p *problems) inertPolicy(field, name, text string) bool {
	before := len(*p)
	if tree, err := decode([]byte(text)); err == nil {
		p.inertTree(field, name, tree)
	}
	return len(*p) == before
}

// refused are the linter's errors; its warnings are Review's.
func (p *problems) refused(field, name string, findings []iampolicy.Finding) {
	for _, f := range findings {
		if f.Severity == iampolicy.SeverityError {
			p.add(field, name, "%s", f.Message)
		}
	}
}

// inertTree looks at a part of a policy: an object with one of these keys is a
// function to CloudFormation.
func (p *problems) inertTree(field, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if key == "Ref" || strings.HasPrefix(key, "Fn::") {
				p.add(field, name, "the key %q would be read as a CloudFormation function", key)
			}
			p.inert(field, name, key)
			p.inertTree(field, name, v[key])
		}
	case []any:
		for _, inner := range v {
			p.inertTree(field, name, inner)
		}
	case string:
		p.inert(field, name, v)
	}
}

func (p *problems) tags(tags map[string]string) {
	const field = "role.tags"
	if len(tags) > maxTags {
		p.add(field, "", "a role can have %d tags at most, not %d", maxTags, len(tags))
	}
	seen := map[string]string{}
	for _, key := range sortedKeys(tags) {
		value := tags[key]
		if n := utf8.RuneCountInString(key); n < 1 || n > 128 || !tagPattern.MatchString(key) {
			p.add(field, key, "a tag's key has 1 to 128 letters, digits, spaces and _.:/=+-@")
		}
		if utf8.RuneCountInString(value) > 256 || !tagPattern.MatchString(value) {
			p.add(field, key, "a tag's value has at most 256 letters, digits, spaces and _.:/=+-@")
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			p.add(field, key, "keys that begin with aws: belong to AWS")
		}
		if other, ok := seen[strings.ToLower(key)]; ok {
			p.add(field, key, "IAM takes it for the same key as %q", other)
		}
		seen[strings.ToLower(key)] = key
		p.inert(field, key, key)
		p.inert(field, key, value)
	}
}
