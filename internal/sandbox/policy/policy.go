// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package policy is the sandbox's IAM policy evaluator. It evaluates identity,
// session and resource policies, permissions boundaries and trust policies, with
// explicit denies and the cross-account rule.
//
// It implements what this project and its customers' templates use. An unknown
// condition operator or key, a NotPrincipal, and everything else that it can't
// evaluate is an error, never an allow. It has no federation, no resource
// control policies, and only denying service control policies.
package policy

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Evaluator implements kernel.Authorizer.
type Evaluator struct {
	now          func() time.Time
	organization func(account string) string
	control      func(account string) []string

	mu       sync.RWMutex
	watchers map[int]func(Decision)
	last     int // the ID of the newest watcher
}

var _ kernel.Authorizer = (*Evaluator)(nil)

// NewEvaluator returns an evaluator that uses now for aws:CurrentTime. No account
// is in an organization until Organizations is called.
func NewEvaluator(now func() time.Time) *Evaluator {
	return &Evaluator{now: now, organization: func(string) string { return "" }, control: func(string) []string { return nil }}
}

// Organizations sets the function that returns the ID of an account's
// organization, for aws:PrincipalOrgID and aws:ResourceOrgID, or "" if the
// account is in no organization. It is called for every decision, because
// accounts join and leave.
func (e *Evaluator) Organizations(id func(account string) string) { e.organization = id }

// ServiceControl sets the function that returns the service control policies
// that apply to an account. FullAWSAccess always applies too, so that only their
// denials have an effect.
func (e *Evaluator) ServiceControl(policies func(account string) []string) { e.control = policies }

// Authorize implements kernel.Authorizer. It returns nil, AWS's AccessDenied
// error, or SandboxNotImplemented with the reason if it can't decide.
func (e *Evaluator) Authorize(a kernel.Authorization) error {
	q := newQuestion(a, e.now(), e.organization)
	q.control = e.control
	v, err := q.decide()
	if err != nil {
		return kernel.Errorf(http.StatusNotImplemented, "SandboxNotImplemented",
			"The sandbox cannot evaluate whether %s may %s on %s: %v", q.caller(), a.Action, a.Resource, err)
	}
	e.notify(q, v)
	if v == allowed {
		return nil
	}
	return q.denial(v)
}

// verdict is the reason for a decision.
type verdict string

const (
	allowed verdict = ""

	deniedByControl  verdict = "with an explicit deny in a service control policy"
	deniedByIdentity verdict = "with an explicit deny in an identity-based policy"
	deniedByBoundary verdict = "with an explicit deny in a permissions boundary"
	deniedBySession  verdict = "with an explicit deny in a session policy"
	deniedByResource verdict = "with an explicit deny in a resource-based policy"

	noIdentityAllow verdict = "because no identity-based policy allows the ACTION action"
	noBoundaryAllow verdict = "because no permissions boundary allows the ACTION action"
	noSessionAllow  verdict = "because no session policy allows the ACTION action"
	noResourceAllow verdict = "because no resource-based policy allows the ACTION action"
)

// decide applies AWS's evaluation logic: an explicit deny in any policy takes
// precedence; otherwise the resource's policy and the principal's own are
// combined.
func (q *question) decide() (verdict, error) {
	denied, err := q.serviceControl()
	if err != nil {
		return "", err
	}
	if denied {
		return deniedByControl, nil
	}
	resource, err := q.resourcePolicy()
	if err != nil {
		return "", err
	}
	if resource.denied {
		return deniedByResource, nil
	}
	p := q.Principal
	if p == nil || p.Service != "" {
		// Anonymous callers and AWS's own services have no identity policies.
		if resource.strength == notGranted {
			return noResourceAllow, nil
		}
		return allowed, nil
	}
	own, err := q.ownPolicies()
	if err != nil {
		return "", err
	}
	if own.denied != allowed {
		return own.denied, nil
	}
	v := q.combine(resource.strength, own)
	if arn := own.missingDocument(v); arn != "" {
		return "", fmt.Errorf("it depends on the policy %s, whose document the sandbox does not have", arn)
	}
	return v, nil
}

// combine returns the verdict of what the resource's policy grants and what the
// principal's own policies allow.
func (q *question) combine(granted strength, own ownDecision) verdict {
	crossAccount := q.ResourceAccount != "" && q.ResourceAccount != q.Principal.Account
	switch {
	case granted == notGranted && (crossAccount || q.isTrust() || q.isKey()):
		// The policy of another account's resource, and of every role and KMS
		// key, must allow the call itself.
		return noResourceAllow
	case crossAccount, granted == notGranted, granted == toAccount:
		// A grant to the account leaves the decision to its identity policies.
		return own.verdict()
	case granted == toSession:
		// A grant to the session is not limited by its boundary and session
		// policy.
		return allowed
	case q.Principal.Boundary != nil && !own.boundary && q.Principal.RoleARN != "":
		return noBoundaryAllow
	case !own.session:
		return noSessionAllow
	default:
		return allowed
	}
}

// isTrust reports whether the resource's policy is a role's trust policy, which
// has no Resource element, and must always allow the action itself.
func (q *question) isTrust() bool {
	return strings.HasPrefix(strings.ToLower(q.Action), "sts:") && strings.Contains(q.Resource, ":role/")
}

// isKey reports whether the resource is a KMS key, whose key policy must always
// allow the action, even for the key's own account (aws-facts 13.4).
func (q *question) isKey() bool {
	return strings.HasPrefix(strings.ToLower(q.Action), "kms:") && strings.Contains(q.Resource, ":key/")
}

func (q *question) caller() string {
	switch {
	case q.Principal == nil:
		return "anonymous"
	case q.Principal.Service != "":
		return q.Principal.Service
	default:
		return q.Principal.ARN
	}
}

// denial returns the AccessDenied error. That of AssumeRole does not state the
// reason, so that callers cannot find out which roles exist (aws-facts 7.4).
func (q *question) denial(v verdict) error {
	if q.Principal == nil {
		return kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	message := "User: " + q.caller() + " is not authorized to perform: " + q.Action + " on resource: " + q.Resource
	if !q.isTrust() {
		message += " " + strings.ReplaceAll(string(v), "ACTION", q.Action)
	}
	return kernel.Errorf(http.StatusForbidden, "AccessDenied", "%s", message)
}
