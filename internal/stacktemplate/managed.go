// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
	"regexp"
	"sync"

	"github.com/awslabs/goformation/v7/cloudformation/iam"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// The managed policies that the stack creates are separate resources, and the role
// names them. So an update detaches a policy from the role before the phone-home
// reports the change, and deletes the policy after that. If the policy named the role
// instead, its permissions would remain until then. The policies have no names,
// because CloudFormation can't replace a named policy, and no description, because
// changing it would replace the policy.

// addManagedPolicies adds the policies that the stack creates. Those of an optional
// permission have the permission's condition.
func addManagedPolicies(to resourceMap, s Specification, prefix string, h *placeholders) error {
	add := func(g permissionset.Grants, condition string) error {
		policies, err := s.Created(g)
		if err != nil {
			return err
		}
		for _, p := range policies {
			policy, err := document(p.Document)
			if err != nil {
				return fmt.Errorf("managed policy %s: %w", p.LogicalID, err)
			}
			to[prefix+p.LogicalID] = &iam.ManagedPolicy{
				Path: path(s, h, policyPath(s)), PolicyDocument: h.put(policy), AWSCloudFormationCondition: condition,
			}
		}
		return nil
	}
	conditions := conditionNames(s)
	if err := add(s.Role.Grants(), ""); err != nil {
		return err
	}
	for _, key := range sortedKeys(s.OptionalPermissions) {
		if err := add(s.OptionalPermissions[key].Grants(), conditions[key]); err != nil {
			return fmt.Errorf("optional permission %s: %w", key, err)
		}
	}
	return nil
}

// attachments returns the managed policies of the role, except existing ones that are
// always attached: the policies that the stack creates, and those of optional
// permissions.
func attachments(s Specification, prefix string) []any {
	var list []any
	conditions := conditionNames(s)
	for _, arn := range created(s, s.Role.Grants(), prefix) {
		list = append(list, arn)
	}
	for _, key := range sortedKeys(s.OptionalPermissions) {
		g := s.OptionalPermissions[key].Grants()
		for _, arn := range sortedSet(g.ManagedPolicyARNs) {
			list = append(list, when(conditions[key], filled(arn)))
		}
		for _, arn := range created(s, g, prefix) {
			list = append(list, when(conditions[key], arn))
		}
	}
	return list
}

// created returns the ARNs of the policies that the stack creates for g.
func created(s Specification, g permissionset.Grants, prefix string) []function {
	policies, _ := s.Created(g) // the specification is valid
	arns := make([]function, len(policies))
	for i, p := range policies {
		arns[i] = ref(prefix + p.LogicalID)
	}
	return arns
}

// policyPattern is the path that IAM accepts for a policy. It accepts more for a role
// (CreatePolicy and CreateRole in IAM's API reference).
var policyPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(/[A-Za-z0-9.,+@=_-]+)*/$`) })

// policyPath returns the role's path, or / if policies can't have that path.
func policyPath(s Specification) string {
	if path := rolePath(s); policyPattern().MatchString(path) {
		return path
	}
	return "/"
}
