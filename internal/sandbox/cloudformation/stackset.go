// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/organizations"
)

// stackSet is a service-managed StackSet: one template, of which stacks are
// created in many accounts of one organization, but never in its management
// account (aws-facts 8). All its fields are guarded by the service's lock.
type stackSet struct {
	id, name, account, region string // of the management account
	description, token        string

	template     *template.Template
	values       map[string]string // parameters, bound
	capabilities []string
	tags         map[string]string
	created      time.Time
	deleted      bool

	automatic automatic
	instances map[location]*instance

	operations []*setOperation // oldest first
	running    *setOperation
	queue      []*setOperation // waiting, for accounts that joined or left
	changed    chan struct{}   // closed and replaced at every change
}

// automatic defines what happens in accounts that join the organization or
// leave it.
type automatic struct {
	enabled, retain bool
	follows         map[string][]string // the excluded accounts, by each Region that the whole root was deployed to
}

// location is the account and Region of an instance.
type location struct{ account, region string }

// instance is a StackSet's stack in one account and Region, or the attempt to
// create it.
type instance struct {
	location
	root          string // ID of the organization's root that it was deployed to
	stackID       string // empty: no stack was created yet
	status        string // CURRENT, OUTDATED or INOPERABLE
	detail        string // PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED, …
	reason        string
	lastOperation string
}

// StackSet is a copy of a StackSet for other packages.
type StackSet struct {
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	Account    string              `json:"account"`
	Region     string              `json:"region"`
	Status     string              `json:"status"` // ACTIVE or DELETED
	Parameters map[string]string   `json:"parameters,omitempty"`
	Instances  []StackInstance     `json:"instances,omitempty"`
	Operations []StackSetOperation `json:"operations,omitempty"` // oldest first
}

// StackInstance is a copy of a StackSet's instance.
type StackInstance struct {
	Account        string `json:"account"`
	Region         string `json:"region"`
	StackID        string `json:"stack_id,omitempty"`
	Status         string `json:"status"`
	DetailedStatus string `json:"detailed_status"`
	StatusReason   string `json:"status_reason,omitempty"`
}

// StackSetOperation is a copy of a StackSet's operation.
type StackSetOperation struct {
	ID     string `json:"id"`
	Action string `json:"action"` // CREATE, UPDATE or DELETE
	Status string `json:"status"` // QUEUED, RUNNING, SUCCEEDED or FAILED
}

// Settled reports whether no operation of the StackSet is running or queued.
func (v StackSet) Settled() bool {
	return !slices.ContainsFunc(v.Operations, func(o StackSetOperation) bool { return o.Status == "RUNNING" || o.Status == "QUEUED" })
}

func (set *stackSet) arn() string {
	return "arn:" + kernel.Partition(set.region) + ":cloudformation:" + set.region + ":" + set.account + ":stackset/" + set.id
}

func (set *stackSet) status() string {
	if set.deleted {
		return "DELETED"
	}
	return "ACTIVE"
}

// view returns a copy of the StackSet. The caller holds the lock.
func (set *stackSet) view() StackSet {
	v := StackSet{
		ID: set.id, Name: set.name, Account: set.account, Region: set.region,
		Status: set.status(), Parameters: maps.Clone(set.values),
	}
	for _, in := range set.sorted() {
		v.Instances = append(v.Instances, StackInstance{in.account, in.region, in.stackID, in.status, in.detail, in.reason})
	}
	for _, o := range set.operations {
		v.Operations = append(v.Operations, StackSetOperation{o.id, o.action, o.status})
	}
	return v
}

// sorted returns the instances, sorted by account, then by Region.
func (set *stackSet) sorted() []*instance {
	return slices.SortedFunc(maps.Values(set.instances), func(a, b *instance) int {
		if order := strings.Compare(a.account, b.account); order != 0 {
			return order
		}
		return strings.Compare(a.region, b.region)
	})
}

// wake wakes the goroutines that wait for a change. The caller holds the lock.
func (set *stackSet) wake() {
	close(set.changed)
	set.changed = make(chan struct{})
}

// findSet returns a StackSet of an account by its ID or ARN, or by its name if
// it is not deleted, or nil. The caller holds the lock.
func (s *Service) findSet(account, region, nameOrID string) *stackSet {
	for _, set := range s.sets {
		if set.account == account && set.region == region &&
			(nameOrID == set.id || nameOrID == set.arn() || nameOrID == set.name && !set.deleted) {
			return set
		}
	}
	return nil
}

// findAllowedSet returns the StackSet that a call names. It returns an error if
// the caller may not call c.Action on it, or if there is none.
func (s *Service) findAllowedSet(c *kernel.Call, q kernel.Query) (*stackSet, error) {
	owner, err := s.ownerOfSets(c, q)
	if err != nil {
		return nil, err
	}
	name := q.Get("StackSetName")
	s.mu.Lock()
	set := s.findSet(owner, c.Region, name)
	s.mu.Unlock()
	resource := setARN(c, owner, name+":*")
	if set != nil {
		resource = set.arn()
	}
	if err := s.allowed(c, resource); err != nil {
		return nil, err
	}
	if set == nil {
		return nil, kernel.Errorf(http.StatusNotFound, "StackSetNotFoundException", "StackSet %s not found", name)
	}
	return set, nil
}

func setARN(c *kernel.Call, owner, rest string) string {
	return "arn:" + kernel.Partition(c.Region) + ":cloudformation:" + c.Region + ":" + owner + ":stackset/" + rest
}

// ownerOfSets returns the account whose StackSets a call is about: the caller's
// own, or for a delegated administrator the organization's management account,
// which also owns the StackSets that an administrator creates (aws-facts 8.1).
func (s *Service) ownerOfSets(c *kernel.Call, q kernel.Query) (string, error) {
	switch as := q.Get("CallAs"); as {
	case "", "SELF":
		return c.Principal.Account, nil
	case "DELEGATED_ADMIN":
		o, found := s.organizations.Of(c.Principal.Account)
		if !found || !o.Delegated(c.Principal.Account, organizations.StackSets) {
			return "", validation("Account used is not a delegated administrator")
		}
		return o.Management, nil
	default:
		return "", validation("1 validation error detected: Value '%s' at 'callAs' failed to satisfy constraint: Member must satisfy enum value set: [SELF, DELEGATED_ADMIN]", as)
	}
}

// StackSet returns a StackSet of an account by its name or ID, and whether
// there is one.
func (s *Service) StackSet(account, region, nameOrID string) (StackSet, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if set := s.findSet(account, region, nameOrID); set != nil {
		return set.view(), true
	}
	return StackSet{}, false
}

// StackSets returns all StackSets of all accounts, also the deleted ones, in
// the order of creation.
func (s *Service) StackSets() []StackSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []StackSet{}
	for _, set := range s.setsInOrder() {
		all = append(all, set.view())
	}
	return all
}

func (s *Service) setsInOrder() []*stackSet {
	return slices.SortedFunc(maps.Values(s.sets), func(a, b *stackSet) int {
		if order := a.created.Compare(b.created); order != 0 {
			return order
		}
		return strings.Compare(a.id, b.id)
	})
}

// WaitForSet waits until wanted returns true for the StackSet, and returns the
// StackSet. It returns an error if there is no such StackSet, ctx is done, or
// the service is closed.
func (s *Service) WaitForSet(ctx context.Context, id string, wanted func(StackSet) bool) (StackSet, error) {
	for {
		s.mu.Lock()
		set, found := s.sets[id]
		if !found {
			s.mu.Unlock()
			return StackSet{}, kernel.Errorf(http.StatusNotFound, "StackSetNotFoundException", "StackSet %s not found", id)
		}
		view, changed := set.view(), set.changed
		s.mu.Unlock()
		if wanted(view) {
			return view, nil
		}
		select {
		case <-ctx.Done():
			return view, ctx.Err()
		case <-s.ctx.Done():
			return view, context.Canceled
		case <-changed:
		}
	}
}
