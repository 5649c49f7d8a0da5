// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package organizations

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// StackSets is the service principal with which delegated administrators of
// StackSets are registered (aws-facts 8.1).
const StackSets = "member.org.stacksets.cloudformation.amazonaws.com"

// delegate registers a member account as a delegated administrator of a service,
// or deregisters it. It returns AWS's error if that is not possible.
func (r *Registry) delegate(o Organization, account, service string, register bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	current := r.organizations[o.ID]
	registered := slices.Contains(current.delegates[service], account)
	switch {
	case account == current.Management:
		return kernel.Errorf(http.StatusBadRequest, "ConstraintViolationException", "You cannot register master account/yourself as delegated administrator for your organization.")
	case !slices.Contains(current.Members, account):
		return kernel.Errorf(http.StatusBadRequest, "AccountNotFoundException", "You specified an account that doesn't exist.")
	case service != StackSets:
		return kernel.Errorf(http.StatusBadRequest, "InvalidInputException", "The sandbox has delegated administrators only of %s, not of %q", StackSets, service)
	case register && registered:
		return kernel.Errorf(http.StatusBadRequest, "AccountAlreadyRegisteredException", "The provided account is already a delegated administrator for your organization.")
	case !register && !registered:
		return kernel.Errorf(http.StatusBadRequest, "AccountNotRegisteredException", "The provided account is not a registered delegated administrator for your organization.")
	}
	delegates := map[string][]string{}
	for name, accounts := range current.delegates { // copied, because clones of the Organization share the map
		delegates[name] = slices.DeleteFunc(slices.Clone(accounts), func(a string) bool { return name == service && a == account })
	}
	if register {
		delegates[service] = append(delegates[service], account)
	}
	current.delegates = delegates
	return nil
}

// Delegate registers a member account as a delegated administrator of StackSets,
// if it is not registered yet. It returns an error if the organization does not
// exist or the account is not a member of it.
func (r *Registry) Delegate(id, account string) error {
	r.mu.Lock()
	o, found := r.organizations[id]
	r.mu.Unlock()
	if !found {
		return fmt.Errorf("there is no organization %s", id)
	}
	err := r.delegate(*o, account, StackSets, true)
	if code := new(kernel.Error); errors.As(err, &code) && code.Code == "AccountAlreadyRegisteredException" {
		return nil
	}
	return err
}

// Delegated reports whether an account is a delegated administrator of a service
// in the organization.
func (o Organization) Delegated(account, service string) bool {
	return slices.Contains(o.delegates[service], account)
}

// administers reports whether an account may read the organization's data: the
// management account and every delegated administrator.
func (o Organization) administers(account string) bool {
	if account == o.Management {
		return true
	}
	for service := range o.delegates {
		if o.Delegated(account, service) {
			return true
		}
	}
	return false
}

// delegations are the operations on delegated administrators; true registers one.
var delegations = map[string]bool{"RegisterDelegatedAdministrator": true, "DeregisterDelegatedAdministrator": false}

// serveDelegation executes one of the delegations. Only the management account
// may call it.
func (s *Service) serveDelegation(c *kernel.Call, o Organization) (*kernel.Response, error) {
	var input struct {
		Account string `json:"AccountId"`
		Service string `json:"ServicePrincipal"`
	}
	if err := json.Unmarshal(c.Body, &input); err != nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "SerializationException", "%s", err)
	}
	if c.Principal.Account != o.Management {
		return nil, kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "You don't have permissions to access this resource.")
	}
	if err := s.registry.delegate(o, input.Account, input.Service, delegations[c.Action]); err != nil {
		return nil, err
	}
	r, err := kernel.JSONResult(c, nil)
	if err != nil {
		return nil, err
	}
	return kernel.JSON11(r), nil
}
