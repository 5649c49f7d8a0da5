// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"maps"
	"slices"
)

// Validate returns the diagnostics of a configuration, as terraform validate does:
// providers are not configured.
func (e *Core) Validate(ctx context.Context, configuration string, o Options) Diagnostics {
	c, found := parse(configuration)
	if found.HasErrors() {
		return found
	}
	return append(found, e.validate(ctx, c, o)...)
}

// validate does the validation before a plan: every block is checked against its
// schema and by its provider, while all references are unknown.
func (e *Core) validate(ctx context.Context, c *config, o Options) Diagnostics {
	w, found := e.newWalk(ctx, c, newState(), o)
	if found.HasErrors() {
		return found
	}
	w.validating = true
	for _, i := range c.imports {
		if c.resources[i.to.address] == nil {
			found = append(found, w.wrongAt(i.rng, problem("Configuration for import target does not exist",
				"The configuration for the given import target %s does not exist. All target instances must have an associated configuration to be imported.", i.to)))
		}
	}
	for key := range c.providers {
		w.keys[key] = true
	}
	for _, o := range c.operators {
		w.keys[o.provider] = true
	}
	var steps []*step
	for _, key := range slices.Sorted(maps.Keys(w.keys)) {
		p := &step{name: "provider " + key, run: func(ctx context.Context) Diagnostics { return w.start(ctx, key) }}
		steps = append(steps, p)
		for _, a := range sortedKeys(c.resources) {
			if r := c.resources[a]; r.provider == key {
				s := &step{name: a.String(), run: func(ctx context.Context) Diagnostics { return w.validateResource(ctx, r) }}
				s.need(p)
				steps = append(steps, s)
			}
		}
	}
	if found = append(found, runSteps(ctx, steps, w.options.Parallelism)...); !found.HasErrors() {
		found = append(found, w.validateOperators(ctx)...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.locals)) {
		_, wrong := w.local(name)
		found = append(found, wrong...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.outputs)) {
		_, wrong := w.evaluate(c.outputs[name].value, repetition{})
		found = append(found, wrong...)
	}
	return found
}

func sortedKeys[V any](of map[address]V) []address {
	all := map[address]bool{}
	for a := range of {
		all[a] = true
	}
	return sortedAddresses(all)
}

func (w *walk) validateResource(ctx context.Context, r *resourceBlock) Diagnostics {
	if _, found := w.expand(r); found.HasErrors() {
		return found
	}
	c := w.client(r.provider)
	value, found := w.decodeKept(r, instance{address: r.address}, c.provider.schemaOf(r.address), anyRepetition(r))
	if found.HasErrors() {
		return found
	}
	for _, t := range r.dependsOn {
		if i, _, ok := toInstance(t); ok && w.config.resources[i.address] == nil {
			found = append(found, w.wrongAt(t.SourceRange(), undeclared(i.address)))
		}
	}
	return append(found, w.config.in(r.body, r.String(), c.validateResource(ctx, r.address, value))...)
}
