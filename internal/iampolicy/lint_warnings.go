// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"slices"
	"strings"
)

// Warnings: what a reviewer would question. The rules are those of "Access
// Analyzer policy check reference" (security warnings) and "Security best
// practices in IAM" of the IAM User Guide.

// review judges the policies of one role together. Names may be nil if there is
// only one policy, which then needs no name.
func review(documents []Document, names []string) []Finding {
	all := role{names: names}
	for p, d := range documents {
		for i, s := range d.Statements {
			all.statements = append(all.statements, located{Statement: s, policy: p, index: i, version: d.Version})
		}
	}
	var findings []Finding
	for _, s := range all.statements {
		if s.Effect == Allow {
			findings = append(findings, all.warnings(s)...)
		}
		for _, rest := range valuesThatNeverMatch(s.Statement) {
			findings = append(findings, s.remark(SeverityWarning, "value-never-matches", s.policy, s.index, rest))
		}
		for _, rest := range resourcesThatNeverMatch(s) {
			findings = append(findings, s.remark(SeverityWarning, "resource-never-matches", s.policy, s.index, rest))
		}
	}
	findings = append(findings, all.escalations()...)
	slices.SortStableFunc(findings, func(a, b Finding) int { return a.Policy - b.Policy })
	return findings
}

// role holds all statements of a role's policies.
type role struct {
	statements []located
	names      []string
}

// located is a statement with its place.
type located struct {
	Statement
	policy, index int
	version       string
}

func (s located) is(other located) bool { return s.policy == other.policy && s.index == other.index }

// warningRules look at one Allow statement each. They return the part of the
// finding that follows the statement's name, or an empty text.
var warningRules = []struct {
	code string
	find func(role, located) string
}{
	{"administrator", administrator},
	{"service-administrator", serviceAdministrator},
	{"pass-role-any", passesAnyRole},
	{"assume-role-any", assumesAnyRole},
	{"allow-not-action", allowsAllBut},
	{"allow-not-resource", allowsEverywhereBut},
	{"variable-not-filled-in", variablesNotFilledIn},
}

func (r role) warnings(s located) []Finding {
	var findings []Finding
	for _, rule := range warningRules {
		if rest := rule.find(r, s); rest != "" {
			findings = append(findings, s.remark(SeverityWarning, rule.code, s.policy, s.index, rest))
		}
	}
	return findings
}

func administrator(r role, s located) string {
	if !slices.Contains(s.Action, "*") || !s.broad() || r.denies("*") {
		return ""
	}
	return "allows every action on " + s.extent() + ", which is an administrator's access; name the actions that are needed"
}

// controlServices decide who may do what: full access to one of them amounts to
// full access.
var controlServices = []string{"account", "iam", "identitystore", "kms", "organizations", "secretsmanager", "sso", "sso-directory", "sts"}

// wholeControlService matches "iam:*" and similar actions.
func wholeControlService(action string) (service string, whole bool) {
	service, name, found := strings.Cut(strings.ToLower(action), ":")
	return service, found && strings.Contains(name, "*") && strings.Trim(name, "*?") == "" && slices.Contains(controlServices, service)
}

func serviceAdministrator(r role, s located) string {
	var services []string
	for _, action := range s.Action {
		if service, whole := wholeControlService(action); whole && s.broad() && !r.denies(service+":*") {
			services = append(services, service+":*")
		}
	}
	if len(services) == 0 {
		return ""
	}
	return "allows " + inWords(services) + " on " + s.extent() + ", and with that nearly everything; name the actions that are needed"
}

// passedTo is the condition key that limits the services to which a role may be
// passed.
const passedTo = "iam:PassedToService"

func passesAnyRole(r role, s located) string {
	if !s.names("iam:PassRole") || !s.broad() || len(s.conditioned(passedTo)) > 0 || r.denies("iam:PassRole") {
		return ""
	}
	return "allows iam:PassRole on " + s.extent() + " and to any service, so any role of the account can be put to use; name the roles, or add the condition iam:PassedToService"
}

func assumesAnyRole(r role, s located) string {
	if !s.names("sts:AssumeRole") || !s.broad() || r.denies("sts:AssumeRole") {
		return ""
	}
	return "allows sts:AssumeRole on " + s.extent() + ", so every role that trusts the account can be assumed; name the roles"
}

func allowsAllBut(r role, s located) string {
	if len(s.NotAction) == 0 || r.denies("*") {
		return ""
	}
	return "allows every action but " + inWords(s.NotAction) + ", also those that AWS adds tomorrow; name the actions that are needed in Action"
}

func allowsEverywhereBut(r role, s located) string {
	if len(s.NotResource) == 0 || r.denies("*") {
		return ""
	}
	return "allows its actions on every resource but those in NotResource, also on new ones; name the resources that are needed in Resource"
}

// variablesNotFilledIn: only documents of version 2012-10-17 have variables.
// "IAM JSON policy elements: Version".
func variablesNotFilledIn(_ role, s located) string {
	if s.version == Version2012 {
		return ""
	}
	for _, text := range s.expandable() {
		if strings.Contains(text, "${") {
			return fmt.Sprintf(`has %q, where IAM takes ${…} word by word; write "Version": %q for policy variables`, clip(text), Version2012)
		}
	}
	return ""
}

// valuesThatNeverMatch: a condition whose value does not have the type that its
// operator compares is never met, and a Deny with it denies nothing.
func valuesThatNeverMatch(s Statement) (problems []string) {
	s.eachValue(func(operator, key, value string) {
		base, check, known := operatorOf(operator)
		if known && !strings.HasPrefix(base, "date") && !check(value) {
			problems = append(problems, fmt.Sprintf("compares %s with %q by %s, which can never match; correct the value or the operator", key, clip(value), operator))
		}
	})
	return problems
}

// resourcesThatNeverMatch: IAM replaces variables only after the fifth colon of
// an ARN, so a resource with one before it matches nothing (aws-facts 12.3).
func resourcesThatNeverMatch(s located) (problems []string) {
	if s.version != Version2012 {
		return nil // variablesNotFilledIn reports it
	}
	for _, resource := range slices.Concat(s.Resource, s.NotResource) {
		start := strings.Index(resource, "${")
		if start < 0 || strings.Count(resource[:start], ":") >= 5 {
			continue
		}
		variable, _, _ := strings.Cut(resource[start:], "}")
		problems = append(problems, fmt.Sprintf("has the resource %q, and IAM fills in ${…} after the fifth colon of an ARN only, so it names nothing; write the value, or *, instead of %s}",
			clip(resource), clip(variable)))
	}
	return problems
}
