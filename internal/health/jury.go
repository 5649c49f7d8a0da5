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

// suspicious is how many refusals, with no role of their kind that works, look
// more like the vendor's own trouble than like the customers'.
const suspicious = 3

// believeAll finds nothing suspicious.
const believeAll = int(^uint(0) >> 1)

// jury holds accusations back until a witness has shown that the vendor can
// assume roles of that kind at all.
type jury struct {
	suspicious int

	mu    sync.Mutex
	kinds map[string]*kind
}

// kind is the roles that one principal of the vendor should be able to assume
// by one version of the template.
type kind struct {
	witnessed bool
	accused   []func(ruling)
}

// ruling is what the jury decides about a refused role.
type ruling string

// The rulings.
const (
	witnessed ruling = "witnessed" // another role of its kind works: the refusal is the role's own
	believed  ruling = "believed"  // nothing works, but little was tried
	withheld  ruling = "withheld"  // nothing works: look at the vendor first
)

// kindOf tells roles apart by what could stop the vendor from assuming all of
// them at once: who has to assume them, and the template that said who may.
func kindOf(c candidate, probe onboarding.Probe) string {
	which := strings.TrimPrefix(probe.Role.Name, c.registration.Role.Name) // of the template's roles
	version := c.registration.TemplateVersion
	if c.registration.WithoutStack { // no stack reports it; this is what the customer was given
		version = c.link.TemplateVersion
	}
	return fmt.Sprint(probe.Principals, version, which)
}

func (j *jury) of(name string) *kind {
	if j.kinds == nil {
		j.kinds = map[string]*kind{}
	}
	k := j.kinds[name]
	if k == nil {
		k = &kind{}
		j.kinds[name] = k
	}
	return k
}

// witness records that a role of the kind could be assumed.
func (j *jury) witness(name string) {
	j.mu.Lock()
	k := j.of(name)
	k.witnessed = true
	accused := k.accused
	k.accused = nil
	j.mu.Unlock()
	for _, hear := range accused {
		hear(witnessed)
	}
}

// accuse records that a role of the kind was refused. The ruling comes at once,
// with the first witness, or when the round is over.
func (j *jury) accuse(name string, hear func(ruling)) {
	j.mu.Lock()
	k := j.of(name)
	if !k.witnessed {
		k.accused = append(k.accused, hear)
		hear = nil
	}
	j.mu.Unlock()
	if hear != nil {
		hear(witnessed)
	}
}

// close gives the rulings that are still open, when the round is over.
func (j *jury) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(j.kinds)) {
		accused := j.kinds[name].accused
		ruling := believed
		if len(accused) >= j.suspicious {
			ruling = withheld
		}
		for _, hear := range accused {
			hear(ruling)
		}
	}
}
