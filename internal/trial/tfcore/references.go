// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
)

// references returns all resources that a block refers to, also through locals and in
// its count, for_each, depends_on and triggers.
func (c *config) references(r *resourceBlock, s *schema) []address {
	traversals := append(slices.Clone(r.dependsOn), variables(r.count)...)
	traversals = append(traversals, variables(r.forEach)...)
	for _, e := range r.triggers {
		traversals = append(traversals, variables(e)...)
	}
	if s != nil {
		traversals = append(traversals, hcldec.Variables(r.body, s.spec)...)
	}
	for _, i := range c.imports {
		if i.to.address == r.address {
			traversals = append(traversals, append(variables(i.id), variables(i.identity)...)...)
		}
	}
	return slices.DeleteFunc(c.resourcesIn(traversals), func(a address) bool { return a == r.address })
}

func variables(e hcl.Expression) []hcl.Traversal {
	if e == nil {
		return nil
	}
	return e.Variables()
}

// resourcesIn returns the declared resources that traversals refer to.
func (c *config) resourcesIn(traversals []hcl.Traversal) []address {
	found, locals := map[address]bool{}, map[string]bool{}
	var follow func(all []hcl.Traversal)
	follow = func(all []hcl.Traversal) {
		for _, t := range all {
			if name, ok := second(t, "local"); ok {
				if e := c.locals[name]; e != nil && !locals[name] {
					locals[name] = true
					follow(e.Variables())
				}
				continue
			}
			if i, _, ok := toInstance(t); ok && c.resources[i.address] != nil {
				found[i.address] = true
			}
		}
	}
	follow(traversals)
	return sortedAddresses(found)
}

func sortedAddresses(set map[address]bool) []address {
	return slices.SortedFunc(maps.Keys(set), func(a, b address) int { return instance{address: a}.compare(instance{address: b}) })
}

// second returns the second name of a traversal that begins with root, such as x in
// local.x.
func second(t hcl.Traversal, root string) (string, bool) {
	if len(t) < 2 || t.RootName() != root {
		return "", false
	}
	a, ok := t[1].(hcl.TraverseAttr)
	return a.Name, ok
}

// ancestors returns all direct and indirect dependencies of some resources.
func ancestors(of []address, direct map[address][]address) map[address]bool {
	found := map[address]bool{}
	var follow func(all []address)
	follow = func(all []address) {
		for _, a := range all {
			if !found[a] {
				found[a] = true
				follow(direct[a])
			}
		}
	}
	follow(of)
	return found
}
