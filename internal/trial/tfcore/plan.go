// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Options are the options of a plan.
type Options struct {
	Destroy     bool     // everything
	RefreshOnly bool     // change nothing but the state
	NoRefresh   bool     // use the state without reading the resources
	Replace     []string // addresses of instances to replace
	Target      []string // addresses; only these and their dependencies are planned
	Parallelism int      // 0: Terraform's 10
	Variables   map[string]cty.Value
}

// Plan is a set of planned changes. The workspace that made it can apply it until its
// state has changed.
type Plan struct {
	config  *config
	options Options
	serial  int
	state   *state // refreshed
	changes []*change
	outputs map[string]outputChange
	Actions map[string]Action // by address; without instances that do not change
}

type outputChange struct {
	before, after cty.Value
	action        Action
	sensitive     bool
}

// plan plans a valid configuration.
func (e *Core) plan(ctx context.Context, c *config, prior *state, o Options) (*Plan, Diagnostics) {
	if !o.Destroy {
		return e.planNormally(ctx, c, prior.clone(), o)
	}
	refreshed := prior.clone()
	if !o.NoRefresh && len(refreshed.objects) > 0 {
		o := o
		o.Destroy = false
		p, found := e.planNormally(ctx, c, refreshed, o)
		if found.HasErrors() {
			return nil, found
		}
		refreshed = p.state
	}
	return e.planDestroy(ctx, c, refreshed, o)
}

func (e *Core) planNormally(ctx context.Context, c *config, s *state, o Options) (*Plan, Diagnostics) {
	found := c.applyMoves(s)
	if found.HasErrors() {
		return nil, found
	}
	w, wrong := e.newWalk(ctx, c, s, o)
	if found = append(found, wrong...); found.HasErrors() {
		return nil, found
	}
	found = append(found, w.checkRemovals()...)
	steps := w.planSteps(ctx)
	found = append(found, runSteps(ctx, steps, w.options.Parallelism)...)
	p := &Plan{config: c, options: o, serial: s.serial, state: s}
	if !found.HasErrors() {
		p.outputs, wrong = w.planOutputs()
		found = append(found, wrong...)
	}
	found = append(found, w.close(ctx)...)
	p.finish(w)
	return p, found
}

// planSteps returns one step for each provider, each resource of the configuration,
// and each instance that is only in the state.
func (w *walk) planSteps(ctx context.Context) []*step {
	providers := w.providerSteps(w.keys)
	resources := map[address]*step{}
	for _, a := range sortedKeys(w.config.resources) {
		r := w.config.resources[a]
		if !w.wantedResource(a) {
			continue
		}
		resources[a] = &step{name: a.String(), run: func(ctx context.Context) Diagnostics { return w.planResource(ctx, r) }}
		resources[a].need(providers[r.provider])
	}
	for a, s := range resources {
		for _, b := range w.direct[a] {
			s.need(resources[b])
		}
	}
	var all []*step
	for _, key := range slices.Sorted(maps.Keys(providers)) {
		for _, a := range w.providerReferences(ctx, key) {
			providers[key].need(resources[a])
		}
		all = append(all, providers[key])
	}
	// Instances that are only in the state come first, as in Terraform, which first
	// expands the instances of a resource of the configuration.
	all = append(all, w.leaving(providers)...)
	for _, a := range sortedKeys(resources) {
		all = append(all, resources[a])
	}
	return all
}

// leaving returns one step for each instance that is only in the state.
func (w *walk) leaving(providers map[string]*step) []*step {
	var all []*step
	add := func(i instance, what, provider string, plan func(context.Context) Diagnostics) {
		s := &step{name: fmt.Sprintf("%s (%s)", i, what), run: func(ctx context.Context) Diagnostics {
			defer w.slot()()
			return plan(ctx)
		}}
		s.need(providers[provider])
		all = append(all, s)
	}
	for _, i := range w.state.instances() {
		if w.config.resources[i.address] == nil && w.wanted(i) {
			add(i, "orphan", w.state.objects[i].provider, func(ctx context.Context) Diagnostics { return w.planOrphan(ctx, i) })
		}
	}
	for i, names := range w.state.deposed {
		for name, st := range names {
			add(i, "deposed", st.provider, func(ctx context.Context) Diagnostics { return w.planDeposed(ctx, i, name) })
		}
	}
	return all
}

// planResource plans all instances of a resource concurrently.
func (w *walk) planResource(ctx context.Context, r *resourceBlock) Diagnostics {
	x, found := w.expand(r)
	if found.HasErrors() {
		return found
	}
	var steps []*step
	for _, k := range x.keys {
		i := instance{r.address, k}
		if !w.wanted(i) {
			continue
		}
		steps = append(steps, &step{name: i.String(), run: func(ctx context.Context) Diagnostics {
			defer w.slot()()
			switch r.mode {
			case data:
				return w.planData(ctx, r, i, x.repetition(k))
			case ephemeral:
				return w.open(ctx, r, i, x.repetition(k))
			default:
				return w.planManaged(ctx, r, i, x.repetition(k))
			}
		}})
	}
	for _, i := range w.state.of(r.address) {
		if !slices.Contains(x.keys, i.key) && w.wanted(i) {
			steps = append(steps, &step{name: i.String() + " (orphan)", run: func(ctx context.Context) Diagnostics {
				defer w.slot()()
				return w.planOrphan(ctx, i)
			}})
		}
	}
	return append(found, runSteps(ctx, steps, w.options.Parallelism)...)
}

// planManaged reads an instance and plans its change.
func (w *walk) planManaged(ctx context.Context, r *resourceBlock, i instance, rep repetition) Diagnostics {
	o, importing, found := w.current(ctx, r, i)
	if found.HasErrors() {
		return found
	}
	if o != nil {
		o.createBeforeDestroy = r.createBeforeDestroy || w.forcedFirst(r.address)
	}
	if found = append(found, w.keep(i, r.provider, o)...); found.HasErrors() {
		return found
	}
	if w.options.RefreshOnly {
		if o != nil {
			w.set(i, o.value)
		}
		return found
	}
	force, wrong := w.triggered(r, rep)
	if found = append(found, wrong...); found.HasErrors() {
		return found
	}
	force = force || slices.Contains(w.options.Replace, i.String())
	ch, wrong := w.planChange(ctx, r, i, rep, o, nil, force)
	if found = append(found, wrong...); found.HasErrors() {
		return found
	}
	ch.importing = importing
	w.record(ch)
	w.set(i, ch.after)
	if ch.action.replaces() && r.preventDestroy {
		return append(found, w.config.prevented(r, i))
	}
	if ch.action == NoOp {
		o.dependencies = w.dependencies(r.address)
		found = append(found, w.keep(i, r.provider, o)...)
	}
	return found
}

// current returns the refreshed or imported object of an instance.
func (w *walk) current(ctx context.Context, r *resourceBlock, i instance) (o *object, importing string, found Diagnostics) {
	st := w.state.object(i)
	if st == nil {
		return w.importTarget(ctx, r, i)
	}
	o, found = w.client(r.provider).upgrade(ctx, i.address, st)
	if found.HasErrors() || w.options.NoRefresh {
		return o, "", w.config.in(r.body, i.String(), found)
	}
	dependencies := o.dependencies
	o, wrong := w.client(r.provider).read(ctx, i.address, o)
	if o != nil {
		o.dependencies = merged(dependencies, w.dependencies(r.address))
	}
	return o, "", w.config.in(r.body, i.String(), append(found, wrong...))
}

// dependencies returns all resources that a resource needs by the configuration. The
// state stores them for the order of destruction.
func (w *walk) dependencies(a address) []address {
	all := ancestors(w.direct[a], w.direct)
	delete(all, a)
	return sortedAddresses(all)
}

func merged(a, b []address) []address {
	all := map[address]bool{}
	for _, of := range append(slices.Clone(a), b...) {
		all[of] = true
	}
	return sortedAddresses(all)
}

// forcedFirst reports whether a resource has to be created before its predecessor is
// destroyed because one of its dependants has create_before_destroy.
func (w *walk) forcedFirst(a address) bool {
	for b, r := range w.config.resources {
		if b != a && r.createBeforeDestroy && ancestors(w.direct[b], w.direct)[a] {
			return true
		}
	}
	return false
}

// about returns diagnostics with the address of their instance, if the resource is
// still in the configuration: otherwise Terraform does not name it either.
func (w *walk) about(i instance, found Diagnostics) Diagnostics {
	if r := w.config.resources[i.address]; r != nil {
		return w.config.in(r.body, i.String(), found)
	}
	return found
}

// planOutputs evaluates the outputs with the planned values.
func (w *walk) planOutputs() (map[string]outputChange, Diagnostics) {
	changes, found := map[string]outputChange{}, Diagnostics(nil)
	for _, name := range slices.Sorted(maps.Keys(w.config.outputs)) {
		out := w.config.outputs[name]
		if slices.ContainsFunc(w.config.resourcesIn(out.value.Variables()), func(a address) bool { return !w.wantedResource(a) }) {
			continue
		}
		after, wrong := w.evaluate(out.value, repetition{})
		if after, wrong = w.lasting(out, after, wrong); wrong.HasErrors() {
			found = append(found, wrong...)
			continue
		}
		ch := outputChange{before: cty.NullVal(cty.DynamicPseudoType), after: after, action: Create, sensitive: out.sensitive}
		if before, there := w.state.outputs[name]; there {
			ch.before, ch.action = before.value, Update
			if before.value.RawEquals(after) && before.sensitive == out.sensitive {
				ch.action = NoOp
			}
		}
		changes[name] = ch
	}
	for name, before := range w.state.outputs {
		if w.config.outputs[name] == nil {
			changes[name] = outputChange{before: before.value, after: cty.NullVal(before.value.Type()), action: Delete, sensitive: before.sensitive}
		}
	}
	return changes, found
}

// lasting returns an error if an output has an ephemeral value.
func (w *walk) lasting(out *outputBlock, v cty.Value, found Diagnostics) (cty.Value, Diagnostics) {
	if !found.HasErrors() && v.ContainsMarked() {
		found = append(found, w.wrongAt(out.value.Range(), problem("Ephemeral value not allowed", "This output value is not declared as returning an ephemeral value, so it cannot be set to a result derived from an ephemeral value.")))
	}
	return v, found
}

// finish copies the results of the walk into the plan.
func (p *Plan) finish(w *walk) {
	for _, ch := range w.changes {
		p.changes = append(p.changes, ch)
	}
	p.changes = append(p.changes, w.deposed...)
	slices.SortFunc(p.changes, func(a, b *change) int {
		if c := a.addr.compare(b.addr); c != 0 {
			return c
		}
		return strings.Compare(a.deposed, b.deposed)
	})
	p.Actions = map[string]Action{}
	for _, ch := range p.changes {
		if ch.action != NoOp {
			p.Actions[ch.addr.String()] = ch.action
		}
	}
}
