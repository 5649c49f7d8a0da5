// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam

import (
	"maps"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	policies "github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

func (s *Store) userPrincipal(u *user) *kernel.Principal {
	return &kernel.Principal{
		Account:  u.account.id,
		ARN:      u.arn(),
		UserID:   u.id,
		Identity: slices.Clone(u.inline),
	}
}

func (s *Store) sessionPrincipal(session *session) *kernel.Principal {
	r := session.role
	p := &kernel.Principal{
		Account:         r.account.id,
		ARN:             session.arn(),
		RoleARN:         r.arn(),
		UserID:          r.id + ":" + session.name,
		Session:         session.policies,
		WithoutDocument: kernel.PolicyARNs{Session: session.withoutDocument},
		Keys:            map[string][]string{"aws:multifactorauthpresent": {"false"}},
	}
	for _, name := range slices.Sorted(maps.Keys(r.inline)) {
		p.Identity = append(p.Identity, r.inline[name])
	}
	for _, arn := range r.attached {
		if document, found := s.document(arn); found {
			p.Identity = append(p.Identity, document)
		} else {
			p.WithoutDocument.Identity = append(p.WithoutDocument.Identity, arn)
		}
	}
	if r.boundary != "" {
		// A boundary whose policy was deleted allows nothing.
		p.Boundary = []string{}
		if document, found := s.document(r.boundary); found {
			p.Boundary = []string{document}
		} else {
			p.WithoutDocument.Boundary = []string{r.boundary}
		}
	}
	for _, tags := range [][]tag{r.tags, session.tags} { // a session's tags take precedence
		for _, t := range tags {
			p.Keys["aws:principaltag/"+strings.ToLower(t.Key)] = []string{t.Value}
		}
	}
	if session.sourceIdentity != "" {
		p.Keys["aws:sourceidentity"] = []string{session.sourceIdentity}
	}
	return p
}

// exists reports whether a managed policy exists: AWS's own or a customer's.
func (s *Store) exists(arn string) bool {
	_, found := s.document(arn)
	return found || policies.ManagedExists(arn)
}

// document returns the document of a managed policy: AWS's own or a customer's.
func (s *Store) document(arn string) (string, bool) {
	if document, found := policies.Managed(arn); found {
		return document, true
	}
	for _, a := range s.accounts {
		if p := a.policies[arn]; p != nil {
			return p.document(), true
		}
	}
	return "", false
}
