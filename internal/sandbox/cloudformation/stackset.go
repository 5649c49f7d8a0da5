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

// stackSet is a service-managed StackSet: one template that becomes a stack in
// many accounts of one organization, and never in the account that manages it
// (aws-facts 8). All its fields are guarded by the service's lock.
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
	instances map[where]*instance

	operations []*setOperation // oldest first
	running    *setOperation
	queue      []*setOperation // of accounts that joined or left meanwhile
	changed    chan struct{}   // closed and replaced at every change
}

// automatic defines what happens in accounts that join the organization or leave
// it.
type automatic struct {
	enabled, retain bool
	follows         map[string][]string // by Region that the whole root was deployed to: the accounts left out
}

// where is where an instance is.
type where struct{ account, region string }

// instance is a StackSet's stack in one account and Region, or what is known
// of the attempt to make it.
type instance struct {
	where
	root          string // what it was deployed through
	stackID       string // empty: no stack was made yet
	status        string // CURRENT, OUTDATED or INOPERABLE
	detail        string // PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED, …
	reason        string
	lastOperation string
}

// StackSet is a StackSet as seen from outside: a copy.
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

// StackInstance is one of its stacks.
type StackInstance struct {
	Account        string `json:"account"`
	Region         string `json:"region"`
	StackID        string `json:"stack_id,omitempty"`
	Status         string `json:"status"`
	DetailedStatus string `json:"detailed_status"`
	StatusReason   string `json:"status_reason,omitempty"`
}

// StackSetOperation is what was done to many of its stacks at once.
type StackSetOperation struct {
	ID     string `json:"id"`
	Action string `json:"action"` // CREATE, UPDATE or DELETE
	Status string `json:"status"` // QUEUED, RUNNING, SUCCEEDED or FAILED
}

// Settled reports whether no operation of the StackSet runs or waits.
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

// view copies the StackSet. The caller holds the lock.
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

// sorted lists the instances by account, then by Region.
func (set *stackSet) sorted() []*instance {
	return slices.SortedFunc(maps.Values(set.instances), func(a, b *instance) int {
		if order := strings.Compare(a.account, b.account); order != 0 {
			return order
		}
		return strings.Compare(a.region, b.region)
	})
}

// wake tells all waiting goroutines. The caller holds the lock.
func (set *stackSet) wake() {
	close(set.changed)
	set.changed = make(chan struct{})
}

// findSet returns a StackSet of an account by its ID, ARN or name; by name,
// one that is not deleted. The caller holds the lock.
func (s *Service) findSet(account, region, nameOrID string) *stackSet {
	for _, set := range s.sets {
		if set.account == account && set.region == region &&
			(nameOrID == set.id || nameOrID == set.arn() || nameOrID == set.name && !set.deleted) {
			return set
		}
	}
	return nil
}

// findAllowedSet finds the StackSet that a call names, for a caller who may.
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

// ownerOfSets returns the account whose StackSets a call is about: the caller's own, or
// for a delegated administrator that of the organization's management account,
// which has those too that an administrator creates (aws-facts 8.1).
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

// StackSet finds a StackSet of an account by its name or ID.
func (s *Service) StackSet(account, region, nameOrID string) (StackSet, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if set := s.findSet(account, region, nameOrID); set != nil {
		return set.view(), true
	}
	return StackSet{}, false
}

// StackSets returns all StackSets of all accounts, deleted ones too, in the order
// of their making.
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

// WaitForSet waits until the StackSet is as wanted, and returns it so.
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
