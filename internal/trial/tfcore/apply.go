// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// apply applies a plan in the order of its dependencies. The state is written after
// every instance, so that it is correct after a failure.
func (e *Core) apply(ctx context.Context, p *Plan, s *state) Diagnostics {
	w, found := e.newWalk(ctx, p.config, s, p.options)
	if found.HasErrors() {
		return found
	}
	w.applying, w.destroying = true, p.options.Destroy
	for _, ch := range p.changes {
		if ch.deposed == "" {
			w.changes[ch.addr] = ch
		}
	}
	if found = append(found, w.load(ctx)...); found.HasErrors() {
		return found
	}
	if w.destroying {
		w.expandFromState()
	}
	g := w.applyGraph(ctx, p)
	found = append(found, runSteps(ctx, g.all, w.options.Parallelism)...)
	found = append(found, w.applyOutputs(g)...)
	return append(found, w.close(ctx)...)
}

// load sets the values of all instances to those in the state or, if they have
// changes, to the planned ones.
func (w *walk) load(ctx context.Context) Diagnostics {
	for i, st := range w.state.objects {
		p, err := w.core.providerOf(ctx, st.provider)
		if err != nil {
			return failed(err)
		}
		s := p.schemaOf(i.address)
		if s == nil {
			return failed(errUnknownType(i))
		}
		value, err := ctyjson.Unmarshal(st.attributes, s.impliedTyp)
		if err != nil {
			return failed(err)
		}
		w.values[i] = value
	}
	for i, ch := range w.changes {
		if ch.action != Delete && ch.action != Forget {
			w.values[i] = ch.after
		}
	}
	return nil
}

// applyOutputs evaluates the outputs. An output that depends on a failed step stays
// as it was.
func (w *walk) applyOutputs(g *graph) Diagnostics {
	var found Diagnostics
	if w.destroying {
		w.state.outputs = map[string]output{}
		return nil
	}
	outputs := map[string]output{}
	for _, name := range slices.Sorted(maps.Keys(w.config.outputs)) {
		out := w.config.outputs[name]
		if slices.ContainsFunc(w.config.resourcesIn(append(out.value.Variables(), out.dependsOn...)), func(a address) bool { return !g.ended(a) }) {
			if before, there := w.state.outputs[name]; there {
				outputs[name] = before
			}
			continue
		}
		v, wrong := w.evaluate(out.value, repetition{})
		if v, wrong = w.lasting(out, v, wrong); wrong.HasErrors() {
			found = append(found, wrong...)
			continue
		}
		if !v.IsNull() {
			outputs[name] = output{value: v, sensitive: out.sensitive}
		}
	}
	w.state.outputs = outputs
	return found
}

// applyManaged creates, updates or replaces an instance.
func (w *walk) applyManaged(ctx context.Context, r *resourceBlock, was *change, rep repetition) Diagnostics {
	i, aside := was.addr, ""
	if was.action == CreateThenDelete {
		aside = deposedName
		w.state.depose(i, aside)
	}
	var o *object
	var found Diagnostics
	if st := w.state.object(i); st != nil {
		o, found = w.client(r.provider).upgrade(ctx, i.address, st)
		if found.HasErrors() {
			return w.config.in(r.body, i.String(), found)
		}
	}
	actual, wrong := w.planChange(ctx, r, i, rep, o, was, false)
	if found = append(found, wrong...); !found.HasErrors() {
		found = append(found, w.sameChange(was, actual)...)
	}
	if found.HasErrors() {
		if aside != "" {
			w.state.restore(i, aside)
		}
		return found
	}
	if actual.action.replaces() {
		actual.action, actual.before = Create, cty.NullVal(actual.after.Type())
	}
	if actual.action == NoOp {
		w.set(i, actual.after)
		return found
	}
	config, wrong := w.decodeKept(r, i, w.client(r.provider).provider.schemaOf(i.address), rep)
	if found = append(found, wrong...); found.HasErrors() {
		return found
	}
	after, wrong := w.carryOut(ctx, actual, o, config)
	found = append(found, w.config.in(r.body, i.String(), wrong)...)
	if after != nil {
		after.tainted = found.HasErrors() && (actual.action == Create || o != nil && o.tainted)
		after.dependencies = w.dependencies(r.address)
		after.createBeforeDestroy = r.createBeforeDestroy || w.forcedFirst(r.address)
		w.set(i, after.value)
	}
	found = append(found, w.keep(i, r.provider, after)...)
	if aside != "" && found.HasErrors() {
		w.state.restore(i, aside)
	}
	return found
}

// deposedName is the key of deposed objects; Terraform uses random keys.
const deposedName = "00000001"

// sameChange returns an error if the provider now plans something else than before
// for values that were known then.
func (w *walk) sameChange(was, actual *change) Diagnostics {
	c := w.client(was.provider)
	var found Diagnostics
	if was.action != actual.action && !(was.action == Update && actual.action == NoOp) {
		found = append(found, problem("Provider produced inconsistent final plan",
			"When expanding the plan for %s to include new values learned so far during apply, provider %q changed the planned action from %s to %s.%s", was.addr, c.provider, was.action, actual.action, aBug))
	}
	for _, err := range checkResult(was.after, actual.after) {
		found = append(found, problem("Provider produced inconsistent final plan",
			"When expanding the plan for %s to include new values learned so far during apply, provider %q produced an invalid new value for %s.%s", was.addr, c.provider, errorText("", err), aBug))
	}
	return found
}

// carryOut applies a change with the provider, and returns the resulting object.
func (w *walk) carryOut(ctx context.Context, ch *change, o *object, config cty.Value) (*object, Diagnostics) {
	c := w.client(ch.provider)
	if config != cty.NilVal && !config.IsWhollyKnown() {
		return o, Diagnostics{problem("Configuration contains unknown value", "configuration for %s still contains unknown values during apply", ch.addr)}
	}
	if config == cty.NilVal {
		config = cty.NullVal(ch.before.Type())
	}
	after, found := c.apply(ctx, ch.addr.address, ch, ch.before, config)
	if after == nil {
		return o, found
	}
	if !after.value.IsWhollyKnown() {
		_ = cty.Walk(after.value, func(path cty.Path, v cty.Value) (bool, error) {
			if !v.IsKnown() {
				found = append(found, problem("Provider returned invalid result object after apply",
					"After the apply operation, the provider still indicated an unknown value for %s%s. All values must be known after apply, so this is always a bug in the provider and should be reported in the provider's own repository. Terraform will still save the other known object values in the state.", ch.addr, pathText(path)))
			}
			return true, nil
		})
		after.value = cty.UnknownAsNull(after.value)
	}
	if !found.HasErrors() && ch.action != Delete {
		for _, err := range checkResult(ch.after, after.value) {
			found = append(found, problem("Provider produced inconsistent result after apply",
				"When applying changes to %s, provider %q produced an unexpected new value: %s.%s", ch.addr, c.provider.configured(), errorText("", err), aBug))
		}
	}
	if !found.HasErrors() && ch.action == Delete && !after.value.IsNull() {
		found = append(found, problem("Provider returned invalid result object after apply", "After applying a %s plan, the provider returned a non-null object for %s.", ch.action, ch.addr))
	}
	switch {
	case after.value.IsNull() && found.HasErrors():
		return o, found // the object still exists, as far as the core knows
	case after.value.IsNull():
		return nil, found
	}
	return after, found
}

// applyDeletion destroys an instance, or its deposed object.
func (w *walk) applyDeletion(ctx context.Context, ch *change, aside string) Diagnostics {
	st := w.state.object(ch.addr)
	if aside != "" {
		st = w.state.aside(ch.addr, aside)
	}
	if st == nil {
		return nil
	}
	o, found := w.client(st.provider).upgrade(ctx, ch.addr.address, st)
	if found.HasErrors() {
		return found
	}
	end := &change{addr: ch.addr, before: o.value, after: cty.NullVal(o.value.Type()), action: Delete, provider: st.provider}
	switch {
	case aside != "": // Terraform plans the end of what was set aside when it comes
		var wrong Diagnostics
		if end, wrong = w.planDeletion(ctx, ch.addr, st.provider, o); wrong.HasErrors() {
			return append(found, wrong...)
		}
		found = append(found, wrong...)
	case ch.action == Delete:
		end.private, end.afterIdentity = ch.private, ch.afterIdentity
	}
	left, wrong := w.carryOut(ctx, end, o, cty.NilVal)
	found = append(found, wrong...)
	if left != nil {
		left.tainted, left.dependencies, left.createBeforeDestroy = o.tainted, o.dependencies, o.createBeforeDestroy
	}
	if aside == "" {
		return append(found, w.keep(ch.addr, st.provider, left)...)
	}
	p, err := w.core.providerOf(ctx, st.provider)
	if err != nil {
		return failed(err)
	}
	kept, err := p.store(st.provider, ch.addr.address, left)
	if err != nil {
		return failed(err)
	}
	w.state.setDeposed(ch.addr, aside, kept)
	return found
}
