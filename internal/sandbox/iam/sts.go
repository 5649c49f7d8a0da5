// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam

import (
	"net/http"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// session is a session of an assumed role.
type session struct {
	role            *role
	name            string
	token           string
	expires         time.Time
	policies        []string // nil: not limited
	withoutDocument []string // ARNs of the session's policies without documents
	tags            []tag
	sourceIdentity  string
}

func (s *session) arn() string {
	return "arn:" + s.role.account.partition + ":sts::" + s.role.account.id + ":assumed-role/" + s.role.name + "/" + s.name
}

// stsService serves STS's API from a store.
type stsService struct{ store *Store }

// STS returns the service "sts".
func (s *Store) STS() kernel.Service { return stsService{s} }

func (s stsService) Action(r *http.Request, body []byte) string { return kernel.QueryAction(r, body) }

func (s stsService) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return kernel.QueryError(c, stsNamespace, err)
}

func (s stsService) Serve(c *kernel.Call) (*kernel.Response, error) {
	// A service may assume a role that trusts it, to act for a caller.
	service := c.Principal != nil && c.Principal.Service != "" && c.Action == "AssumeRole"
	if c.Principal == nil || c.Principal.Account == "" && !service {
		return nil, kernel.Errorf(http.StatusForbidden, "AccessDenied", "The sandbox's STS accepts calls only from principals of an account.")
	}
	var (
		result any
		err    error
	)
	switch c.Action {
	case "GetCallerIdentity":
		result = callerIdentity(c.Principal)
	case "AssumeRole":
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		result, err = s.store.assumeRole(c, kernel.ParseQuery(c.Request, c.Body))
	default:
		return nil, kernel.UnknownQueryAction(c)
	}
	if err != nil {
		return nil, err
	}
	return kernel.QueryResult(c, stsNamespace, result)
}

// callerIdentity returns the result of GetCallerIdentity, which needs no
// permission and cannot be denied.
func callerIdentity(p *kernel.Principal) any {
	return struct {
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	}{p.ARN, p.UserID, p.Account}
}
