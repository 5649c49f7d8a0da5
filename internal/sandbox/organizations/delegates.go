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

// StackSets is the service principal for which an account is registered as a
// delegated administrator of StackSets (aws-facts 8.1).
const StackSets = "member.org.stacksets.cloudformation.amazonaws.com"

// delegate registers a member as the delegated administrator of a service, or
// ends that.
func (r *Registry) delegate(o Organization, account, service string, begin bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.organizations[o.ID]
	has := slices.Contains(now.delegates[service], account)
	switch {
	case account == now.Management:
		return kernel.Errorf(http.StatusBadRequest, "ConstraintViolationException", "You cannot register master account/yourself as delegated administrator for your organization.")
	case !slices.Contains(now.Members, account):
		return kernel.Errorf(http.StatusBadRequest, "AccountNotFoundException", "You specified an account that doesn't exist.")
	case service != StackSets:
		return kernel.Errorf(http.StatusBadRequest, "InvalidInputException", "The sandbox knows delegated administrators of %s only, and not of %q", StackSets, service)
	case begin && has:
		return kernel.Errorf(http.StatusBadRequest, "AccountAlreadyRegisteredException", "The provided account is already a delegated administrator for your organization.")
	case !begin && !has:
		return kernel.Errorf(http.StatusBadRequest, "AccountNotRegisteredException", "The provided account is not a registered delegated administrator for your organization.")
	}
	delegates := map[string][]string{}
	for name, accounts := range now.delegates { // those who have a copy keep it
		delegates[name] = slices.DeleteFunc(slices.Clone(accounts), func(a string) bool { return name == service && a == account })
	}
	if begin {
		delegates[service] = append(delegates[service], account)
	}
	now.delegates = delegates
	return nil
}

// Delegate registers a member as the delegated administrator of StackSets; one that
// is stays it.
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

// Delegated reports whether an account of the organization administers a service
// for it.
func (o Organization) Delegated(account, service string) bool {
	return slices.Contains(o.delegates[service], account)
}

// administers reports whether an account may read the organization as its
// management account does.
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

// delegations are the operations with parameters.
var delegations = map[string]bool{"RegisterDelegatedAdministrator": true, "DeregisterDelegatedAdministrator": false}

// serveDelegation registers a delegated administrator, or ends that.
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
