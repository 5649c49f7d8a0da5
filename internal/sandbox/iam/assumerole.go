// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	policies "github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// assumption is a valid request to assume a role.
type assumption struct {
	roleARN        string
	sessionName    string
	externalID     []string // nil: none given
	duration       int      // seconds
	policies       []string
	policyARNs     []string
	tags           []tag
	sourceIdentity string
}

func (s *Store) assumeRole(c *kernel.Call, q kernel.Query) (any, error) {
	a, err := parseAssumption(q)
	if err != nil {
		return nil, err
	}
	target, err := s.authorizeAssumption(c.Principal, a)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Principal.RoleARN != "" && a.duration > 3600:
		return nil, kernel.Errorf(http.StatusBadRequest, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case a.duration > target.maxSession:
		return nil, kernel.Errorf(http.StatusBadRequest, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	limits, withoutDocument, err := s.sessionPolicies(target.account, a)
	if err != nil {
		return nil, err
	}
	made := &session{
		role: target, name: a.sessionName, token: s.randomText(96), policies: limits, withoutDocument: withoutDocument, tags: a.tags, sourceIdentity: a.sourceIdentity,
		expires: s.env.Clock.Now().Add(time.Duration(a.duration) * time.Second),
	}
	key := &accessKey{id: s.uniqueID("ASIA"), secret: s.randomText(30), session: made}
	s.keys[key.id] = key
	return assumed(key), nil
}

func assumed(key *accessKey) any {
	type credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	type assumedRoleUser struct {
		AssumedRoleID string `xml:"AssumedRoleId"`
		Arn           string
	}
	made := key.session
	return struct {
		Credentials      credentials
		AssumedRoleUser  assumedRoleUser
		PackedPolicySize int    `xml:",omitempty"`
		SourceIdentity   string `xml:",omitempty"`
	}{
		Credentials:      credentials{key.id, key.secret, made.token, made.expires.Format(time.RFC3339)},
		AssumedRoleUser:  assumedRoleUser{made.role.id + ":" + made.name, made.arn()},
		PackedPolicySize: len(strings.Join(made.policies, "")) * 100 / (2 * maxSessionPolicy),
		SourceIdentity:   made.sourceIdentity,
	}
}

const maxSessionPolicy = 2048

// The formats of aws-facts 7.1.
var (
	sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalIDPattern  = regexp.MustCompile(`^[\w+=,.@:\\/-]+$`)
	roleARNPattern     = regexp.MustCompile(`^arn:[a-z-]+:iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]+)$`)
)

func parseAssumption(q kernel.Query) (*assumption, error) {
	a := &assumption{
		roleARN: q.Get("RoleArn"), sessionName: q.Get("RoleSessionName"), duration: 3600, sourceIdentity: q.Get("SourceIdentity"),
	}
	if !sessionNamePattern.MatchString(a.sessionName) {
		return nil, validation(a.sessionName, "roleSessionName", `satisfy regular expression pattern: [\w+=,.@-]* and have 2 to 64 characters`)
	}
	if !strings.HasPrefix(a.roleARN, "arn:") {
		return nil, kernel.Errorf(http.StatusBadRequest, "ValidationError", "%s is invalid", a.roleARN)
	}
	if q.Has("ExternalId") {
		a.externalID = []string{q.Get("ExternalId")}
		if n := len(a.externalID[0]); n < 2 || n > 1224 || !externalIDPattern.MatchString(a.externalID[0]) {
			return nil, validation(a.externalID[0], "externalId", `satisfy regular expression pattern: [\w+=,.@:\/-]* and have 2 to 1224 characters`)
		}
	}
	if a.sourceIdentity != "" && !sessionNamePattern.MatchString(a.sourceIdentity) {
		return nil, validation(a.sourceIdentity, "sourceIdentity", `satisfy regular expression pattern: [\w+=,.@-]* and have 2 to 64 characters`)
	}
	if text := q.Get("DurationSeconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		switch {
		case err != nil || seconds < 900:
			return nil, validation(text, "durationSeconds", "have value greater than or equal to 900")
		case seconds > 43200:
			return nil, validation(text, "durationSeconds", "have value less than or equal to 43200")
		}
		a.duration = seconds
	}
	if text := q.Get("Policy"); text != "" {
		a.policies = []string{text}
	}
	for _, each := range q.Structs("PolicyArns") {
		a.policyARNs = append(a.policyARNs, each.Get("arn"))
	}
	var err error
	a.tags, err = parseTags(nil, q.Structs("Tags"))
	return a, err
}

// authorizeAssumption returns the role if its trust policy and the caller's own
// policies allow the caller to assume it. The error is the same for a missing
// role and for one that does not trust the caller (aws-facts 7.4).
func (s *Store) authorizeAssumption(p *kernel.Principal, a *assumption) (*role, error) {
	denied := func(action string) error {
		return kernel.Errorf(http.StatusForbidden, "AccessDenied", "User: %s is not authorized to perform: %s on resource: %s", p.ARN, action, a.roleARN)
	}
	target := s.roleByARN(a.roleARN)
	if target == nil || p.Account != "" && p.Partition() != target.account.partition {
		return nil, denied("sts:AssumeRole") // also across partitions (aws-facts 7.8)
	}
	if p.Root {
		return nil, kernel.Errorf(http.StatusForbidden, "AccessDenied", "Roles may not be assumed by root accounts.")
	}
	current := s.settledTrust(target, s.env.Clock.Now())
	if current.document == "" {
		return nil, denied("sts:AssumeRole") // a new role that has not settled
	}
	actions := []string{"sts:AssumeRole"}
	if len(a.tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if a.sourceIdentity != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	for _, action := range actions {
		if err := s.env.Authorizer.Authorize(kernel.Authorization{
			Principal: p, Action: action, Resource: target.arn(), ResourceAccount: target.account.id,
			ResourcePolicy: evaluatedTrust(current), Context: a.keys(target),
		}); err != nil {
			return nil, err
		}
	}
	return target, nil
}

func (s *Store) roleByARN(arn string) *role {
	m := roleARNPattern.FindStringSubmatch(arn)
	if m == nil {
		return nil
	}
	a := s.accounts[m[1]]
	if a == nil || a.closed {
		return nil
	}
	if r := a.role(m[2]); r != nil && r.arn() == arn {
		return r
	}
	return nil
}

func (a *assumption) keys(target *role) map[string][]string {
	keys := tagKeys(a.tags)
	keys["sts:externalid"] = a.externalID
	keys["sts:rolesessionname"] = []string{a.sessionName}
	keys["sts:sourceidentity"] = nonEmpty(a.sourceIdentity)
	for _, t := range target.tags {
		keys["aws:resourcetag/"+strings.ToLower(t.Key)] = []string{t.Value}
	}
	return keys
}

// sessionPolicies returns the documents of a session's policies, and the ARNs of
// those without documents. documents is nil only if the request has no session
// policies. Session policies limit permissions, and never add any.
func (s *Store) sessionPolicies(of *account, a *assumption) (documents, withoutDocument []string, err error) {
	total := 0
	for _, document := range a.policies {
		total += len(document)
		if _, err := policies.Parse(policies.Session, document); err != nil {
			return nil, nil, asError(err, http.StatusBadRequest, "MalformedPolicyDocument")
		}
	}
	if total > maxSessionPolicy {
		return nil, nil, validation("…", "policy", "have length less than or equal to "+strconv.Itoa(maxSessionPolicy))
	}
	if len(a.policies)+len(a.policyARNs) > 0 {
		documents = slices.Concat([]string{}, a.policies)
	}
	for _, arn := range a.policyARNs {
		if !s.exists(arn) || kernel.PartitionOf(arn) != of.partition {
			return nil, nil, kernel.Errorf(http.StatusBadRequest, "MalformedPolicyDocument", "The policy %s does not exist or is not attachable.", arn)
		}
		if document, found := s.document(arn); found {
			documents = append(documents, document)
		} else {
			withoutDocument = append(withoutDocument, arn)
		}
	}
	return documents, withoutDocument, nil
}
