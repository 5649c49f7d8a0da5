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
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// MaxOptionalPermissions is the maximum number in a set: people can still read a form
// with so many fields in the console, and it is far below CloudFormation's limit of
// 200 parameters (aws-facts 3.9).
const MaxOptionalPermissions = 50

// MaxSwitchText is the maximum length in characters of the description of an optional
// permission, which is the label of a field in a form.
const MaxSwitchText = 200

var switchKeyPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`) })

// ValidSwitchKey reports whether key is valid for an optional permission.
func ValidSwitchKey(key string) bool { return switchKeyPattern().MatchString(key) }

// validateOptional returns the mistakes in the optional permissions of a role. IAM's
// limits apply to the role with all of them switched on, so that no customer's choice
// can make their stack fail.
func (s Set) validateOptional(partition account.Partition) []FieldError {
	var p Problems
	r, optional := s.Role, s.OptionalPermissions
	if n := len(optional); n > MaxOptionalPermissions {
		p.Add(optionalField, "", "there are %d, but a customer can be asked to decide about at most %d", n, MaxOptionalPermissions)
	}
	p.switchNames(optional)
	once := owners{arns: map[string]string{}, inline: map[string]string{}, created: map[string]string{}}
	once.take("the role", r.Grants(), s.samples(partition))
	for _, key := range slices.Sorted(maps.Keys(optional)) {
		if ValidSwitchKey(key) {
			p.whenParameter(key, optional[key], s.CustomerParameters)
			p.optionalPermission(key, optional[key], once, s.grantsIn(optional[key].WhenParameter, partition))
		}
	}
	if len(p) == 0 {
		p.allSwitchedOn(s)
	}
	return p
}

const optionalField = "optional_permissions"

// switchNames refuses keys that can't become names of parameters, or that become the
// same name.
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

// owners are the role or optional permission to which each policy belongs.
type owners struct{ arns, inline, created map[string]string }

func (o owners) take(owner string, g Grants, v values) {
	for _, arn := range g.ManagedPolicyARNs {
		o.arns[v.in(arn)] = owner
	}
	for name := range g.InlinePolicies {
		o.inline[name] = owner
	}
	for name := range g.ManagedPolicies {
		o.created[name] = owner
	}
}

func (p *Problems) optionalPermission(key string, permission OptionalPermission, once owners, in grantsCheck) {
	field, g := optionalField+"."+key, permission.Grants()
	p.switchText(field+".description", permission.Description)
	if g.IsEmpty() {
		p.Add(optionalField, key, "it grants nothing: set managed_policy_arns, inline_policies or managed_policies, and check for a misspelt name, which is ignored")
	}
	p.grants(field, g, in)
	for _, arn := range sortedSet(g.ManagedPolicyARNs) {
		if owner, taken := once.arns[in.samples(in.partition).in(arn)]; taken {
			p.Add(field+".managed_policy_arns", arn, "%s has this policy already: a policy is granted in one place", owner)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.InlinePolicies)) {
		if owner, taken := once.inline[name]; taken {
			p.Add(field+".inline_policies", name, "%s has a policy of this name already, and a role has one policy of a name: use another one", owner)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.ManagedPolicies)) {
		if owner, taken := once.created[name]; taken {
			p.Add(field+".managed_policies", name, "%s has a policy of this name already, and the stack has one resource of a name: use another one", owner)
		}
	}
	once.take("the optional permission "+key, g, in.samples(in.partition))
}

func (p *Problems) switchText(field, text string) {
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "":
		p.Add(field, "", "it is empty, but customers read it next to the switch")
	case n > MaxSwitchText:
		p.Add(field, "", "it has %d characters, but at most %d are allowed: customers read it next to the switch", n, MaxSwitchText)
	case strings.IndexFunc(text, Invisible) >= 0:
		p.Add(field, "", "it has line breaks or other invisible characters")
	}
	p.Inert(field, "", text)
}

// allSwitchedOn checks IAM's limits for the role with every permission switched on. If
// a single grant exceeds a limit, that is reported for the grant.
func (p *Problems) allSwitchedOn(s Set) {
	r, optional := s.Role, s.OptionalPermissions
	all, inline := []Grants{r.Grants()}, Policies{}
	maps.Copy(inline, r.InlinePolicies)
	var more, longer bool
	for _, key := range slices.Sorted(maps.Keys(optional)) {
		g := optional[key].Grants()
		all = append(all, g)
		maps.Copy(inline, g.InlinePolicies)
		more = more || len(g.ManagedPolicyARNs)+len(g.ManagedPolicies) > 0
		longer = longer || len(g.InlinePolicies) > 0
	}
	if n, counted := s.attached(all...); more && n > maxManagedPolicies {
		p.Add(optionalField, "", "with all of them switched on the role has %d managed policies, but at most %d are allowed%s", n, maxManagedPolicies, counted)
	}
	if sum, err := iampolicy.InlineSize(s.longest().inPolicies(inline)); longer && err == nil && sum > iampolicy.MaxInlineSize {
		p.Add(optionalField, "", "with all of them switched on the role's inline policies have %d characters together, without whitespace, and IAM allows %d: move permissions to managed_policies", sum, iampolicy.MaxInlineSize)
	}
}

// checkLogicalIDs refuses names of managed policies that would become the same logical
// ID.
func (s Set) checkLogicalIDs() []FieldError {
	var p Problems
	taken := map[string]string{}
	for _, key := range s.AdditionalKeys() {
		taken[AdditionalResource(key)] = "additional role " + key
	}
	check := func(field, prefix string, g Grants) {
		for _, name := range slices.Sorted(maps.Keys(g.ManagedPolicies)) {
			parts, _ := s.divide(g.ManagedPolicies[name]) // an error is reported as a mistake of its own
			for i := range parts {
				id := prefix + policyLogicalID(name, i)
				if other, found := taken[id]; found && other != name {
					p.Add(field+".managed_policies", name, "its resource would be called %s, as that of %q: use another name", id, other)
					break
				}
				taken[id] = name
			}
		}
	}
	check("role", "", s.Role.Grants())
	for _, key := range slices.Sorted(maps.Keys(s.OptionalPermissions)) {
		check(optionalField+"."+key, "", s.OptionalPermissions[key].Grants())
	}
	for _, key := range s.AdditionalKeys() {
		check(additionalField+"."+key, AdditionalResource(key), s.Additional(key).Role.Grants())
	}
	return p
}
