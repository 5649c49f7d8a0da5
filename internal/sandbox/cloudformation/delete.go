// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// runDelete returns a function that deletes the stack. It keeps the resources
// for which retain returns true, and with force also those that cannot be
// deleted.
func runDelete(retain func(*resource) bool, force bool) func(*operation) {
	return func(o *operation) {
		o.deleteAll(retain, force)
	}
}

func (o *operation) deleteAll(retain func(*resource) bool, force bool) {
	left := o.deleteResources(retain, false)
	if o.ctx.Err() != nil {
		return
	}
	if len(left) > 0 && !force {
		o.setStatus("DELETE_FAILED", "The following resource(s) failed to delete: ["+strings.Join(left, ", ")+"]. ")
		return
	}
	if force {
		o.abandonRest()
	}
	o.s.mu.Lock()
	o.st.deleted = o.s.now()
	o.s.mu.Unlock()
	o.setStatus("DELETE_COMPLETE", "")
}

// abandonRest keeps the resources that FORCE_DELETE_STACK could not delete, and
// then deletes the resources that those needed.
func (o *operation) abandonRest() {
	for _, r := range o.s.snapshot(o.st) {
		if r.status == "DELETE_FAILED" {
			o.s.setResource(o.st, r, "DELETE_SKIPPED", "")
		}
	}
	o.deleteResources(nil, false)
}

// deleteResources deletes the stack's resources, each after those that need it,
// and returns the logical IDs of those that could not be deleted. In the
// rollback of a create, RetainExceptOnCreate has no effect (aws-facts 1.15).
func (o *operation) deleteResources(retain func(*resource) bool, rollback bool) []string {
	resources := o.s.snapshot(o.st)
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		if status := resources[id].status; status != "DELETE_COMPLETE" && status != "DELETE_SKIPPED" {
			ids = append(ids, id)
		}
	}
	return o.each(ids, reversed(resources), false, func(ctx context.Context, id string) error {
		r := resources[id]
		kept := r.deletionPolicy == "Retain" || r.deletionPolicy == "RetainExceptOnCreate" && !rollback
		if kept || retain != nil && retain(r) {
			o.s.setResource(o.st, r, "DELETE_SKIPPED", "")
			return nil
		}
		return o.remove(ctx, r)
	})
}

// remove deletes one resource and records its events.
func (o *operation) remove(ctx context.Context, r *resource) error {
	if r.physicalID == "" { // nothing was created
		o.s.setResource(o.st, r, "DELETE_COMPLETE", "")
		return nil
	}
	o.s.setResource(o.st, r, "DELETE_IN_PROGRESS", "")
	if err := o.handler(r.kind).delete(ctx, o, r); err != nil {
		o.s.setResource(o.st, r, "DELETE_FAILED", reasonOf(err, "Resource deletion cancelled"))
		return err
	}
	o.s.setResource(o.st, r, "DELETE_COMPLETE", "")
	return nil
}
