// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// suspicious is the number of refusals in a group from which on the cause is probably
// the vendor, and not the customers, if no role of the group can be assumed.
const suspicious = 3

// neverSuspicious is a number of refusals that no group reaches.
const neverSuspicious = int(^uint(0) >> 1)

// refusals delays the conclusions about refused roles until a witness, another role
// of their group that can be assumed, has shown that the vendor can assume roles of
// that group.
type refusals struct {
	suspicious int

	mu     sync.Mutex
	groups map[string]*group
}

// group is the roles that one principal of the vendor should be able to assume with
// one version of the template.
type group struct {
	witnessed bool
	pending   []func(conclusion)
}

// conclusion is the conclusion about a refused role.
type conclusion string

// The conclusions.
const (
	witnessed conclusion = "witnessed" // another role of its group can be assumed: the cause is in the role
	believed  conclusion = "believed"  // no role of its group can be assumed, but fewer than suspicious were refused
	withheld  conclusion = "withheld"  // no role of its group can be assumed: the cause is probably the vendor
)

// groupOf returns the name of a role's group. The roles of a group share everything
// that could stop the vendor from assuming all of them at once: the principals that
// have to assume them, and the template that trusts these principals.
func groupOf(c candidate, probe onboarding.Probe) string {
	which := strings.TrimPrefix(probe.Role.Name, c.registration.Role.Name) // which of the template's roles it is
	version := c.registration.TemplateVersion
	if c.registration.WithoutStack { // no stack reports the version; this is the one that the customer was given
		version = c.link.TemplateVersion
	}
	return fmt.Sprint(probe.Principals, version, which)
}

func (r *refusals) group(name string) *group {
	if r.groups == nil {
		r.groups = map[string]*group{}
	}
	g := r.groups[name]
	if g == nil {
		g = &group{}
		r.groups[name] = g
	}
	return g
}

// assumed records that a role of the group could be assumed, and concludes the
// earlier refusals of the group.
func (r *refusals) assumed(name string) {
	r.mu.Lock()
	g := r.group(name)
	g.witnessed = true
	pending := g.pending
	g.pending = nil
	r.mu.Unlock()
	for _, conclude := range pending {
		conclude(witnessed)
	}
}

// refused records that a role of the group was refused. It calls conclude at once if
// the group has a witness; otherwise when there is one, or in close.
func (r *refusals) refused(name string, conclude func(conclusion)) {
	r.mu.Lock()
	g := r.group(name)
	known := g.witnessed
	if !known {
		g.pending = append(g.pending, conclude)
	}
	r.mu.Unlock()
	if known {
		conclude(witnessed)
	}
}

// close concludes the remaining refusals, when the round is over.
func (r *refusals) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.groups)) {
		pending := r.groups[name].pending
		c := believed
		if len(pending) >= r.suspicious {
			c = withheld
		}
		for _, conclude := range pending {
			conclude(c)
		}
	}
}
