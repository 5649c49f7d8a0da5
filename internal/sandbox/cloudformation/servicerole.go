// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"net/url"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// A stack may have a service role. CloudFormation then creates, changes and
// deletes its resources as that role, whichever principal calls, from the call
// that names the role until a call names another one (aws-facts 1.16). It also
// publishes the requests of custom resources as the role.

const cloudFormation = "cloudformation.amazonaws.com"

// identities returns the secret and the principal of credentials.
type identities interface {
	Lookup(accessKeyID, token string) (secret string, p *kernel.Principal, err error)
}

// actor returns the principal that an operation runs as: the service role that
// the call names, or else the stack's, or else the caller. It returns an error
// if the caller may not pass the role, or if the role cannot be assumed.
func (s *Service) actor(c *kernel.Call, q kernel.Query, st *stack) (actor *kernel.Principal, roleARN string, err error) {
	if st != nil {
		s.mu.Lock()
		roleARN = st.serviceRole
		s.mu.Unlock()
	}
	if named := q.Get("RoleARN"); named != "" {
		roleARN = named
		// Only a role that the call names needs iam:PassRole: the stack's own
		// role was passed before, and a caller who may use the stack may use
		// it.
		if err := s.env.Authorizer.Authorize(kernel.Authorization{
			Principal: c.Principal, Action: "iam:PassRole", Resource: roleARN, ResourceAccount: c.Principal.Account,
			Context: map[string][]string{"iam:passedtoservice": {cloudFormation}},
		}); err != nil {
			return nil, "", err
		}
	}
	if roleARN == "" {
		return viaCloudFormation(c.Principal), "", nil
	}
	p, err := s.assume(c, roleARN)
	if err != nil || p.Account != c.Principal.Account {
		return nil, "", validation("Role %s is invalid or cannot be assumed", roleARN)
	}
	return viaCloudFormation(p), roleARN, nil
}

func (s *Service) assume(c *kernel.Call, roleARN string) (*kernel.Principal, error) {
	var out struct {
		AccessKeyID string `xml:"Credentials>AccessKeyId"`
		Token       string `xml:"Credentials>SessionToken"`
	}
	params := url.Values{"RoleArn": {roleARN}, "RoleSessionName": {"AWSCloudFormation"}}
	service := &kernel.Principal{Service: cloudFormation}
	if err := kernel.CallQuery(c.Context, s.env.Inside, service, c.Region, "sts", "AssumeRole", params, &out); err != nil {
		return nil, err
	}
	accounts, ok := s.env.Accounts.(identities)
	if !ok {
		return nil, kernel.Errorf(501, "SandboxNotImplemented", "This sandbox cannot look up sessions.")
	}
	_, p, err := accounts.Lookup(out.AccessKeyID, out.Token)
	return p, err
}
