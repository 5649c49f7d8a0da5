// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// rollback restores the former template: it changes back the resources that
// were changed in place, restores those that were replaced, and in the end
// deletes those that the update created.
func (u *update) rollback(reason string) {
	u.setStatus("UPDATE_ROLLBACK_IN_PROGRESS", reason)
	superseded := u.replaced
	u.replaced = nil
	left, steps := u.restore()
	needs := map[string][]string{}
	for id, step := range steps {
		needs[id] = step.before.needs
	}
	failed := u.each(slices.Sorted(maps.Keys(steps)), needs, false, func(ctx context.Context, id string) error {
		return u.changeBack(ctx, steps[id])
	})
	if u.ctx.Err() != nil {
		return
	}
	if len(failed) > 0 {
		u.setStatus("UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: ["+strings.Join(failed, ", ")+"]. ")
		return
	}
	u.setStatus("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "")
	for _, r := range append(u.replaced, u.orphans(superseded)...) {
		left = append(left, leftover{resource: r})
	}
	u.cleanUp(left)
	if u.ctx.Err() == nil {
		u.finish("UPDATE_ROLLBACK_COMPLETE", u.formerNeeds())
	}
}

// restore restores the former template, and the old physical resources of those
// that were replaced. It returns the resources that the update created, and the
// updates in place to revert, by logical ID.
func (u *update) restore() (left []leftover, steps map[string]undo) {
	u.s.mu.Lock()
	u.st.template, u.st.values, u.st.tags, u.st.outputs = u.former.template, u.former.values, u.former.tags, u.former.outputs
	u.s.mu.Unlock()
	steps = map[string]undo{}
	for _, step := range u.undo {
		u.s.mu.Lock()
		r := u.st.resources[step.id]
		if step.replaced {
			u.st.resources[step.id] = step.before
		}
		u.s.mu.Unlock()
		switch {
		case step.before == nil:
			left = append(left, leftover{r, r.deletionPolicy == "Retain"})
		case step.replaced:
			left = append(left, leftover{r, r.deletionPolicy == "Retain"})
			u.s.setResource(u.st, step.before, "UPDATE_COMPLETE", "")
		default:
			steps[step.id] = step
		}
	}
	return left, steps
}

// changeBack updates a resource to the properties that it had. It does so also
// if the resource's update failed, because that may have changed a part of it.
func (u *update) changeBack(ctx context.Context, step undo) error {
	u.s.mu.Lock()
	r := u.st.resources[step.id]
	r.properties = step.tried
	u.s.mu.Unlock()
	return u.change(ctx, r, step.before.properties, func() {
		u.s.mu.Lock()
		defer u.s.mu.Unlock()
		r.properties = step.before.properties
	})
}

// orphans returns the physical resources that the update replaced and that the
// rollback did not restore: a vendor may answer a rollback with the old
// physical ID, or with a third one.
func (u *update) orphans(superseded []*resource) []*resource {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return slices.DeleteFunc(superseded, func(old *resource) bool {
		return u.st.resources[old.logicalID].physicalID == old.physicalID
	})
}

// formerNeeds restores the resources' former dependencies and policies, and
// returns the dependencies.
func (u *update) formerNeeds() map[string][]string {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	needs := map[string][]string{}
	for id, before := range u.former.resources {
		needs[id] = before.needs
		if r := u.st.resources[id]; r != nil {
			r.needs, r.deletionPolicy, r.updateReplacePolicy = before.needs, before.deletionPolicy, before.updateReplacePolicy
		}
	}
	return needs
}
