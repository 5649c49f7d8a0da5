// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// The part of the control API for organizations and StackSets, with the methods of
// Client.

// OrganizationRequest is the body of POST /_sandbox/organization.
type OrganizationRequest struct {
	Management string   `json:"management"`
	Members    []string `json:"members,omitempty"`
}

// MembershipRequest is the body of POST /_sandbox/organization/join and
// /_sandbox/organization/leave; the latter uses only the account.
type MembershipRequest struct {
	Organization string `json:"organization,omitempty"`
	Account      string `json:"account"`
}

// StackSetRequest is the body of POST /_sandbox/stackset.
type StackSetRequest struct {
	Management string `json:"management"`
	StackSetLaunch
}

// StackSetDeletion is the body of POST /_sandbox/stackset/delete.
type StackSetDeletion struct {
	ID string `json:"id"`
}

// ServiceControlRequest is the body of POST /_sandbox/organization/control.
// With an account, the policy applies to that account only.
type ServiceControlRequest struct {
	Organization string          `json:"organization"`
	Account      string          `json:"account,omitempty"`
	Policy       json.RawMessage `json:"policy"`
}

// ServiceControlAnswer is the answer to POST /_sandbox/organization/control, and
// the body of DELETE.
type ServiceControlAnswer struct {
	ID string `json:"id"`
}

// AccountRequest is the body of POST /_sandbox/account/close.
type AccountRequest struct {
	Account string `json:"account"`
}

func (s *Sandbox) organizationControl() map[string]func(http.ResponseWriter, *http.Request) (any, error) {
	return map[string]func(http.ResponseWriter, *http.Request) (any, error){
		"GET /_sandbox/organizations":           func(http.ResponseWriter, *http.Request) (any, error) { return s.Organizations(), nil },
		"POST /_sandbox/organization":           s.controlOrganization,
		"POST /_sandbox/organization/join":      s.controlJoin,
		"POST /_sandbox/organization/leave":     s.controlLeave,
		"POST /_sandbox/organization/control":   s.controlAttach,
		"DELETE /_sandbox/organization/control": s.controlDetach,
		"POST /_sandbox/account/close":          s.controlCloseAccount,
		"GET /_sandbox/stacksets":               func(http.ResponseWriter, *http.Request) (any, error) { return s.StackSets(), nil },
		"POST /_sandbox/stackset":               s.controlStackSet,
		"GET /_sandbox/stackset":                s.controlWaitStackSet,
		"POST /_sandbox/stackset/delete":        s.controlDeleteStackSet,
	}
}

func (s *Sandbox) controlOrganization(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[OrganizationRequest](r)
	if err != nil {
		return nil, err
	}
	return s.NewOrganization(q.Management, q.Members...)
}

func (s *Sandbox) controlJoin(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[MembershipRequest](r)
	if err != nil {
		return nil, err
	}
	return done{true}, s.JoinOrganization(q.Organization, q.Account)
}

func (s *Sandbox) controlLeave(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[MembershipRequest](r)
	if err != nil {
		return nil, err
	}
	return done{true}, s.LeaveOrganization(q.Account)
}

func (s *Sandbox) controlAttach(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[ServiceControlRequest](r)
	if err != nil {
		return nil, err
	}
	id, err := s.AttachServiceControlPolicy(q.Organization, q.Account, string(q.Policy))
	return ServiceControlAnswer{id}, err
}

func (s *Sandbox) controlDetach(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[ServiceControlAnswer](r)
	if err != nil {
		return nil, err
	}
	return done{true}, s.DetachServiceControlPolicy(q.ID)
}

func (s *Sandbox) controlCloseAccount(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[AccountRequest](r)
	if err != nil {
		return nil, err
	}
	return done{true}, s.CloseAccount(q.Account)
}

func (s *Sandbox) controlStackSet(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[StackSetRequest](r)
	if err != nil {
		return nil, err
	}
	return s.LaunchStackSet(r.Context(), q.Management, q.StackSetLaunch)
}

// controlWaitStackSet waits until no operation is under way in a StackSet, and
// returns it.
func (s *Sandbox) controlWaitStackSet(_ http.ResponseWriter, r *http.Request) (any, error) {
	return s.WaitStackSet(r.Context(), r.URL.Query().Get("id"))
}

func (s *Sandbox) controlDeleteStackSet(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[StackSetDeletion](r)
	if err != nil {
		return nil, err
	}
	return done{true}, s.DeleteStackSet(r.Context(), q.ID)
}

// NewOrganization creates an organization, and returns it.
func (c Client) NewOrganization(ctx context.Context, q OrganizationRequest) (Organization, error) {
	var o Organization
	return o, c.do(ctx, http.MethodPost, "/_sandbox/organization", q, &o)
}

// JoinOrganization adds an account to an organization.
func (c Client) JoinOrganization(ctx context.Context, id, account string) error {
	return c.do(ctx, http.MethodPost, "/_sandbox/organization/join", MembershipRequest{id, account}, nil)
}

// LeaveOrganization removes an account from its organization.
func (c Client) LeaveOrganization(ctx context.Context, account string) error {
	return c.do(ctx, http.MethodPost, "/_sandbox/organization/leave", MembershipRequest{Account: account}, nil)
}

// AttachServiceControlPolicy attaches a service control policy to an organization,
// or to one of its accounts, and returns the policy's ID.
func (c Client) AttachServiceControlPolicy(ctx context.Context, q ServiceControlRequest) (id string, err error) {
	var answer ServiceControlAnswer
	err = c.do(ctx, http.MethodPost, "/_sandbox/organization/control", q, &answer)
	return answer.ID, err
}

// DetachServiceControlPolicy detaches a service control policy by its ID.
func (c Client) DetachServiceControlPolicy(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/_sandbox/organization/control", ServiceControlAnswer{id}, nil)
}

// CloseAccount closes an account permanently. It returns an error if the account
// does not exist or is already closed.
func (c Client) CloseAccount(ctx context.Context, account string) error {
	return c.do(ctx, http.MethodPost, "/_sandbox/account/close", AccountRequest{account}, nil)
}

// Organizations returns all organizations.
func (c Client) Organizations(ctx context.Context) ([]Organization, error) {
	var all []Organization
	return all, c.do(ctx, http.MethodGet, "/_sandbox/organizations", nil, &all)
}

// LaunchStackSet creates a StackSet, begins to deploy it, and returns it.
func (c Client) LaunchStackSet(ctx context.Context, q StackSetRequest) (StackSet, error) {
	var set StackSet
	return set, c.do(ctx, http.MethodPost, "/_sandbox/stackset", q, &set)
}

// WaitStackSet waits until no operation is under way in a StackSet, and returns
// it.
func (c Client) WaitStackSet(ctx context.Context, id string) (StackSet, error) {
	var set StackSet
	return set, c.do(ctx, http.MethodGet, "/_sandbox/stackset?id="+url.QueryEscape(id), nil, &set)
}

// DeleteStackSet deletes a StackSet with all its stacks, and waits for that.
func (c Client) DeleteStackSet(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodPost, "/_sandbox/stackset/delete", StackSetDeletion{id}, nil)
}

// StackSets returns all StackSets of all accounts, including deleted ones.
func (c Client) StackSets(ctx context.Context) ([]StackSet, error) {
	var all []StackSet
	return all, c.do(ctx, http.MethodGet, "/_sandbox/stacksets", nil, &all)
}

// FindStackSet returns a StackSet by its ID, or an active one by its name. It
// returns an error if there is none.
func (c Client) FindStackSet(ctx context.Context, name string) (StackSet, error) {
	all, err := c.StackSets(ctx)
	if err != nil {
		return StackSet{}, err
	}
	for _, set := range all {
		if set.ID == name || set.Name == name && set.Status == "ACTIVE" {
			return set, nil
		}
	}
	return StackSet{}, fmt.Errorf("there is no StackSet %q", name)
}
