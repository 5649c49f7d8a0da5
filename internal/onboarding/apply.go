// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Apply returns what the commit of an accepted answer writes, given the current
// content of the registry: other requests may have been committed since the
// decision. The transition is empty if a newer change was committed, or the
// resource was deleted meanwhile.
func Apply(s Snapshot, a Answer, now time.Time) Transition {
	c := commit{Snapshot: s, answer: a, change: a.Change, now: now, resource: s.Stack.Resources[a.LogicalID]}
	t := c.apply()
	if t.Link == nil && s.Link != nil {
		if released, held := s.Link.Release(a); held {
			t.Link = &released // the account was not connected
		}
	}
	return t
}

func (c commit) apply() Transition {
	switch {
	case c.answer.Response.Status == phonehome.Failed:
		return c.refuse()
	case c.change.SentAt.Before(c.resource.LastRequestAt):
		return Transition{}
	case c.change.Kind == ChangeRegister:
		return c.register()
	case c.change.Kind == ChangeUpdate:
		return c.update()
	case c.change.Kind == ChangeDelete:
		return c.delete()
	case c.change.Kind == ChangeDoubt:
		return c.doubt()
	}
	return Transition{}
}

// commit is one change that is to be written to the registry.
type commit struct {
	Snapshot
	answer   Answer
	change   Change
	now      time.Time
	resource Resource // as last accepted; zero: never accepted
}

// refuse returns a transition that only adds an entry to the customer's history, so
// that the vendor can read why a stack failed.
func (c commit) refuse() Transition {
	if c.change.CustomerID == "" {
		return Transition{}
	}
	entry := c.entry(c.change.CustomerID, c.answer.Stack.Account, c.answer.Outcome)
	entry.Status, entry.Refused = entry.Before, true
	entry.Detail = strings.TrimSuffix(c.answer.Response.Reason, messages{c.Hub}.help())
	entry.Cause = c.change.Reason
	return Transition{History: &entry}
}

// register returns a transition that makes the stack the owner of the registration,
// unless a stack that asked later owns it already.
func (c commit) register() Transition {
	if c.resource.deletedAfter(c.change.SentAt) {
		return Transition{}
	}
	if c.answer.recovered() && c.Registration != nil && !c.Registration.Live() {
		return Transition{} // the customer was disconnected meanwhile
	}
	if c.boundElsewhere() {
		return c.refuseBoundElsewhere()
	}
	stack := c.withResource(recoveredResource(Resource{
		LastRequestAt: c.change.SentAt,
		Properties:    c.change.Properties,
		PhysicalID:    c.change.PhysicalID,
	}, c.change))
	old := c.Registration
	if old != nil && c.change.SentAt.Before(old.RequestedAt) {
		reg := *old
		if c.answer.Stack != old.Stack {
			reg.Superseded = withStack(old.Superseded, c.answer.Stack)
		}
		return c.transition(stack, reg, OutcomeSuperseded)
	}
	reg := Registration{Hub: c.Hub.Name, CustomerID: c.change.CustomerID, Account: c.answer.Stack.Account}
	if old != nil {
		reg = *old
		if old.Live() && !old.Stack.IsZero() && old.Stack != c.answer.Stack {
			reg.Superseded = withStack(old.Superseded, old.Stack)
		}
	}
	reg.Superseded, reg.Recovered, reg.WithoutStack = withoutStack(reg.Superseded, c.answer.Stack), false, false
	reg.Stack, reg.LogicalID, reg.PhysicalID = c.answer.Stack, c.answer.LogicalID, c.change.PhysicalID
	reg.RequestedAt, reg.RegisteredAt = c.change.SentAt, c.now
	t := c.transition(stack, c.proven(reg), c.answer.registration())
	if c.answer.recovered() {
		t.History.Detail = reasonRecovered
	}
	if c.change.Binds && c.Link.binds() {
		bound := c.Link.bind(c.answer.Stack.Account)
		t.Link = &bound
	}
	return t
}

// boundElsewhere reports whether a link with ScopeAnyone has been bound to another
// account since the answer was decided. The reservation prevents that, unless the
// accepted answer was not committed for an hour.
func (c commit) boundElsewhere() bool {
	return c.change.Binds && c.Link != nil && !c.Link.Admits(c.answer.Stack.Account)
}

// refuseBoundElsewhere returns a transition that registers nothing, although the
// stack received SUCCESS, and that records this in the history for the vendor.
func (c commit) refuseBoundElsewhere() Transition {
	entry := c.entry(c.change.CustomerID, c.answer.Stack.Account, OutcomeWrongAccount)
	entry.Status, entry.Refused, entry.Detail = entry.Before, true, reasonBoundElsewhere(c.answer.Stack)
	return Transition{History: &entry}
}

// update returns the transition of an Update, which changes the registration only if
// the stack owns it.
func (c commit) update() Transition {
	if !c.owns() || !c.resource.DeletedAt.IsZero() {
		return Transition{}
	}
	resource := c.resource
	resource.LastRequestAt = c.change.SentAt
	resource.Previous, resource.Properties = previous(resource, c.change), c.change.Properties
	resource.PhysicalID, resource.Confirmed = c.change.PhysicalID, true
	before := c.Registration.ExternalID
	t := c.transition(c.withResource(resource), c.proven(*c.Registration), c.answer.Outcome)
	if t.Registration.ExternalID != before && t.History.Detail == "" {
		t.History.Detail = reasonRotated
	}
	return t
}

// previous returns the properties that a rollback of the change would return to:
// those that CloudFormation had in force. These differ from the properties accepted
// last if the bucket accepted an answer that CloudFormation no longer waited for.
func previous(r Resource, change Change) phonehome.Properties {
	switch {
	case change.Properties.Equal(r.Properties):
		return r.Previous // the change is a rollback: the update that it undoes was not accepted
	case change.OldProperties.Equal(phonehome.Properties{}):
		return r.Properties // stored by a release whose changes did not have the old properties
	}
	return change.OldProperties
}

// delete returns a transition that stores the tombstone, and disconnects the
// registration if the stack owned it. If the stack has another live resource, such as
// one that a renamed resource had replaced before the update was rolled back, the
// registration falls back to that resource.
func (c commit) delete() Transition {
	if !c.resource.Deletes(c.change.PhysicalID) {
		return Transition{}
	}
	resource := c.resource
	resource.LastRequestAt, resource.DeletedAt = c.change.SentAt, c.change.SentAt
	stack := c.withResource(resource)
	if c.Registration == nil {
		return Transition{Stack: &stack}
	}
	reg := *c.Registration
	if reg.mayBelongTo(c.change.Properties) {
		reg.Recovered, reg.Stack = false, c.answer.Stack
		reg.LogicalID, reg.PhysicalID = c.answer.LogicalID, c.change.PhysicalID
	} else if !c.owns() {
		if !slices.Contains(reg.Superseded, c.answer.Stack) || anyLive(stack) {
			return Transition{Stack: &stack}
		}
		reg.Superseded = withoutStack(reg.Superseded, c.answer.Stack)
		return c.transition(stack, reg, OutcomeTombstone)
	}
	if logicalID, heir := newestLive(stack); heir != nil {
		reg.LogicalID, reg.PhysicalID = logicalID, heir.PhysicalID
		reg.TemplateVersion, reg.GrantedPermissions = heir.Properties.TemplateVersion, heir.Properties.GrantedPermissions
		reg.Parameters, reg.Reported = maps.Clone(heir.Properties.Parameters), maps.Clone(heir.Properties.Reported)
		if id, err := account.ParseExternalID(heir.Properties.ExternalID); err == nil && c.Link != nil && c.Link.hasExternalID(id) {
			reg.ExternalID = id
		}
		reg.PreviousExternalID = c.previousOf(reg, heir.Properties)
		if role, err := account.ParseRoleARN(heir.Properties.RoleARN); err == nil && role != reg.Role {
			reg.Role, reg.Status, reg.Reason, reg.Open = role, Degraded, reasonFellBack(role), false
		}
		if c.Link != nil { // the properties that the resource reported, as they would be registered
			reg.AdditionalRoles = additionalRoles(c.Link.AdditionalRoles, reg.Role, heir.Properties)
		}
		return c.transition(stack, reg, OutcomeFellBack)
	}
	reg.Status, reg.Reason, reg.Open = Disconnected, reasonDeleted(c.answer.Stack), false
	return c.transition(stack, reg, OutcomeDisconnected)
}

// doubt returns a transition that degrades the registration of a stack that may have
// been deleted, and leaves the stack's record unchanged. Health rounds resolve the
// doubt.
func (c commit) doubt() Transition {
	if !c.owns() || !c.resource.Deletes(c.change.PhysicalID) {
		return Transition{}
	}
	reg := *c.Registration
	reg.Status, reg.Reason, reg.Open = Degraded, reasonDeleteUnconfirmed(c.answer.Stack), false
	reg.DeleteDoubtedAt = c.now
	t := c.transition(c.Stack, reg, OutcomeDeleteUnconfirmed)
	t.Stack = nil
	return t
}

// owns reports whether the registration belongs to the answered resource.
func (c commit) owns() bool {
	reg := c.Registration
	return reg != nil && reg.Live() && reg.Stack == c.answer.Stack && reg.LogicalID == c.answer.LogicalID
}

// proven returns the registration with the properties that the stack reported, and
// the result of the proof.
func (c commit) proven(reg Registration) Registration {
	reg.TemplateVersion = c.change.Properties.TemplateVersion
	reg.GrantedPermissions = slices.Clone(c.change.Properties.GrantedPermissions)
	reg.Parameters, reg.Reported = maps.Clone(c.change.Properties.Parameters), maps.Clone(c.change.Properties.Reported)
	if !c.change.Role.IsZero() {
		reg.Role, reg.ExternalID, reg.AdditionalRoles = c.change.Role, c.change.ExternalID, maps.Clone(c.change.AdditionalRoles)
	}
	reg.PreviousExternalID = c.previousOf(reg, c.change.Properties)
	if c.change.Status != "" {
		reg.Status, reg.Reason, reg.Open = c.change.Status, c.change.Reason, c.change.Open
		reg.DeleteDoubtedAt = time.Time{}
	}
	if !c.change.ProvenAt.IsZero() {
		reg.ProvenAt = c.change.ProvenAt
	}
	return reg
}

// withResource returns the stack with the new state of the answered resource. It does
// not change the snapshot's map.
func (c commit) withResource(resource Resource) Stack {
	stack := c.Stack
	stack.ID = c.answer.Stack
	if stack.CustomerID == "" {
		stack.CustomerID = c.change.CustomerID
	}
	stack.Resources = maps.Clone(c.Stack.Resources)
	if stack.Resources == nil {
		stack.Resources = map[string]Resource{}
	}
	stack.Resources[c.answer.LogicalID] = resource
	dropTombstones(stack.Resources, c.answer.LogicalID, c.now)
	return stack
}

// Limits of a stack's tombstones. A tombstone is kept while a request that it blocks
// may still arrive: SNS retries for 23 days, and SQS keeps a message for 14
// (aws-facts 6). Their number is limited because a customer can rename the custom
// resource often.
const (
	tombstonesKept = 60 * 24 * time.Hour
	maxTombstones  = 50
)

// dropTombstones drops the tombstones that are too old, and the oldest ones over the
// limit, but never that of the resource that was just answered.
func dropTombstones(resources map[string]Resource, answered string, now time.Time) {
	var dead []string
	for logicalID, resource := range resources {
		switch {
		case resource.DeletedAt.IsZero() || logicalID == answered:
		case !now.Before(resource.DeletedAt.Add(tombstonesKept)):
			delete(resources, logicalID)
		default:
			dead = append(dead, logicalID)
		}
	}
	slices.SortFunc(dead, func(a, b string) int {
		return cmp.Or(resources[b].DeletedAt.Compare(resources[a].DeletedAt), strings.Compare(a, b))
	})
	for _, logicalID := range dead[min(len(dead), maxTombstones):] {
		delete(resources, logicalID)
	}
}

func (c commit) transition(stack Stack, reg Registration, outcome Outcome) Transition {
	reg.ChangedAt = c.now
	entry := c.entry(reg.CustomerID, reg.Account, outcome)
	entry.Status, entry.Detail = reg.Status, reg.Reason
	return Transition{Stack: &stack, Registration: &reg, History: &entry, Event: EventOf(reg, entry)}
}

// entry returns the history entry of the answer, without its result.
func (c commit) entry(customer string, in account.ID, outcome Outcome) HistoryEntry {
	before := Pending
	if c.Registration != nil {
		before = c.Registration.Status
	}
	return HistoryEntry{
		At:         c.now,
		CustomerID: customer,
		Account:    in,
		Stack:      c.answer.Stack,
		LogicalID:  c.answer.LogicalID,
		RequestID:  c.answer.RequestID,
		Request:    c.change.Request,
		Outcome:    outcome,
		Before:     before,
	}
}

func anyLive(stack Stack) bool {
	_, resource := newestLive(stack)
	return resource != nil
}

// newestLive returns the live resource of the stack that was accepted last, and its
// logical ID; nil if none is live.
func newestLive(stack Stack) (string, *Resource) {
	var name string
	var newest *Resource
	for _, logicalID := range slices.Sorted(maps.Keys(stack.Resources)) {
		resource := stack.Resources[logicalID]
		if resource.live() && (newest == nil || resource.LastRequestAt.After(newest.LastRequestAt)) {
			name, newest = logicalID, &resource
		}
	}
	return name, newest
}

func withStack(stacks []account.StackARN, stack account.StackARN) []account.StackARN {
	return append(withoutStack(stacks, stack), stack)
}

// withoutStack returns the list without a stack. It does not change the given list.
func withoutStack(stacks []account.StackARN, stack account.StackARN) []account.StackARN {
	var rest []account.StackARN
	for _, s := range stacks {
		if s != stack {
			rest = append(rest, s)
		}
	}
	return rest
}
