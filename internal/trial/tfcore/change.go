// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Action is a planned action on an instance.
type Action string

// The actions have Terraform's names.
const (
	NoOp             Action = "no-op"
	Create           Action = "create"
	Read             Action = "read"
	Update           Action = "update"
	Delete           Action = "delete"
	DeleteThenCreate Action = "delete, create"
	CreateThenDelete Action = "create, delete"
	Forget           Action = "forget"
)

func (a Action) replaces() bool { return a == DeleteThenCreate || a == CreateThenDelete }

// change is the planned change of an instance.
type change struct {
	addr          instance
	before, after cty.Value
	action        Action
	provider      string
	private       []byte
	afterIdentity cty.Value
	importing     string
	deposed       string // name of the object that was replaced before
	createBefore  bool   // a deletion of something that is replaced before it goes
}

// planChange returns the planned change of an instance, with the values that its
// provider plans. During an apply, was is the change of the plan.
func (w *walk) planChange(ctx context.Context, r *resourceBlock, i instance, rep repetition, o *object, was *change, force bool) (*change, Diagnostics) {
	c := w.client(r.provider)
	s := c.provider.schemaOf(i.address)
	config, found := w.decodeKept(r, i, s, rep)
	if found.HasErrors() {
		return nil, found
	}
	found = append(found, w.config.in(r.body, i.String(), c.validateResource(ctx, i.address, config))...)
	if found.HasErrors() {
		return nil, found
	}
	ch := &change{addr: i, before: cty.NullVal(s.impliedTyp), provider: r.provider}
	replaced, id, private := cty.NilVal, cty.NilVal, []byte(nil)
	switch {
	case o != nil && o.tainted: // planned as if it were not there
		replaced = o.value
	case o != nil:
		ch.before, private, id = o.value, o.private, o.identity
	}
	wanted, wrong := r.ignoreChanges(w, s, ch.before, config)
	if found = append(found, wrong...); found.HasErrors() {
		return nil, found
	}
	p, wrong := c.plan(ctx, i.address, ch.before, s.propose(ch.before, wanted), wanted, private, id)
	found = append(found, w.config.in(r.body, i.String(), wrong)...)
	if found.HasErrors() {
		return nil, found
	}
	for _, err := range s.checkPlan(ch.before, wanted, p.state) {
		found = append(found, problem("Provider produced invalid plan", "Provider %q planned an invalid value for %s.%s", c.provider, errorText(i.String(), err), aBug))
	}
	replace, wrong := mustReplace(c, i, ch.before, p)
	if found = append(found, wrong...); found.HasErrors() {
		return nil, found
	}
	first := r.createBeforeDestroy || w.forcedFirst(r.address)
	if was != nil {
		first = was.action == CreateThenDelete
	}
	ch.action = actionFor(ch.before, p.state, force || replace, first)
	if ch.action.replaces() {
		if p, wrong = w.planSuccessor(ctx, c, i, s, config, p); wrong.HasErrors() {
			return nil, append(found, w.config.in(r.body, i.String(), wrong)...)
		}
	}
	if ch.action == Create && replaced != cty.NilVal {
		ch.before, ch.action = replaced, replaceAction(first)
	}
	if was != nil && was.action.replaces() && ch.action == Create { // its predecessor is gone already
		ch.before, ch.action = was.before, was.action
	}
	ch.after, ch.private, ch.afterIdentity = p.state, p.private, p.identity
	return ch, found
}

// planSuccessor plans the replacement of an instance, as if the instance did not
// exist. Warnings of this second plan repeat those of the first one, and are dropped.
func (w *walk) planSuccessor(ctx context.Context, c *client, i instance, s *schema, config cty.Value, first planned) (planned, Diagnostics) {
	null := cty.NullVal(s.impliedTyp)
	p, found := c.plan(ctx, i.address, null, s.propose(null, config), config, first.private, first.identity)
	return p, found.Errors()
}

func actionFor(before, after cty.Value, replace, first bool) Action {
	equal := after.Equals(before)
	switch {
	case before.IsNull():
		return Create
	case replace:
		return replaceAction(first)
	case equal.IsKnown() && equal.True():
		return NoOp
	default:
		return Update
	}
}

func replaceAction(createFirst bool) Action {
	if createFirst {
		return CreateThenDelete
	}
	return DeleteThenCreate
}

// mustReplace reports whether an attribute changes that the provider can't change in
// place.
func mustReplace(c *client, i instance, prior cty.Value, p planned) (bool, Diagnostics) {
	if prior.IsNull() {
		return false, nil
	}
	replace, found := false, Diagnostics(nil)
	for _, path := range p.requiresReplace {
		was, wrongBefore := hcl.ApplyPath(prior, path, nil)
		is, wrongAfter := hcl.ApplyPath(p.state, path, nil)
		if wrongBefore.HasErrors() && wrongAfter.HasErrors() {
			found = append(found, problem("Provider produced invalid plan",
				"Provider %q has indicated \"requires replacement\" on %s for a non-existent attribute path %s.%s", c.provider, i, pathText(path), aBug))
			continue
		}
		if wrongBefore.HasErrors() || wrongAfter.HasErrors() {
			replace = true
			continue
		}
		equal := is.Equals(was)
		replace = replace || !equal.IsKnown() || equal.False()
	}
	return replace, found
}

// ignoreChanges returns the configuration with the ignored attributes of the prior
// state.
func (r *resourceBlock) ignoreChanges(w *walk, s *schema, prior, config cty.Value) (cty.Value, Diagnostics) {
	switch {
	case prior.IsNull() || !r.ignoreAll && len(r.ignore) == 0:
		return config, nil
	case r.ignoreAll:
		kept, err := cty.Transform(prior, func(path cty.Path, v cty.Value) (cty.Value, error) {
			if a := s.attributes.at(path); a != nil && a.computed && !a.optional {
				return cty.NullVal(v.Type()), nil
			}
			return v, nil
		})
		if err != nil {
			return config, failed(err)
		}
		return kept, nil
	}
	values := config.AsValueMap()
	for _, t := range r.ignore {
		if len(t) != 1 {
			return config, Diagnostics{w.wrongAt(t.SourceRange(), refuse("ignore_changes of a part of an attribute"))}
		}
		name := t[0].(hcl.TraverseAttr).Name
		if s.attributes[name] == nil {
			return config, Diagnostics{w.wrongAt(t.SourceRange(), problem("Unsupported attribute", "This object has no argument, nested block, or exported attribute named %q.", name))}
		}
		values[name] = prior.GetAttr(name)
	}
	return cty.ObjectVal(values), nil
}

// triggered reports whether a change in replace_triggered_by replaces this instance.
func (w *walk) triggered(r *resourceBlock, rep repetition) (bool, Diagnostics) {
	for _, e := range r.triggers {
		t, found := staticTraversal(e, rep)
		if found.HasErrors() {
			return false, w.config.fromHCL(found)
		}
		i, rest, ok := toInstance(t)
		if !ok || w.config.resources[i.address] == nil {
			return false, Diagnostics{w.wrongAt(e.Range(), problem("Reference to undeclared resource", "A resource %s has not been declared in the root module", traversalText(t)))}
		}
		if w.triggers(i, rest) {
			return true, nil
		}
	}
	return false, nil
}

func (w *walk) triggers(i instance, rest hcl.Traversal) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for j, ch := range w.changes {
		if j.address != i.address || i.key.kind != noKey && i.key != j.key || ch.action != Update && !ch.action.replaces() {
			continue
		}
		if len(rest) == 0 {
			return true
		}
		before, _ := rest.TraverseRel(ch.before)
		after, _ := rest.TraverseRel(ch.after)
		if !same(before, after) {
			return true
		}
	}
	return false
}

// staticTraversal returns a reference whose index may be count.index or each.key.
func staticTraversal(e hcl.Expression, rep repetition) (hcl.Traversal, hcl.Diagnostics) {
	if t, found := hcl.AbsTraversalForExpr(e); !found.HasErrors() {
		return t, nil
	}
	collection, index, rest, ok := indexed(e)
	if !ok {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Invalid instance reference", Detail: "Only object references with dynamic indexes are allowed in this context.", Subject: e.Range().Ptr()}}
	}
	t, found := hcl.AbsTraversalForExpr(collection)
	if found.HasErrors() {
		return nil, found
	}
	by, found := hcl.AbsTraversalForExpr(index)
	if found.HasErrors() {
		return nil, found
	}
	k := cty.NilVal
	switch traversalText(by) {
	case "count.index":
		k = rep.count
	case "each.key":
		k = rep.key
	}
	if k == cty.NilVal {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Invalid index expression", Detail: "Only constant values, count.index or each.key are allowed in index expressions.", Subject: e.Range().Ptr()}}
	}
	return append(append(t[:len(t):len(t)], hcl.TraverseIndex{Key: k}), rest...), nil
}
