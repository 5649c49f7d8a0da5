// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// The maximum number of changes, and of characters in each, that a plan shows, so that
// people still read them.
const (
	maxChanges    = 15
	maxChangeSize = 300 // characters of one
)

// Changes returns what a customer with this set gains and loses by the next one, one
// change per element. It covers only what the version covers, so not the wording. It
// compares policies by what they grant: moving a statement from one policy to another,
// or writing it differently, is no change.
func (s Set) Changes(next Set) []string {
	var c changes
	c.role(s, next)
	c.additional(s, next)
	c.resources(s, next)
	return c.bounded()
}

// role adds the changes of one role and of who may assume it.
func (c *changes) role(s, next Set) {
	s.Role, next.Role = s.Role.WithDefaults(), next.Role.WithDefaults()
	c.permissions("", s.Role.Grants(), next.Role.Grants())
	c.optional(s.OptionalPermissions, next.OptionalPermissions)
	c.sets("can be assumed by ", "can no longer be assumed by ", s.trusted(), next.trusted())
	c.sets("can be assumed by account ", "can no longer be assumed by account ", s.TrustedAccountIDs, next.TrustedAccountIDs)
	c.flag("tags", s.AllowSessionTags, next.AllowSessionTags)
	c.flag("a source identity", s.AllowSourceIdentity, next.AllowSourceIdentity)
	c.value("permissions boundary", s.Role.PermissionsBoundaryARN, next.Role.PermissionsBoundaryARN)
	c.value("longest session in seconds", fmt.Sprint(s.Role.MaxSessionDuration), fmt.Sprint(next.Role.MaxSessionDuration))
	c.value("path", s.Role.Path, next.Role.Path)
	if s.Role.Description != next.Role.Description {
		*c = append(*c, "has another description")
	}
	if !maps.Equal(s.Role.Tags, next.Role.Tags) {
		*c = append(*c, "has other tags")
	}
}

type changes []string

func (c *changes) lines(verb string, texts []string) {
	for _, text := range texts {
		*c = append(*c, verb+text)
	}
}

func (c *changes) permissions(where string, was, now Grants) {
	before, after := granting(was), granting(now)
	c.lines(where+"gains ", after.without(before))
	c.lines(where+"loses ", before.without(after))
	c.sets(where+"gains managed policy ", where+"loses managed policy ", was.ManagedPolicyARNs, now.ManagedPolicyARNs)
}

// optional adds the changes of what customers may switch on or off: permissions that
// are added, removed or changed.
func (c *changes) optional(before, after map[string]OptionalPermission) {
	keys, nextKeys := slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after))
	c.sets("offers optional permission ", "no longer offers optional permission ", keys, nextKeys)
	for _, key := range slices.Sorted(maps.Keys(after)) {
		if was, there := before[key]; there {
			c.permissions("optional permission "+key+": ", was.Grants(), after[key].Grants())
			c.value("condition on optional permission "+key+":", ifGiven(was.WhenParameter), ifGiven(after[key].WhenParameter))
		}
	}
}

// ifGiven returns a condition for a sentence: when an optional permission without a
// switch applies.
func ifGiven(parameter string) string {
	if parameter == "" {
		return ""
	}
	return "the customer gives " + parameter
}

func (c *changes) sets(gained, lost string, before, after []string) {
	c.lines(gained, missing(before, after))
	c.lines(lost, missing(after, before))
}

func (c *changes) flag(what string, before, after bool) {
	switch {
	case before == after:
	case after:
		*c = append(*c, "lets sessions have "+what)
	default:
		*c = append(*c, "no longer lets sessions have "+what)
	}
}

func (c *changes) value(name, before, after string) {
	switch {
	case before == after:
	case before == "":
		*c = append(*c, fmt.Sprintf("gets %s %s", name, after))
	case after == "":
		*c = append(*c, fmt.Sprintf("loses %s %s", name, before))
	default:
		*c = append(*c, fmt.Sprintf("has %s %s instead of %s", name, after, before))
	}
}

func (c changes) bounded() []string {
	if rest := len(c) - maxChanges; rest > 1 {
		c = append(c[:maxChanges:maxChanges], fmt.Sprintf("and %d changes more", rest))
	}
	for i, line := range c {
		if text := []rune(line); len(text) > maxChangeSize {
			c[i] = string(text[:maxChangeSize]) + "…"
		}
	}
	return c
}

// trusted returns the names of the principals that may assume the role.
func (t Trust) trusted() []string {
	if len(t.TrustedPrincipals) == 0 {
		return []string{"all principals that the vendor's account allows"}
	}
	return t.TrustedPrincipals
}

// missing returns the elements of the second list that the first does not contain,
// sorted.
func missing(from, of []string) []string {
	var found []string
	for _, text := range slices.Compact(slices.Sorted(slices.Values(of))) {
		if !slices.Contains(from, text) {
			found = append(found, text)
		}
	}
	return found
}

// granted is the content of inline and managed policies in single grants: each action
// on each resource under each condition. The value is the action as it was written; in
// the key, the case of actions is ignored, as in IAM.
type granted map[grant]string

type grant struct{ action, resource, condition string }

func granting(g Grants) granted {
	all := granted{}
	for kind, policies := range map[string]Policies{"inline policy ": g.InlinePolicies, "managed policy ": g.ManagedPolicies} {
		for name, text := range policies {
			document, err := iampolicy.ParseIdentity(text)
			if err != nil {
				all[grant{action: kind + name, resource: text}] = kind + name
				continue
			}
			for _, s := range document.Statements {
				all.add(s)
			}
		}
	}
	return all
}

func (g granted) add(s iampolicy.Statement) {
	prefix, condition := "", ""
	if s.Effect == iampolicy.Deny {
		prefix = "a denial of "
	}
	if len(s.Condition) > 0 {
		condition = iampolicy.Document{Statements: []iampolicy.Statement{{Condition: s.Condition}}}.Canonical()
	}
	actions, resources := s.Action, s.Resource
	if len(s.NotAction) > 0 {
		actions = []string{"everything but " + joined(s.NotAction)}
	}
	if len(s.NotResource) > 0 {
		resources = []string{"everything but " + joined(s.NotResource)}
	}
	for _, action := range actions {
		for _, resource := range resources {
			g[grant{prefix + strings.ToLower(action), resource, condition}] = prefix + action
		}
	}
}

func joined(texts []string) string { return strings.Join(slices.Sorted(slices.Values(texts)), ", ") }

// without returns descriptions of the grants that others does not contain. Actions
// with the same resources and conditions are in one description.
func (g granted) without(others granted) []string {
	type place struct{ resources, condition string }
	resources, actions := map[grant][]string{}, map[place][]string{}
	for one, action := range g {
		if _, there := others[one]; !there {
			of := grant{action: action, condition: one.condition}
			resources[of] = append(resources[of], one.resource)
		}
	}
	for of, list := range resources {
		at := place{joined(list), of.condition}
		actions[at] = append(actions[at], of.action)
	}
	var found []string
	for at, list := range actions {
		text := joined(list) + " on " + at.resources
		if at.condition != "" {
			text += ", under conditions"
		}
		found = append(found, text)
	}
	slices.Sort(found)
	return found
}
