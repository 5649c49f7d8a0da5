// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// rollback brings everything back to the former template: what was changed in
// place is changed back, what was replaced takes its place again, and what was
// made meanwhile is deleted in the end.
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

// restore puts the former template back, and old physical resources into their
// places. It returns what the update had made, and the updates to take back.
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

// changeBack updates a resource to the properties that it had, also where the
// update of it failed: how far that came is unknown.
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

// orphans returns the physical resources that the update had replaced, and that
// did not get their place back: a vendor may answer a rollback with the old
// physical ID, or with yet another one.
func (u *update) orphans(superseded []*resource) []*resource {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return slices.DeleteFunc(superseded, func(old *resource) bool {
		return u.st.resources[old.logicalID].physicalID == old.physicalID
	})
}

// formerNeeds gives the resources their former dependencies and policies back.
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
