// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
)

// planData reads a data source, or plans to read it in the apply if its arguments are
// not known yet, or if a resource that it depends on has changes.
func (w *walk) planData(ctx context.Context, r *resourceBlock, i instance, rep repetition) Diagnostics {
	c := w.client(r.provider)
	s := c.provider.schemaOf(i.address)
	config, found := w.decodeKept(r, i, s, rep)
	if found.HasErrors() {
		return found
	}
	if !config.IsWhollyKnown() || slices.ContainsFunc(w.awaited(r), w.pendingIn) {
		later := s.propose(cty.UnknownVal(s.impliedTyp), config)
		w.set(i, later)
		if !w.options.RefreshOnly {
			w.record(&change{addr: i, before: cty.NullVal(s.impliedTyp), after: later, action: Read, provider: r.provider})
		}
		return found
	}
	return append(found, w.readData(ctx, r, i, config)...)
}

// applyData reads a data source whose read was planned for the apply.
func (w *walk) applyData(ctx context.Context, r *resourceBlock, i instance, rep repetition) Diagnostics {
	config, found := w.decodeKept(r, i, w.client(r.provider).provider.schemaOf(i.address), rep)
	if found.HasErrors() {
		return found
	}
	if !config.IsWhollyKnown() {
		return append(found, problem("Configuration contains unknown value", "configuration for %s still contains unknown values during apply", i))
	}
	return append(found, w.readData(ctx, r, i, config)...)
}

func (w *walk) readData(ctx context.Context, r *resourceBlock, i instance, config cty.Value) Diagnostics {
	c := w.client(r.provider)
	found := c.validateResource(ctx, i.address, config)
	value := cty.NilVal
	if !found.HasErrors() {
		var wrong Diagnostics
		value, wrong = c.readData(ctx, i.address, config)
		found = append(found, wrong...)
	}
	found = w.config.in(r.body, i.String(), found)
	if found.HasErrors() {
		return found
	}
	w.set(i, value)
	return append(found, w.keep(i, r.provider, &object{value: value})...)
}

// awaited returns the managed resources that a data source waits for: those that it
// refers to, and those of its depends_on. If one of them has changes, a read during
// the plan would return old data.
func (w *walk) awaited(r *resourceBlock) []address {
	found := map[address]bool{}
	p, err := w.core.providerOf(context.Background(), r.provider)
	if err != nil {
		return nil
	}
	direct := append(hcldec.Variables(r.body, p.schemaOf(r.address).spec), append(variables(r.count), variables(r.forEach)...)...)
	for _, t := range append(direct, r.dependsOn...) {
		if i, _, ok := toInstance(t); ok && i.mode == managed {
			found[i.address] = true
		}
	}
	for _, t := range r.dependsOn {
		if _, local := second(t, "local"); local {
			maps.Copy(found, ancestors(w.config.resourcesIn([]hcl.Traversal{t}), w.direct))
		}
	}
	return sortedAddresses(found)
}

// open opens an ephemeral resource until the end of the command, unless its
// configuration is not known yet.
func (w *walk) open(ctx context.Context, r *resourceBlock, i instance, rep repetition) Diagnostics {
	c := w.client(r.provider)
	s := c.provider.schemaOf(i.address)
	config, found := w.decodeKept(r, i, s, rep)
	if found.HasErrors() {
		return found
	}
	if !config.IsWhollyKnown() {
		w.set(i, s.propose(cty.UnknownVal(s.impliedTyp), config))
		return found
	}
	found = append(found, w.config.in(r.body, i.String(), c.validateResource(ctx, i.address, config))...)
	if found.HasErrors() {
		return found
	}
	value, end, wrong := c.opened(ctx, i.address, config)
	found = append(found, w.config.in(r.body, i.String(), wrong)...)
	if found.HasErrors() {
		return found
	}
	w.set(i, value)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closing = append(w.closing, end)
	return found
}
