// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"slices"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// usage has the permissions that were checked for the run's principals.
type usage struct {
	mu      sync.Mutex
	actions map[string][]string // by principal
	refused []string            // calls that the run's own policies refused
}

func watch(box *sandbox.Sandbox, principals ...string) *usage {
	u := &usage{actions: map[string][]string{}}
	box.WatchDecisions(func(d sandbox.Decision) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if !slices.Contains(principals, d.Principal) {
			return
		}
		u.actions[d.Principal] = append(u.actions[d.Principal], d.Action)
		if d.ByIdentity {
			u.refused = append(u.refused, d.Principal+": "+d.Action+" on "+d.Resource)
		}
	})
	return u
}

// unused returns the actions of grants that a principal did not need.
func (u *usage) unused(principal string, grants []grantOf) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var unused []string
	for _, g := range grants {
		for _, action := range g.actions {
			// A member's StackSets are rejected before permissions are checked.
			if !slices.Contains(u.actions[principal], action) && !strings.HasSuffix(action, ":ListStackSets") {
				unused = append(unused, g.sid+": "+action)
			}
		}
	}
	return unused
}
