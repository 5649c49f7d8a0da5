// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// stack is one stack. All its fields are guarded by the service's lock.
type stack struct {
	id, name, account, region string

	template     *template.Template
	values       map[string]string // parameters, by name
	capabilities []string
	tags         map[string]string
	onFailure    string // ROLLBACK, DELETE or DO_NOTHING
	serviceRole  string // ARN; empty: the caller acts

	status, reason            string
	created, updated, deleted time.Time
	resources                 map[string]*resource
	outputs                   map[string]string
	events                    []Event

	operation *operation    // the running one, or the last
	changed   chan struct{} // closed and replaced at every event
}

// nameKey identifies the newest stack of a name.
type nameKey struct{ account, region, name string }

// resource is one resource of a stack, as it was last created or updated.
type resource struct {
	logicalID, physicalID, kind string
	status, reason              string
	updated                     time.Time

	properties map[string]any // evaluated
	attributes map[string]any // for GetAtt
	needs      []string       // logical IDs
	answerKey  string         // of a custom resource: where its last answer was stored

	deletionPolicy, updateReplacePolicy string
}

// Event is one line of a stack's events.
type Event struct {
	ID                   string    `json:"id"`
	StackID              string    `json:"stack_id"`
	StackName            string    `json:"stack_name"`
	LogicalResourceID    string    `json:"logical_resource_id"`
	PhysicalResourceID   string    `json:"physical_resource_id"`
	ResourceType         string    `json:"resource_type"`
	Timestamp            time.Time `json:"timestamp"`
	ResourceStatus       string    `json:"resource_status"`
	ResourceStatusReason string    `json:"resource_status_reason,omitempty"`
	ResourceProperties   string    `json:"-"`
	ClientRequestToken   string    `json:"-"`
}

// Stack is a copy of a stack for other packages.
type Stack struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Account      string            `json:"account"`
	Region       string            `json:"region"`
	Description  string            `json:"description,omitempty"`
	Status       string            `json:"status"`
	StatusReason string            `json:"status_reason,omitempty"`
	Parameters   map[string]string `json:"parameters,omitempty"`
	Outputs      map[string]string `json:"outputs,omitempty"`
	Resources    []Resource        `json:"resources,omitempty"`
	Created      time.Time         `json:"created"`
}

// Resource is a copy of a stack's resource for other packages.
type Resource struct {
	LogicalID    string    `json:"logical_id"`
	PhysicalID   string    `json:"physical_id"`
	Type         string    `json:"type"`
	Status       string    `json:"status"`
	StatusReason string    `json:"status_reason,omitempty"`
	Updated      time.Time `json:"updated"`
}

// Settled reports whether no operation of the stack is in progress.
func (v Stack) Settled() bool { return !strings.HasSuffix(v.Status, "_IN_PROGRESS") }

// view returns a copy of the stack. The caller holds the lock.
func (st *stack) view() Stack {
	v := Stack{
		ID: st.id, Name: st.name, Account: st.account, Region: st.region,
		Description: st.template.Description, Status: st.status, StatusReason: st.reason,
		Parameters: maps.Clone(st.values), Outputs: maps.Clone(st.outputs), Created: st.created,
	}
	for _, id := range slices.Sorted(maps.Keys(st.resources)) {
		r := st.resources[id]
		if r.status == "" {
			continue // its first event follows
		}
		v.Resources = append(v.Resources, Resource{
			LogicalID: id, PhysicalID: r.physicalID, Type: r.kind,
			Status: r.status, StatusReason: r.reason, Updated: r.updated,
		})
	}
	return v
}

// setStackLocked changes the stack's status and records the event. The caller
// holds the lock.
func (s *Service) setStackLocked(st *stack, status, reason string) {
	st.status, st.reason = status, reason
	s.record(st, Event{
		LogicalResourceID: st.name, PhysicalResourceID: st.id, ResourceType: "AWS::CloudFormation::Stack",
		ResourceStatus: status, ResourceStatusReason: reason, ID: s.newIDLocked(),
	})
}

// setResource changes a resource's status and records the event.
func (s *Service) setResource(st *stack, r *resource, status, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.status, r.reason, r.updated = status, reason, s.now()
	s.record(st, Event{
		LogicalResourceID: r.logicalID, PhysicalResourceID: r.physicalID, ResourceType: r.kind,
		ResourceStatus: status, ResourceStatusReason: reason,
		ResourceProperties: encodeJSON(r.properties),
		ID:                 r.logicalID + "-" + status + "-" + s.now().Format("2006-01-02T15:04:05.000Z"),
	})
}

func (s *Service) record(st *stack, e Event) {
	e.StackID, e.StackName, e.Timestamp = st.id, st.name, s.now()
	if st.operation != nil {
		e.ClientRequestToken = st.operation.token
	}
	st.events = append(st.events, e)
	close(st.changed)
	st.changed = make(chan struct{})
}

// find returns a stack by its ID, or by its name if it is not deleted. The
// caller holds the lock.
func (s *Service) find(account, region, nameOrID string) (*stack, error) {
	if st := s.stacks[nameOrID]; st != nil && st.account == account && st.region == region {
		return st, nil
	}
	if st := s.named[nameKey{account, region, nameOrID}]; st != nil && st.status != "DELETE_COMPLETE" {
		return st, nil
	}
	return nil, validation("Stack with id %s does not exist", nameOrID)
}

// Describe returns a stack by its ID, and whether there is one.
func (s *Service) Describe(stackID string) (Stack, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, found := s.stacks[stackID]
	if !found {
		return Stack{}, false
	}
	return st.view(), true
}

// All returns every stack, also the deleted ones, in the order of creation.
func (s *Service) All() []Stack {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Stack
	for _, st := range s.stacks {
		all = append(all, st.view())
	}
	slices.SortFunc(all, func(a, b Stack) int {
		if order := a.Created.Compare(b.Created); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// Events returns a stack's events, oldest first.
func (s *Service) Events(stackID string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, found := s.stacks[stackID]; found {
		return slices.Clone(st.events)
	}
	return nil
}

// WaitFor waits until wanted returns true for the stack, which it checks after
// each event, and returns the stack. It returns an error if there is no such
// stack, ctx is done, or the service is closed.
func (s *Service) WaitFor(ctx context.Context, stackID string, wanted func(Stack) bool) (Stack, error) {
	for {
		s.mu.Lock()
		st, found := s.stacks[stackID]
		if !found {
			s.mu.Unlock()
			return Stack{}, validation("Stack with id %s does not exist", stackID)
		}
		view, changed := st.view(), st.changed
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

// viaCloudFormation returns a principal as other services see it when
// CloudFormation calls on its behalf (aws-facts 1.16).
func viaCloudFormation(p *kernel.Principal) *kernel.Principal {
	via := *p
	via.Via = append(slices.Clone(p.Via), "cloudformation.amazonaws.com")
	return &via
}
