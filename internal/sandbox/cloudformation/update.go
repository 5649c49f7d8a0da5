// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
)

// update is an update in progress: the state for a rollback, and the resources
// to delete when it ends.
type update struct {
	*operation
	former   former
	mu       sync.Mutex
	undo     []undo
	replaced []*resource // the old ones, after success
}

// former is the stack before the update.
type former struct {
	template  *template.Template
	values    map[string]string
	tags      map[string]string
	outputs   map[string]string
	resources map[string]*resource // copies
}

// undo is one change that a rollback reverts.
type undo struct {
	id       string
	before   *resource      // nil: the update created it
	replaced bool           // the old physical resource still exists, unchanged
	tried    map[string]any // properties of an update in place, which may have failed part-way
}

// runUpdate returns a function that updates the stack to its new template and
// parameters, or rolls it back to the former ones.
func runUpdate(before former) func(*operation) {
	return func(o *operation) {
		u := &update{operation: o, former: before}
		failed := o.each(o.order, o.needs, true, u.apply)
		if o.ctx.Err() != nil {
			return
		}
		reason := ""
		if len(failed) > 0 {
			reason = "The following resource(s) failed to update: [" + strings.Join(failed, ", ") + "]. "
		} else if err := o.setOutputs(); err != nil {
			reason = err.Error()
		}
		if reason != "" {
			u.rollback(reason)
			return
		}
		u.complete()
	}
}

// apply creates, updates or replaces one resource as the new template defines
// it.
func (u *update) apply(ctx context.Context, id string) error {
	definition := u.st.template.Resources[id]
	u.s.mu.Lock()
	r := u.st.resources[id]
	u.s.mu.Unlock()
	if r == nil || r.status == "DELETE_COMPLETE" || r.status == "DELETE_SKIPPED" {
		u.remember(undo{id: id})
		return u.create(ctx, id)
	}
	properties, err := u.scope.Properties(definition)
	if err != nil {
		u.s.setResource(u.st, r, "UPDATE_FAILED", err.Error())
		return err
	}
	if same(r.properties, properties) {
		u.adopt(r, definition, properties)
		return nil
	}
	replaces, err := u.handler(r.kind).replaces(r, properties)
	if err != nil {
		u.s.setResource(u.st, r, "UPDATE_FAILED", err.Error())
		return err
	}
	if replaces {
		return u.replace(ctx, r, definition, properties)
	}
	u.remember(undo{id: id, before: u.former.resources[id], tried: properties})
	return u.change(ctx, r, properties, func() { u.adopt(r, definition, properties) })
}

// adopt stores a resource's new properties, dependencies and policies.
func (u *update) adopt(r *resource, definition template.Resource, properties map[string]any) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	r.needs, r.properties = u.needs[r.logicalID], properties
	r.deletionPolicy, r.updateReplacePolicy = definition.DeletionPolicy, definition.UpdateReplacePolicy
}

// replace creates a new physical resource. The old one is deleted in the end.
func (u *update) replace(ctx context.Context, old *resource, definition template.Resource, properties map[string]any) error {
	u.remember(undo{id: old.logicalID, before: old, replaced: true})
	r := &resource{
		logicalID: old.logicalID, kind: old.kind, properties: properties, needs: u.needs[old.logicalID],
		deletionPolicy: definition.DeletionPolicy, updateReplacePolicy: definition.UpdateReplacePolicy,
	}
	u.s.setResource(u.st, old, "UPDATE_IN_PROGRESS", "Requested update requires the creation of a new physical resource; hence creating one.")
	u.s.mu.Lock()
	u.st.resources[old.logicalID] = r
	u.s.mu.Unlock()
	result, err := u.handler(r.kind).create(ctx, u.operation, r)
	u.storeOutcome(r, result)
	if err != nil {
		u.s.setResource(u.st, r, "UPDATE_FAILED", reasonOf(err, "Resource update cancelled"))
		return err
	}
	u.s.setResource(u.st, r, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
	u.s.setResource(u.st, r, "UPDATE_COMPLETE", "")
	u.leave(old)
	return nil
}

// change updates a resource in place, and calls adopt after success. A custom
// resource whose vendor answers with another physical ID counts as replaced:
// the old ID is deleted in the end (aws-facts 1.12).
func (u *update) change(ctx context.Context, r *resource, properties map[string]any, adopt func()) error {
	u.s.setResource(u.st, r, "UPDATE_IN_PROGRESS", "")
	old := *r
	result, err := u.handler(r.kind).update(ctx, u.operation, r, properties)
	if err != nil {
		u.s.setResource(u.st, r, "UPDATE_FAILED", reasonOf(err, "Resource update cancelled"))
		return err
	}
	u.storeOutcome(r, result)
	adopt()
	if r.physicalID != old.physicalID {
		u.s.setResource(u.st, r, "UPDATE_IN_PROGRESS", "Requested update requires the creation of a new physical resource; hence creating one.")
		u.leave(&old)
	}
	u.s.setResource(u.st, r, "UPDATE_COMPLETE", "")
	return nil
}

func (u *update) remember(step undo) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.undo = append(u.undo, step)
}

func (u *update) leave(old *resource) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.replaced = append(u.replaced, old)
}

// complete deletes the resources that the new template no longer has and those
// that were replaced, and ends the update.
func (u *update) complete() {
	u.setStatus("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "")
	var left []leftover
	for id, r := range u.s.snapshot(u.st) {
		if _, wanted := u.needs[id]; !wanted {
			left = append(left, leftover{r, r.deletionPolicy != "Delete"})
		}
	}
	for _, r := range u.replaced {
		left = append(left, leftover{r, r.updateReplacePolicy == "Retain"})
	}
	u.cleanUp(left)
	if u.ctx.Err() == nil {
		u.finish("UPDATE_COMPLETE", u.needs)
	}
}

// finish removes from the stack the resources that are not in needs, and sets
// the stack's status.
func (u *update) finish(status string, needs map[string][]string) {
	u.s.mu.Lock()
	maps.DeleteFunc(u.st.resources, func(id string, _ *resource) bool {
		_, wanted := needs[id]
		return !wanted
	})
	u.s.mu.Unlock()
	u.setStatus(status, "")
}

// leftover is a physical resource that is no longer part of the stack.
type leftover struct {
	*resource
	keep bool // as its deletion or replacement policy defines
}

// cleanUp deletes leftovers, each after those that need it. After three
// failures it gives one up: a cleanup never fails an update (aws-facts 1.12).
func (u *update) cleanUp(left []leftover) {
	all, byKey := map[string]*resource{}, map[string]leftover{}
	for i, l := range left {
		key := l.logicalID
		if _, taken := all[key]; taken {
			key += "#" + strconv.Itoa(i) // several physical resources of one logical ID
		}
		all[key], byKey[key] = l.resource, l
	}
	u.each(slices.Sorted(maps.Keys(all)), reversed(all), false, func(ctx context.Context, key string) error {
		l := byKey[key]
		if l.keep {
			u.s.setResource(u.st, l.resource, "DELETE_SKIPPED", "")
			return nil
		}
		for range 3 {
			if err := u.remove(ctx, l.resource); err == nil || ctx.Err() != nil {
				break
			}
		}
		return nil
	})
}
