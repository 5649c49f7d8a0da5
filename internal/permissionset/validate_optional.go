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

// MaxOptionalPermissions is the most that a link can have: a form in the
// console that somebody can still read, and far below CloudFormation's limit of
// 200 parameters (aws-facts 3.9).
const MaxOptionalPermissions = 50

// MaxSwitchText is the longest description of an optional permission, in
// characters. It is the label of a field in a form.
const MaxSwitchText = 200

var switchKeyPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// ValidSwitchKey reports whether a text can be the key of an optional permission.
func ValidSwitchKey(key string) bool { return switchKeyPattern.MatchString(key) }

// validate returns what is wrong with the optional permissions of a role. The
// limits of IAM are for the role with everything switched on, so that no
// customer's choice can make their stack fail.
func (c Choices) validate(r Role, partition account.Partition) []FieldError {
	var p Problems
	optional := c.OptionalPermissions
	if n := len(optional); n > MaxOptionalPermissions {
		p.Add(optionalField, "", "there are %d, and %d is the most that a customer can be asked to decide about", n, MaxOptionalPermissions)
	}
	p.switchNames(optional)
	once := owners{arns: map[string]string{}, names: map[string]string{}}
	for _, arn := range r.ManagedPolicyARNs {
		once.arns[arn] = "the role"
	}
	for name := range r.InlinePolicies {
		once.names[name] = "the role"
	}
	for _, key := range slices.Sorted(maps.Keys(optional)) {
		if ValidSwitchKey(key) {
			p.optionalPermission(key, optional[key], once, partition)
		}
	}
	if len(p) == 0 {
		p.everythingOn(r, optional)
	}
	return p
}

const optionalField = "optional_permissions"

// switchNames refuses keys that cannot become the names of parameters, each its
// own.
func (p *Problems) switchNames(optional map[string]OptionalPermission) {
	parameters := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(optional)) {
		if !ValidSwitchKey(key) {
			p.Add(optionalField, key, "a key has 1 to 41 lower-case letters, digits and underscores, and begins with a letter")
			continue
		}
		parameter := SwitchParameter(key)
		if other, taken := parameters[parameter]; taken {
			p.Add(optionalField, key, "its parameter would be called %s, as that of %q: use another key", parameter, other)
		}
		parameters[parameter] = key
	}
}

// owners are who has a policy already: the role, or another optional permission.
type owners struct{ arns, names map[string]string }

func (p *Problems) optionalPermission(key string, permission OptionalPermission, once owners, partition account.Partition) {
	field := optionalField + "." + key
	p.switchText(field+".description", permission.Description)
	if len(permission.ManagedPolicyARNs)+len(permission.InlinePolicies) == 0 {
		p.Add(optionalField, key, "it grants nothing: give it managed_policy_arns or inline_policies")
	}
	for _, arn := range sortedSet(permission.ManagedPolicyARNs) {
		p.managedPolicy(field+".managed_policy_arns", arn, arn, partition)
		if owner, taken := once.arns[arn]; taken {
			p.Add(field+".managed_policy_arns", arn, "%s has this policy already: a policy is granted in one place", owner)
		}
		once.arns[arn] = "the optional permission " + key
	}
	p.inlinePolicies(field+".inline_policies", permission.InlinePolicies, partition)
	for _, name := range slices.Sorted(maps.Keys(permission.InlinePolicies)) {
		if owner, taken := once.names[name]; taken {
			p.Add(field+".inline_policies", name, "%s has a policy of this name already, and a role has one policy of a name: use another one", owner)
		}
		once.names[name] = "the optional permission " + key
	}
}

func (p *Problems) switchText(field, text string) {
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "":
		p.Add(field, "", "it is empty, and it is what customers read beside the switch")
	case n > MaxSwitchText:
		p.Add(field, "", "it has %d characters, and %d is the most: customers read it beside the switch", n, MaxSwitchText)
	case strings.IndexFunc(text, Invisible) >= 0:
		p.Add(field, "", "it has line breaks or other characters that cannot be seen")
	}
	p.Inert(field, "", text)
}

// everythingOn holds IAM's limits for the role with every switch turned on. What
// the role has too much of by itself, ValidateRole says.
func (p *Problems) everythingOn(r Role, optional map[string]OptionalPermission) {
	managed, inline := slices.Clone(r.ManagedPolicyARNs), maps.Clone(r.InlinePolicies)
	if inline == nil {
		inline = Policies{}
	}
	var more, longer bool
	for _, permission := range optional {
		managed = append(managed, permission.ManagedPolicyARNs...)
		maps.Copy(inline, permission.InlinePolicies)
		more = more || len(permission.ManagedPolicyARNs) > 0
		longer = longer || len(permission.InlinePolicies) > 0
	}
	if n := len(sortedSet(managed)); more && n > maxManagedPolicies {
		p.Add(optionalField, "", "with all of them switched on the role has %d managed policies, and %d is the most", n, maxManagedPolicies)
	}
	if sum, err := iampolicy.InlineSize(inline); longer && err == nil && sum > iampolicy.MaxInlineSize {
		p.Add(optionalField, "", "with all of them switched on the role's inline policies have %d characters together, without whitespace, and IAM allows %d: move permissions to managed policies", sum, iampolicy.MaxInlineSize)
	}
}
