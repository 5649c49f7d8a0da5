// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// question is an authorization to decide on, with its condition keys.
type question struct {
	kernel.Authorization
	keys    map[string][]string           // condition keys, lower-case
	control func(account string) []string // service control policies
}

func newQuestion(a kernel.Authorization, now time.Time, organization func(account string) string) *question {
	return &question{Authorization: a, keys: conditionKeys(a, now, organization)}
}

// strength is how precisely a resource policy that grants an action names the
// caller: the more precisely, the fewer of the caller's own policies apply.
type strength int

const (
	notGranted  strength = iota
	toAccount            // the account or its root: identity policies decide
	toPrincipal          // the user or role, or every principal
	toSession            // the session, user, root user or service itself
)

type resourceDecision struct {
	strength strength
	denied   bool
}

func (q *question) resourcePolicy() (resourceDecision, error) {
	var d resourceDecision
	if q.ResourcePolicy == "" {
		return d, nil
	}
	kind := Resource
	if q.isTrust() {
		kind = Trust
	}
	document, err := Parse(kind, q.ResourcePolicy)
	if err != nil {
		return d, fmt.Errorf("parse the policy of %s: %w", q.Resource, err)
	}
	for _, s := range document.Statements {
		named, err := q.principalStrength(s)
		if err != nil {
			return d, err
		}
		if named == notGranted {
			continue
		}
		applies, err := q.applies(document, s)
		if err != nil {
			return d, err
		}
		switch {
		case applies && s.Effect == "Deny":
			d.denied = true
		case applies:
			d.strength = max(d.strength, named)
		}
	}
	return d, nil
}

// principalStrength returns how precisely a statement's Principal names the
// caller; notGranted if it does not.
func (q *question) principalStrength(s Statement) (strength, error) {
	if s.NotPrincipal {
		return notGranted, errors.New("NotPrincipal is not implemented")
	}
	best := notGranted
	for _, named := range s.Principals {
		switch named.Type {
		case "AWS":
			best = max(best, q.awsPrincipal(named.Value))
		case "Service":
			if q.Principal != nil && q.Principal.Service != "" && q.Principal.Service == named.Value {
				best = toSession
			}
		case "Federated": // the sandbox has no federated principals
		default:
			return notGranted, fmt.Errorf("a principal of type %s is not implemented", named.Type)
		}
	}
	return best, nil
}

func (q *question) awsPrincipal(value string) strength {
	p := q.Principal
	switch {
	case value == "*":
		return toPrincipal
	case p == nil || p.Service != "":
		return notGranted
	case value == p.Account, strings.HasSuffix(value, ":iam::"+p.Account+":root"):
		if p.Root {
			return toSession
		}
		return toAccount
	case value == p.ARN:
		return toSession
	case p.RoleARN != "" && value == p.RoleARN:
		return toPrincipal
	}
	// A unique ID, to which AWS changes a role's or user's ARN (aws-facts 7.6).
	if id, _, session := strings.Cut(p.UserID, ":"); id != "" && value == id {
		if session {
			return toPrincipal
		}
		return toSession
	}
	return notGranted
}

// ownDecision is the decision of the principal's own policies.
type ownDecision struct {
	denied                      verdict // allowed if none denies
	identity, boundary, session bool    // whether each allows the action, or does not exist

	// ARNs of policies without documents that could change the decision: the
	// first that could deny, and for each verdict the first that could allow.
	mayDeny  string
	mayAllow map[verdict]string
}

// missingDocument returns the ARN of a policy without a document that could
// change a verdict, or "" if there is none.
func (d ownDecision) missingDocument(v verdict) string {
	if v == allowed {
		return d.mayDeny
	}
	return d.mayAllow[v]
}

func (d ownDecision) verdict() verdict {
	switch {
	case !d.identity:
		return noIdentityAllow
	case !d.boundary:
		return noBoundaryAllow
	case !d.session:
		return noSessionAllow
	default:
		return allowed
	}
}

// serviceControl reports whether a service control policy that applies to the
// caller's account denies the action. None applies to AWS's services.
func (q *question) serviceControl() (denied bool, err error) {
	if q.Principal == nil || q.Principal.Account == "" {
		return false, nil
	}
	_, denied, err = q.identityPolicies(q.control(q.Principal.Account))
	return denied, err
}

func (q *question) ownPolicies() (ownDecision, error) {
	p := q.Principal
	d := ownDecision{identity: true, boundary: true, session: true, mayAllow: map[verdict]string{}}
	for _, set := range []struct {
		documents, withoutDocument []string
		denied, missing            verdict
		allows                     *bool
		absent                     bool
	}{
		{p.Identity, p.WithoutDocument.Identity, deniedByIdentity, noIdentityAllow, &d.identity, p.Root},
		{p.Boundary, p.WithoutDocument.Boundary, deniedByBoundary, noBoundaryAllow, &d.boundary, p.Boundary == nil},
		{p.Session, p.WithoutDocument.Session, deniedBySession, noSessionAllow, &d.session, p.Session == nil},
	} {
		if set.absent {
			continue
		}
		allows, denies, err := q.identityPolicies(set.documents)
		if err != nil {
			return d, err
		}
		if denies && d.denied == allowed {
			d.denied = set.denied
		}
		*set.allows = allows
		d.mayAllow[set.missing] = concerning(set.withoutDocument, q.Action, func(s scope) []string { return s.allows })
		if d.mayDeny == "" {
			d.mayDeny = concerning(set.withoutDocument, q.Action, func(s scope) []string { return s.denies })
		}
	}
	return d, nil
}

func (q *question) identityPolicies(documents []string) (allows, denies bool, err error) {
	for _, text := range documents {
		document, err := Parse(Identity, text)
		if err != nil {
			return false, false, fmt.Errorf("parse a policy of %s: %w", q.caller(), err)
		}
		for _, s := range document.Statements {
			applies, err := q.applies(document, s)
			if err != nil {
				return false, false, err
			}
			allows = allows || applies && s.Effect == "Allow"
			denies = denies || applies && s.Effect == "Deny"
		}
	}
	return allows, denies, nil
}

// applies reports whether a statement applies: its actions, resources and
// conditions match. Conditions are evaluated last, so that an unknown key is an
// error only if the rest of the statement matches.
func (q *question) applies(d *Document, s Statement) (bool, error) {
	if !q.actionMatches(s) {
		return false, nil
	}
	matches, err := q.resourceMatches(d, s)
	if err != nil || !matches {
		return false, err
	}
	for _, c := range s.Conditions {
		holds, err := q.holds(d, c)
		if err != nil {
			return false, fmt.Errorf("condition %s on %s: %w", c.Operator, c.Key, err)
		}
		if !holds {
			return false, nil
		}
	}
	return true, nil
}

func (q *question) actionMatches(s Statement) bool {
	patterns, negated := s.Actions, false
	if len(s.NotActions) > 0 {
		patterns, negated = s.NotActions, true
	}
	for _, pattern := range patterns {
		if globText(strings.ToLower(pattern), strings.ToLower(q.Action)) {
			return !negated
		}
	}
	return negated
}

func (q *question) resourceMatches(d *Document, s Statement) (bool, error) {
	patterns, negated := s.Resources, false
	if len(s.NotResources) > 0 {
		patterns, negated = s.NotResources, true
	}
	if len(patterns) == 0 {
		return true, nil // a trust policy
	}
	for _, pattern := range patterns {
		expanded, found, err := q.expandResource(d, pattern)
		if err != nil {
			return false, err
		}
		if found && (pattern == "*" || matchResource(expanded, q.Resource)) {
			return !negated, nil
		}
	}
	return negated, nil
}
