// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// How far a statement reaches: wildcards of actions and resources, and what
// another statement denies.

// names reports whether the statement allows an action by name or by a
// wildcard, other than a wildcard that has a finding of its own.
func (s located) names(action string) bool {
	return s.Effect == Allow && slices.ContainsFunc(s.Action, func(pattern string) bool {
		_, whole := wholeControlService(pattern)
		return matches(pattern, action) && !((pattern == "*" || whole) && s.broad())
	})
}

// unnamed matches a resource that names nothing: "*", or an ARN whose last part
// is only a type and stars. In S3's ARNs the bucket stands in the place of the
// type.
func unnamed(resource string) bool {
	return anyResource().MatchString(resource) && (!strings.Contains(resource, ":s3:") || anyBucket().MatchString(resource))
}

var (
	anyResource = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\*|arn:([^:]*:){2,3}[^:]*\*|arn:([^:]*:){4}([a-z-]+[:/])?[*/]*\*)$`)
	})
	anyBucket = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`:[*/]+$`) })
)

// broad reports whether the statement applies to resources that it does not
// name.
func (s Statement) broad() bool {
	return s.NotResource != nil || slices.ContainsFunc(s.Resource, unnamed)
}

// extent describes the statement's resources in words.
func (s Statement) extent() string {
	for _, resource := range s.Resource {
		if unnamed(resource) && !slices.Contains(s.Resource, "*") {
			return resource
		}
	}
	return "every resource"
}

// conditioned returns the values of which a condition key must have one.
// Negated operators don't count.
func (s Statement) conditioned(key string) (values []string) {
	s.eachValue(func(operator, name, value string) {
		base, _, known := operatorOf(operator)
		demands := known && (strings.HasPrefix(base, "string") || strings.HasPrefix(base, "arn")) && !strings.Contains(base, "not")
		if demands && matches(key, name) {
			values = append(values, value)
		}
	})
	return values
}

// denies reports whether the role may never do an action, or an action that a
// pattern such as "iam:*" covers, because of a Deny without conditions on every
// resource.
func (r role) denies(action string) bool {
	return slices.ContainsFunc(r.statements, func(s located) bool {
		if s.Effect != Deny || len(s.Condition) > 0 || !slices.Contains(s.Resource, "*") {
			return false
		}
		covers := func(pattern string) bool { return matches(pattern, action) }
		if s.NotAction != nil {
			return !strings.ContainsAny(action, "*?") && !slices.ContainsFunc(s.NotAction, covers)
		}
		return slices.ContainsFunc(s.Action, covers)
	})
}

// matches compares an action or a condition key with a pattern, whose wildcards
// are * and ?. It ignores case, as IAM does.
func matches(pattern, text string) bool {
	pattern, text = strings.ToLower(pattern), strings.ToLower(text)
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(text) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == text[j]):
			i++
			j++
		case star >= 0: // let the last star take one more
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}
