// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Equivalent reports whether two documents mean the same: the order of
// statements and lists, a list of one or its string, the case of actions, and
// an account's root ARN or its number make no difference. The document's Id is
// a label and is ignored; Sids are compared, because people look for them.
func Equivalent(a, b string) (bool, error) {
	first, err := Parse(a)
	if err != nil {
		return false, err
	}
	second, err := Parse(b)
	if err != nil {
		return false, err
	}
	return first.Canonical() == second.Canonical(), nil
}

// Canonical returns a text that is equal for all documents that mean the same.
// It is for comparing and hashing, not for sending to AWS.
func (d Document) Canonical() string {
	statements := make([]string, len(d.Statements))
	for i, s := range d.Statements {
		statements[i] = encode(s.canonical())
	}
	version := d.Version
	if version == "" {
		version = Version2008
	}
	return version + "\n" + strings.Join(sorted(statements), "\n")
}

// canonicalStatement returns the statement with every list written as a list.
type canonicalStatement struct {
	Sid                     string
	Effect                  Effect
	Principal, NotPrincipal map[string][]string
	Action, NotAction       []string
	Resource, NotResource   []string
	Condition               map[string]map[string][]string
}

func (s Statement) canonical() canonicalStatement {
	c := canonicalStatement{
		Sid: s.Sid, Effect: s.Effect,
		Principal: canonicalPrincipals(s.Principal), NotPrincipal: canonicalPrincipals(s.NotPrincipal),
		Action: canonicalActions(s.Action), NotAction: canonicalActions(s.NotAction),
		Resource: sorted(s.Resource), NotResource: sorted(s.NotResource),
		Condition: map[string]map[string][]string{},
	}
	for operator, keys := range s.Condition {
		c.Condition[operator] = map[string][]string{}
		for key, values := range keys {
			c.Condition[operator][canonicalKey(key)] = sorted(append(c.Condition[operator][canonicalKey(key)], values...))
		}
	}
	return c
}

var rootARN = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^arn:[a-z-]+:iam::([0-9]{12}):root$`) })

func canonicalPrincipals(principals Principals) map[string][]string {
	byKind := map[string][]string{}
	for kind, values := range principals {
		list := make([]string, len(values))
		for i, v := range values {
			// AWS returns one of these forms if the other was given (aws-facts
			// 5.5).
			list[i] = rootARN().ReplaceAllString(v, "$1")
		}
		byKind[kind] = sorted(list)
	}
	return byKind
}

func canonicalActions(actions []string) []string {
	list := make([]string, len(actions))
	for i, action := range actions {
		list[i] = strings.ToLower(action)
	}
	return sorted(list)
}

// canonicalKey lowers the part of a condition key that ignores case; the part
// after the slash is a tag's name, which does not.
func canonicalKey(key string) string {
	name, tag, found := strings.Cut(key, "/")
	if !found {
		return strings.ToLower(name)
	}
	return strings.ToLower(name) + "/" + tag
}

// sorted returns a sorted copy without duplicates.
func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
