// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// This file plans deletions: of instances that are no longer in the configuration, of
// deposed objects, or of everything.

// planOrphan plans the deletion of an instance that is not in the configuration.
func (w *walk) planOrphan(ctx context.Context, i instance) Diagnostics {
	st := w.state.object(i)
	if i.mode != managed {
		w.state.set(i, nil)
		return nil
	}
	c := w.client(st.provider)
	o, found := c.upgrade(ctx, i.address, st)
	if found.HasErrors() {
		return w.about(i, found)
	}
	if w.config.forgets(i.address) {
		w.record(&change{addr: i, before: o.value, after: cty.NullVal(o.value.Type()), provider: st.provider, action: Forget})
		return w.about(i, append(found, w.keep(i, st.provider, o)...))
	}
	// Terraform plans the deletion by its state and then reads whether the resource
	// exists; OpenTofu reads it first.
	ch, wrong := w.planDeletion(ctx, i, st.provider, o)
	if found = append(found, wrong...); found.HasErrors() {
		return w.about(i, found)
	}
	if !w.options.NoRefresh {
		fresh, wrong := c.read(ctx, i.address, o)
		found = append(found, wrong...)
		if found.HasErrors() {
			return w.about(i, found)
		}
		o = fresh
	}
	if found = append(found, w.keep(i, st.provider, o)...); o == nil || w.options.RefreshOnly {
		return w.about(i, found)
	}
	ch.createBefore = st.createBeforeDestroy
	w.record(ch)
	if r := w.config.resources[i.address]; r != nil && r.preventDestroy {
		found = append(found, w.config.prevented(r, i))
	}
	return w.about(i, found)
}

func (w *walk) planDeposed(ctx context.Context, i instance, name string) Diagnostics {
	st := w.state.aside(i, name)
	c := w.client(st.provider)
	o, found := c.upgrade(ctx, i.address, st)
	if !found.HasErrors() && !w.options.NoRefresh && !w.destroying {
		fresh, wrong := c.read(ctx, i.address, o)
		o, found = fresh, append(found, wrong...)
	}
	if found.HasErrors() {
		return w.about(i, found)
	}
	if o == nil {
		w.state.setDeposed(i, name, nil)
		return found
	}
	if w.options.RefreshOnly {
		return found
	}
	var ch *change
	var wrong Diagnostics
	if w.config.forgets(i.address) && !w.destroying {
		ch = &change{addr: i, before: o.value, after: cty.NullVal(o.value.Type()), provider: st.provider, action: Forget}
	} else {
		ch, wrong = w.planDeletion(ctx, i, st.provider, o)
	}
	if ch != nil {
		ch.deposed = name
		w.mu.Lock()
		w.deposed = append(w.deposed, ch)
		w.mu.Unlock()
	}
	return w.about(i, append(found, wrong...))
}

// planDeletion returns a deletion, with the provider's diagnostics about it.
func (w *walk) planDeletion(ctx context.Context, i instance, providerKey string, o *object) (*change, Diagnostics) {
	c := w.client(providerKey)
	null := cty.NullVal(o.value.Type())
	ch := &change{addr: i, before: o.value, after: null, provider: providerKey, action: Delete, createBefore: o.createBeforeDestroy}
	if !c.provider.planDestroy {
		return ch, nil
	}
	p, found := c.plan(ctx, i.address, o.value, null, null, o.private, o.identity)
	if found.HasErrors() {
		return nil, found
	}
	if !p.state.IsNull() {
		return nil, append(found, problem("Provider produced invalid plan", "Provider %q planned a non-null destroy value for %s.%s", c.provider, i, aBug))
	}
	ch.private, ch.afterIdentity = p.private, p.identity
	return ch, found
}

// planDestroy plans the deletion of everything.
func (e *Core) planDestroy(ctx context.Context, c *config, s *state, o Options) (*Plan, Diagnostics) {
	if len(o.Target) > 0 {
		return nil, Diagnostics{refuse("targets of a destroy")}
	}
	w, found := e.newWalk(ctx, c, s, o)
	if found.HasErrors() {
		return nil, found
	}
	w.destroying = true
	if found = append(found, w.load(ctx)...); found.HasErrors() {
		return nil, found
	}
	w.expandFromState()
	providers := w.providerSteps(w.keys)
	var steps []*step
	for _, key := range slices.Sorted(maps.Keys(providers)) {
		steps = append(steps, providers[key])
	}
	for _, i := range s.instances() {
		st := s.objects[i]
		if i.mode != managed {
			continue
		}
		d := &step{name: i.String(), run: func(ctx context.Context) Diagnostics {
			defer w.slot()()
			o, found := w.client(st.provider).upgrade(ctx, i.address, st)
			if found.HasErrors() {
				return w.about(i, found)
			}
			ch, wrong := w.planDeletion(ctx, i, st.provider, o)
			if ch != nil {
				w.record(ch)
				if r := w.config.resources[i.address]; r != nil && r.preventDestroy {
					wrong = append(wrong, w.config.prevented(r, i))
				}
			}
			return w.about(i, append(found, wrong...))
		}}
		d.need(providers[st.provider])
		steps = append(steps, d)
	}
	for i, names := range s.deposed {
		for name, st := range names {
			d := &step{name: i.String() + " (deposed)", run: func(ctx context.Context) Diagnostics {
				defer w.slot()()
				return w.planDeposed(ctx, i, name)
			}}
			d.need(providers[st.provider])
			steps = append(steps, d)
		}
	}
	found = append(found, runSteps(ctx, steps, w.options.Parallelism)...)
	p := &Plan{config: c, options: o, serial: s.serial, state: s, outputs: map[string]outputChange{}}
	for name, out := range s.outputs {
		p.outputs[name] = outputChange{before: out.value, after: cty.NullVal(out.value.Type()), action: Delete, sensitive: out.sensitive}
	}
	p.finish(w)
	return p, found
}

func (c *config) prevented(r *resourceBlock, i instance) *Diagnostic {
	return at(c, r, problem("Instance cannot be destroyed",
		"Resource %s has lifecycle.prevent_destroy set, but the plan calls for this resource to be destroyed. To avoid this error and continue with the plan, either disable lifecycle.prevent_destroy or reduce the scope of the plan using the -target option.", i))
}
