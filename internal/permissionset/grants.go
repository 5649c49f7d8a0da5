// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Grants are the policies of a role, or of one optional permission.
type Grants struct {
	ManagedPolicyARNs []string // existing policies
	InlinePolicies    Policies
	ManagedPolicies   Policies // policies that the stack creates and attaches
}

// Grants returns the policies that the role always has.
func (r Role) Grants() Grants {
	return Grants{r.ManagedPolicyARNs, r.InlinePolicies, r.ManagedPolicies}
}

// Grants returns the policies that the role has while the optional permission is on.
func (o OptionalPermission) Grants() Grants {
	return Grants{o.ManagedPolicyARNs, o.InlinePolicies, o.ManagedPolicies}
}

// IsEmpty reports whether there are no policies.
func (g Grants) IsEmpty() bool {
	return len(g.ManagedPolicyARNs)+len(g.InlinePolicies)+len(g.ManagedPolicies) == 0
}

// Names returns the names of the policies, for a sentence; empty if there are none.
func (g Grants) Names() string {
	var parts []string
	if names := sortedSet(g.ManagedPolicyARNs); len(names) > 0 {
		for i, arn := range names {
			names[i] = displayText(arn[strings.LastIndex(arn, "/")+1:])
		}
		parts = append(parts, "the managed policies "+strings.Join(names, ", "))
	}
	written := slices.AppendSeq(slices.Collect(maps.Keys(g.InlinePolicies)), maps.Keys(g.ManagedPolicies))
	if len(written) > 0 {
		parts = append(parts, "the permissions in this template named "+strings.Join(sortedSet(written), ", "))
	}
	return strings.Join(parts, ", and ")
}

// ManagedPolicy is one customer managed policy of a stack: a whole document, or a part
// of one that is too long for a single policy.
type ManagedPolicy struct {
	LogicalID string // its name in the template
	Document  string // JSON
}

// Created returns the policies that the stack creates for grants of the set, in the
// order of their names. The logical ID of a document's first part is the same whether
// or not there are more parts, so that CloudFormation keeps the resource when the
// document grows.
func (c Choices) Created(g Grants) ([]ManagedPolicy, error) {
	var all []ManagedPolicy
	for _, name := range slices.Sorted(maps.Keys(g.ManagedPolicies)) {
		parts, err := c.divide(g.ManagedPolicies[name])
		if err != nil {
			return nil, fmt.Errorf("managed policy %q: %w", name, err)
		}
		for i, document := range parts {
			all = append(all, ManagedPolicy{policyLogicalID(name, i), document})
		}
	}
	return all, nil
}

// policyLogicalID returns the logical ID of a part of a document in the template.
func policyLogicalID(name string, part int) string {
	id := "Policy" + LogicalName(name)
	if part > 0 {
		id += fmt.Sprint(part + 1)
	}
	return id
}
