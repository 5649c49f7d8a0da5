// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package organizations

import (
	"net/http"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Service is the part of the API of AWS Organizations that is needed to deploy a
// StackSet: it returns the accounts of an organization and the ID of its root,
// and registers delegated administrators. Organizations themselves are created
// through the Go API.
type Service struct {
	registry   *Registry
	authorizer kernel.Authorizer
}

var _ kernel.Service = (*Service)(nil)

// NewService returns the API of a registry.
func NewService(env kernel.Env, registry *Registry) *Service {
	return &Service{registry, env.Authorizer}
}

// Action returns the operation in the X-Amz-Target header.
func (s *Service) Action(r *http.Request, _ []byte) string { return kernel.JSONAction(r) }

// EncodeError implements kernel.Service.
func (s *Service) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return kernel.JSON11(kernel.JSONError(c, "com.amazonaws.organizations", err))
}

// operations are the functions that return data of the caller's organization.
var operations = map[string]func(*Service, Organization) any{
	"DescribeOrganization": describeOrganization,
	"ListRoots":            listRoots,
	"ListAccounts":         listAccounts,
}

// Serve executes one operation.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	run, known := operations[c.Action]
	_, delegates := delegations[c.Action]
	if !known && !delegates {
		return nil, kernel.UnknownJSONAction(c)
	}
	if body := strings.TrimSpace(string(c.Body)); !delegates && body != "" && body != "{}" {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidInputException", "The sandbox does not implement the parameters of %s: %s", c.Action, body)
	}
	if c.Principal == nil || c.Principal.Account == "" {
		return nil, kernel.AnonymousJSONCall()
	}
	if err := s.authorizer.Authorize(kernel.Authorization{
		Principal: c.Principal, Action: "organizations:" + c.Action, Resource: "*", ResourceAccount: c.Principal.Account,
	}); err != nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "You don't have permissions to access this resource.")
	}
	o, found := s.registry.Of(c.Principal.Account)
	switch {
	case !found:
		return nil, kernel.Errorf(http.StatusBadRequest, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
	case delegates:
		return s.serveDelegation(c, o)
	case !o.administers(c.Principal.Account) && c.Action != "DescribeOrganization":
		return nil, kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "You don't have permissions to access this resource.")
	}
	r, err := kernel.JSONResult(c, run(s, o))
	if err != nil {
		return nil, err
	}
	return kernel.JSON11(r), nil
}

// arn returns an ARN of the organization that ends with rest, such as
// "root/o-…/r-…".
func (o Organization) arn(rest string) string {
	return "arn:" + o.partition + ":organizations::" + o.Management + ":" + rest
}

func (o Organization) accountARN(account string) string {
	return o.arn("account/" + o.ID + "/" + account)
}

func describeOrganization(_ *Service, o Organization) any {
	type organization struct {
		ID         string `json:"Id"`
		Arn        string
		FeatureSet string
		Account    string `json:"MasterAccountId"`
		AccountARN string `json:"MasterAccountArn"`
	}
	return struct{ Organization organization }{organization{
		o.ID, o.arn("organization/" + o.ID), "ALL", o.Management, o.accountARN(o.Management),
	}}
}

func listRoots(_ *Service, o Organization) any {
	type root struct {
		ID   string `json:"Id"`
		Arn  string
		Name string
	}
	return struct{ Roots []root }{[]root{{o.Root, o.arn("root/" + o.ID + "/" + o.Root), "Root"}}}
}

func listAccounts(s *Service, o Organization) any {
	type account struct {
		ID     string `json:"Id"`
		Arn    string
		Name   string
		Status string
	}
	var list []account
	for _, id := range append([]string{o.Management}, o.Members...) {
		status := "ACTIVE"
		if _, open := s.registry.accounts.Partition(id); !open {
			status = "SUSPENDED"
		}
		list = append(list, account{id, o.accountARN(id), "account " + id, status})
	}
	return struct{ Accounts []account }{list}
}
