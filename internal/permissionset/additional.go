// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Additions are what the customer's stack has besides the role.
type Additions struct {
	AdditionalRoles   map[string]AdditionalRole `json:"additional_roles,omitzero" version:"additional_roles" doc:"Further roles that the customer's stack creates, by a short name: each is called <role name>-<key>, has the same path and external ID as the role, and is proven like it."`
	TemplateResources JSON                      `json:"template_resources,omitempty" version:"template_resources" doc:"Further resources that the customer's stack creates, as CloudFormation's own JSON, by their logical IDs: S3 buckets, SQS queues, SNS topics and subscriptions, their policies, EventBridge rules, log groups. References may stand in their properties."`
	TemplateOutputs   JSON                      `json:"template_outputs,omitempty" version:"template_outputs" doc:"What the stack reports of them, by name: each a text, Ref, Fn::GetAtt or Fn::Join. Reported values are text of the customer's stack, to be shown and nothing else."`
}

// AdditionalRole is one more role in the customer's account, with its own trust. Its
// name, its path and its external ID follow from the set's role.
type AdditionalRole struct {
	Description            string            `json:"description,omitempty" version:"description" doc:"Description of the role, at most 1000 characters: customers read it."`
	ManagedPolicyARNs      []string          `json:"managed_policy_arns" version:"managed_policies" doc:"Managed policies to attach."`
	InlinePolicies         Policies          `json:"inline_policies" version:"inline_policies" doc:"Inline policies by name: each a JSON document in a string, or written out as YAML."`
	ManagedPolicies        Policies          `json:"managed_policies,omitzero" version:"customer_managed_policies" doc:"Customer-managed policies by name, which the stack creates and attaches. A document over IAM's limit of 6144 characters is divided by its statements."`
	PermissionsBoundaryARN string            `json:"permissions_boundary_arn,omitempty" version:"boundary" doc:"ARN of the policy that is the role's permissions boundary."`
	MaxSessionDuration     int64             `json:"max_session_duration" default:"3600" version:"max_session_duration" doc:"Longest session of the role, in seconds: 3600 (default) to 43200."`
	Tags                   map[string]string `json:"tags" version:"tags" doc:"Tags of the role, at most 50."`
	Trust
}

// MaxAdditionalRoles is the maximum number in a set: each role adds a proof of its own
// to every request of a stack, which takes a part of the time for the answer.
const MaxAdditionalRoles = 5

// maxRoleName is IAM's limit in characters (aws-facts 7.2).
const maxRoleName = 64

const additionalField = "additional_roles"

// AdditionalRoleName returns the name of the additional role with a key, given the
// name of the set's role.
func AdditionalRoleName(role, key string) string { return role + "-" + key }

// Suffix returns the maximum number of characters by which the name of an additional
// role is longer than that of the set's role.
func (a Additions) Suffix() int {
	longest := 0
	for key := range a.AdditionalRoles {
		longest = max(longest, len(AdditionalRoleName("", key)))
	}
	return longest
}

// Additional returns a set whose role is the additional role with a key, as if it were
// the customer's only role. The set has no optional permissions, because these belong
// to the set's role.
func (s Set) Additional(key string) Set {
	a := s.AdditionalRoles[key]
	set := Set{Trust: a.Trust, Choices: s.Choices}
	set.OptionalPermissions = nil
	set.Role = Role{
		Path: s.Role.Path, Description: a.Description,
		ManagedPolicyARNs: a.ManagedPolicyARNs, InlinePolicies: a.InlinePolicies, ManagedPolicies: a.ManagedPolicies,
		PermissionsBoundaryARN: a.PermissionsBoundaryARN, MaxSessionDuration: a.MaxSessionDuration, Tags: a.Tags,
	}
	if s.Role.Name != "" {
		set.Role.Name = AdditionalRoleName(s.Role.Name, key)
	}
	if s.Chooses(ChoosesBoundary) { // the default of the customer's choice is the same for all roles
		set.Role.PermissionsBoundaryARN = s.Role.PermissionsBoundaryARN
	}
	return set
}

// AdditionalKeys returns the keys of the additional roles, sorted.
func (a Additions) AdditionalKeys() []string { return slices.Sorted(maps.Keys(a.AdditionalRoles)) }

// AdditionalResource returns the logical ID in the template of the additional role
// with a key. The logical IDs of the policies that the stack creates for the role
// begin with it.
func AdditionalResource(key string) string { return "AdditionalRole" + LogicalName(key) }

// fieldOfAdditional returns the field of an additional role for the corresponding
// field of a set: additional_roles.scanner.inline_policies for role.inline_policies.
func fieldOfAdditional(key, field string) string {
	return additionalField + "." + key + "." + strings.TrimPrefix(field, "role.")
}

// validateAdditional returns the mistakes in the permissions of additional roles.
func (s Set) validateAdditional(partition account.Partition) []FieldError {
	var p Problems
	if n := len(s.AdditionalRoles); n > MaxAdditionalRoles {
		p.Add(additionalField, "", "there are %d, but a stack can have at most %d", n, MaxAdditionalRoles)
	}
	resources := map[string]string{}
	for _, key := range s.AdditionalKeys() {
		if !ValidSwitchKey(key) {
			p.Add(additionalField, key, "a key has 1 to 41 lower-case letters, digits and underscores, and begins with a letter")
			continue
		}
		resource := AdditionalResource(key)
		if other, taken := resources[resource]; taken {
			p.Add(additionalField, key, "its resource would be called %s, as that of %q: use another key", resource, other)
		}
		resources[resource] = key
		p.additional(key, s, partition)
	}
	return p
}

func (p *Problems) additional(key string, s Set, partition account.Partition) {
	one, declared := s.Additional(key), s.AdditionalRoles[key]
	if name := one.Role.Name; utf8.RuneCountInString(name) > maxRoleName {
		p.Add(additionalField, key, "the role would be called %s, which has %d characters, and IAM allows %d: shorten the key or the name of the role", name, utf8.RuneCountInString(name), maxRoleName)
	}
	if one.Role.Grants().IsEmpty() {
		p.Add(additionalField, key, "it grants nothing: set managed_policy_arns, inline_policies or managed_policies, and check for a misspelt name, which is ignored")
	}
	if s.Chooses(ChoosesBoundary) && declared.PermissionsBoundaryARN != "" {
		p.Add(fieldOfAdditional(key, "permissions_boundary_arn"), "", "customers choose the permissions boundary of all roles of their stack: leave it out")
	}
	for _, problem := range one.validateRole(partition) {
		if problem.Field == "role.path" || s.Chooses(ChoosesBoundary) && problem.Field == "role.permissions_boundary_arn" {
			continue // the set's own mistake, which is reported for the set
		}
		problem.Field = fieldOfAdditional(key, problem.Field)
		*p = append(*p, problem)
	}
}

// validateAdditionalTrust returns the mistakes in who may assume the additional roles.
func (s Set) validateAdditionalTrust(vendor account.ID, partition account.Partition) []FieldError {
	var p Problems
	for _, key := range s.AdditionalKeys() {
		for _, problem := range s.AdditionalRoles[key].Trust.Validate(vendor, partition) {
			problem.Field = fieldOfAdditional(key, problem.Field)
			p = append(p, problem)
		}
	}
	return p
}

// updateAdditional adds the reasons why stacks could not be updated, for additional
// roles that both sets have.
func (p *Problems) updateAdditional(was, next Set) {
	for _, key := range next.AdditionalKeys() {
		if _, there := was.AdditionalRoles[key]; !there {
			continue
		}
		var inner Problems
		before, after := was.Additional(key), next.Additional(key)
		inner.managedTogether(before, after)
		inner.inlineTogether(before, after)
		for _, problem := range inner {
			problem.Field = fieldOfAdditional(key, problem.Field)
			*p = append(*p, problem)
		}
	}
}

// additional adds which additional roles are new, removed or changed.
func (c *changes) additional(was, next Set) {
	before, after := was.AdditionalKeys(), next.AdditionalKeys()
	c.sets("gains additional role ", "loses additional role ", before, after)
	for _, key := range after {
		if !slices.Contains(before, key) {
			continue
		}
		one, other := was.Additional(key), next.Additional(key)
		one.Role.PermissionsBoundaryARN = was.AdditionalRoles[key].PermissionsBoundaryARN // as declared for the additional role
		other.Role.PermissionsBoundaryARN = next.AdditionalRoles[key].PermissionsBoundaryARN
		var inner changes
		inner.role(one, other)
		c.lines(fmt.Sprintf("additional role %s: ", key), inner)
	}
}

// reviewAdditional returns the warnings about additional roles. It reviews each role
// separately, because a session has only one role's permissions.
func (s Set) reviewAdditional() []FieldWarnings {
	var warnings []FieldWarnings
	for _, key := range s.AdditionalKeys() {
		for _, w := range s.Additional(key).Review() {
			w.Field = fieldOfAdditional(key, w.Field)
			w.About += " of the additional role " + key
			warnings = append(warnings, w)
		}
	}
	return warnings
}

// sameAdditional reports whether two additional roles mean the same.
func sameAdditional(a, b AdditionalRole) bool {
	return Differs(withDefaults(a), withDefaults(b)) == ""
}

// versionedRoles returns the additional roles by key, as input of the version.
func versionedRoles(roles map[string]AdditionalRole) object {
	var o object
	for _, key := range slices.Sorted(maps.Keys(roles)) {
		o = append(o, member{key, versioned(withDefaults(roles[key]))})
	}
	return o
}

// withDefaults returns a copy of a struct with the defaults of its attributes filled
// in.
func withDefaults[T any](of T) T {
	fillDefaults(reflect.ValueOf(&of))
	return of
}
