// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam

import (
	"errors"
	"net/http"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

const iamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/"

// request is one IAM call. It is executed while the store's lock is held.
type request struct {
	*kernel.Call
	kernel.Query
	store   *Store
	account *account // the caller's
}

type handler func(*request) (any, error)

var iamActions = map[string]handler{
	"CreateRole":                    createRole,
	"GetRole":                       getRole,
	"ListRoles":                     listRoles,
	"UpdateRole":                    updateRole,
	"UpdateRoleDescription":         updateRoleDescription,
	"UpdateAssumeRolePolicy":        updateAssumeRolePolicy,
	"DeleteRole":                    deleteRole,
	"TagRole":                       tagRole,
	"UntagRole":                     untagRole,
	"ListRoleTags":                  listRoleTags,
	"PutRolePermissionsBoundary":    putRolePermissionsBoundary,
	"DeleteRolePermissionsBoundary": deleteRolePermissionsBoundary,
	"PutRolePolicy":                 putRolePolicy,
	"GetRolePolicy":                 getRolePolicy,
	"DeleteRolePolicy":              deleteRolePolicy,
	"ListRolePolicies":              listRolePolicies,
	"AttachRolePolicy":              attachRolePolicy,
	"DetachRolePolicy":              detachRolePolicy,
	"ListAttachedRolePolicies":      listAttachedRolePolicies,
	"ListInstanceProfilesForRole":   listInstanceProfilesForRole,
	"CreatePolicy":                  createPolicy,
	"GetPolicy":                     getPolicy,
	"GetPolicyVersion":              getPolicyVersion,
	"ListPolicyVersions":            listPolicyVersions,
	"DeletePolicy":                  deletePolicy,
	"CreatePolicyVersion":           createPolicyVersion,
	"SetDefaultPolicyVersion":       setDefaultPolicyVersion,
	"DeletePolicyVersion":           deletePolicyVersion,
	"ListPolicies":                  listPolicies,
	"ListEntitiesForPolicy":         listEntitiesForPolicy,
	"TagPolicy":                     tagPolicy,
	"UntagPolicy":                   untagPolicy,
	"ListPolicyTags":                listPolicyTags,
}

// iamService serves IAM's API from a store.
type iamService struct{ store *Store }

// IAM returns the service "iam".
func (s *Store) IAM() kernel.Service { return iamService{s} }

func (i iamService) Action(r *http.Request, body []byte) string { return kernel.QueryAction(r, body) }

func (i iamService) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return kernel.QueryError(c, iamNamespace, err)
}

func (i iamService) Serve(c *kernel.Call) (*kernel.Response, error) {
	do, found := iamActions[c.Action]
	if !found {
		return nil, kernel.UnknownQueryAction(c)
	}
	if c.Principal == nil || c.Principal.Account == "" {
		return nil, kernel.Errorf(http.StatusForbidden, "AccessDenied", "The sandbox's IAM accepts calls only from principals of an account.")
	}
	s := i.store
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.open(c.Principal.Account, kernel.Partition(c.Region))
	if err != nil {
		return nil, asError(err, http.StatusForbidden, "AccessDenied")
	}
	result, err := do(&request{Call: c, Query: kernel.ParseQuery(c.Request, c.Body), store: s, account: a})
	if err != nil {
		return nil, err
	}
	return kernel.QueryResult(c, iamNamespace, result)
}

// authorize checks that the caller may do the action on an ARN of its account.
func (r *request) authorize(resource string, keys map[string][]string) error {
	return r.store.env.Authorizer.Authorize(kernel.Authorization{
		Principal:       r.Principal,
		Action:          "iam:" + r.Action,
		Resource:        resource,
		ResourceAccount: r.account.id,
		Context:         keys,
	})
}

// authorizedRole returns the role that a request names, if the caller may do the
// action on it. keys are additional condition keys.
func (r *request) authorizedRole(keys map[string][]string) (*role, error) {
	name := r.Get("RoleName")
	if err := validateName("roleName", name, 64); err != nil {
		return nil, err
	}
	found := r.account.role(name)
	arn := r.account.arn("role", "/", name)
	if keys == nil {
		keys = map[string][]string{}
	}
	if found != nil {
		arn = found.arn()
		for _, t := range found.tags {
			keys["aws:resourcetag/"+strings.ToLower(t.Key)] = []string{t.Value}
			keys["iam:resourcetag/"+strings.ToLower(t.Key)] = []string{t.Value}
		}
		if _, given := keys["iam:permissionsboundary"]; !given {
			keys["iam:permissionsboundary"] = nonEmpty(found.boundary)
		}
	}
	if err := r.authorize(arn, keys); err != nil {
		return nil, err
	}
	if found == nil {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "The role with name %s cannot be found.", name)
	}
	return found, nil
}

func (a *account) arn(kind, path, name string) string {
	return "arn:" + a.partition + ":iam::" + a.id + ":" + kind + path + name
}

// asError returns an AWS error unchanged, and any other error as an AWS error
// with a status and code.
func asError(err error, status int, code string) *kernel.Error {
	var known *kernel.Error
	if errors.As(err, &known) {
		return known
	}
	return kernel.Errorf(status, code, "%v", err)
}

func nonEmpty(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
