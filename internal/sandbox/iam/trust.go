// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	policies "github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// trust is a role's trust policy. IAM stores the unique IDs of the users and
// roles that the policy names: if one is deleted and recreated with the same
// name, it is no longer trusted (aws-facts 7.6).
type trust struct {
	document string
	ids      map[string]string // unique IDs by ARN, as of when the policy was set
}

const maxTrust = 2048 // aws-facts 7.2

var entityARN = regexp.MustCompile(`^arn:[a-z-]+:(?:iam|sts)::(\d{12}):(root|user/|role/|assumed-role/)(.*)$`)

// parseTrust returns the trust policy of a role in an account. It returns AWS's
// error if the document is malformed or too long, or if a principal does not
// exist in the account's partition.
func (s *Store) parseTrust(of *account, document string) (trust, error) {
	t := trust{document: document, ids: map[string]string{}}
	parsed, err := policies.Parse(policies.Trust, document)
	if err != nil {
		return t, asError(err, http.StatusBadRequest, "MalformedPolicyDocument")
	}
	if size(document) > maxTrust {
		return t, kernel.Errorf(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", maxTrust)
	}
	for _, statement := range parsed.Statements {
		for _, p := range statement.Principals {
			if p.Type == "Service" && !policies.ServiceExists(p.Value) {
				return t, kernel.Errorf(http.StatusBadRequest, "MalformedPolicyDocument", "Invalid principal in policy: \"SERVICE\":%q", p.Value)
			}
			if p.Type != "AWS" || p.Value == "*" {
				continue
			}
			id, exists := s.entity(p.Value)
			if number, named := kernel.PrincipalAccount(p.Value); named && exists {
				exists = s.accounts[number].partition == of.partition
			}
			if !exists {
				return t, kernel.Errorf(http.StatusBadRequest, "MalformedPolicyDocument", "Invalid principal in policy: %q:%q", p.Type, p.Value)
			}
			if id != "" {
				t.ids[p.Value] = id
			}
		}
	}
	return t, nil
}

// PrincipalExists reports whether the account, user or role that a policy names
// exists. kernel.PrincipalExists calls it for resource policies (aws-facts 5.4).
func (s *Store) PrincipalExists(principal string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, exists := s.entity(principal)
	return exists
}

// entity reports whether a principal of a policy exists: an account, user, role,
// role session or unique ID. It returns the unique ID of a user or role.
func (s *Store) entity(principal string) (id string, exists bool) {
	m := entityARN.FindStringSubmatch(principal)
	if m == nil {
		if accountID.MatchString(principal) {
			a := s.accounts[principal]
			return "", a != nil && !a.closed
		}
		return "", s.uniqueIDExists(principal)
	}
	a := s.accounts[m[1]]
	if a == nil || a.closed || a.partition != kernel.PartitionOf(principal) {
		return "", false
	}
	switch m[2] {
	case "user/":
		if u := a.users[m[3]]; u != nil {
			return u.id, true
		}
	case "role/":
		if r := a.role(m[3][strings.LastIndexByte(m[3], '/')+1:]); r != nil && r.arn() == principal {
			return r.id, true
		}
	case "assumed-role/":
		name, _, _ := strings.Cut(m[3], "/")
		return "", a.role(name) != nil
	default:
		return "", true // the account's root
	}
	return "", false
}

func (s *Store) uniqueIDExists(id string) bool {
	for _, a := range s.accounts {
		for _, u := range a.users {
			if u.id == id {
				return true
			}
		}
		if s.roleByID(a, id) != nil {
			return true
		}
	}
	return false
}

// settledTrust returns the trust policy that AssumeRole uses at a time.
func (s *Store) settledTrust(r *role, now time.Time) trust {
	if now.Before(r.trustSince.Add(s.settle)) {
		return r.oldTrust
	}
	return r.trust
}

// evaluatedTrust returns a trust policy with unique IDs in place of ARNs.
func evaluatedTrust(t trust) string { return replacePrincipals(t.document, t.ids) }

// shownTrust returns a trust policy as IAM returns it: with unique IDs in place
// of the ARNs of principals that no longer exist.
func (s *Store) shownTrust(t trust) string {
	gone := map[string]string{}
	for arn, id := range t.ids {
		if current, _ := s.entity(arn); current != id {
			gone[arn] = id
		}
	}
	return replacePrincipals(t.document, gone)
}

// replacePrincipals returns a document with AWS principals replaced. It does not
// replace equal texts elsewhere, such as the value of an aws:PrincipalArn
// condition.
func replacePrincipals(document string, replacements map[string]string) string {
	if len(replacements) == 0 {
		return document
	}
	var root map[string]any
	if err := json.Unmarshal([]byte(document), &root); err != nil {
		return document // not possible: parseTrust refuses invalid JSON
	}
	replace := func(v any) any {
		if text, ok := v.(string); ok && replacements[text] != "" {
			return replacements[text]
		}
		return v
	}
	statements, ok := root["Statement"].([]any)
	if !ok {
		statements = []any{root["Statement"]}
	}
	for _, item := range statements {
		statement, _ := item.(map[string]any)
		principal, _ := statement["Principal"].(map[string]any)
		if principal == nil {
			continue
		}
		if list, ok := principal["AWS"].([]any); ok {
			for i := range list {
				list[i] = replace(list[i])
			}
		} else {
			principal["AWS"] = replace(principal["AWS"])
		}
	}
	out, err := json.Marshal(root)
	if err != nil {
		return document
	}
	return string(out)
}
