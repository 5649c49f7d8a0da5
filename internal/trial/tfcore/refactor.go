// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// move is a moved block: an object has another address from now on.
type move struct {
	from, to instance
	rng      hcl.Range
}

// removal is a removed block: a resource is no longer in the configuration.
type removal struct {
	from address
	keep bool // do not destroy it, only remove it from the state
	rng  hcl.Range
}

func (c *config) readMoved(b *hcl.Block) {
	content := c.all(b.Body, []string{"from", "to"}, nil)
	from, ok := c.instanceIn(content, "from", b)
	to, also := c.instanceIn(content, "to", b)
	switch {
	case !ok || !also:
	case from.typ != to.typ:
		c.wrongAt(b.DefRange, refuse("moves to another type"))
	default:
		c.moves = append(c.moves, move{from, to, b.DefRange})
	}
}

func (c *config) readRemoved(b *hcl.Block) {
	content := c.all(b.Body, []string{"from"}, []string{"lifecycle"})
	from, ok := c.instanceIn(content, "from", b)
	if !ok {
		return
	}
	r := removal{from: from.address, rng: b.DefRange}
	for _, inner := range content.Blocks {
		lifecycle := c.all(inner.Body, []string{"destroy"}, nil)
		r.keep = expression(lifecycle, "destroy") != nil && !c.flag(lifecycle, "destroy")
	}
	c.removals = append(c.removals, r)
}

// forgets reports whether a resource is only removed from the state.
func (c *config) forgets(a address) bool {
	for _, r := range c.removals {
		if r.from == a && r.keep {
			return true
		}
	}
	return false
}

func (w *walk) checkRemovals() Diagnostics {
	var found Diagnostics
	for _, r := range w.config.removals {
		if w.config.resources[r.from] != nil {
			found = append(found, w.wrongAt(r.rng, problem("Removed resource still exists",
				"This statement declares that %s was removed, but it is still declared in configuration.", r.from)))
		}
	}
	return found
}

// applyMoves gives the objects of a state their new addresses: those of moved blocks,
// and those that follow from an added or removed count.
func (c *config) applyMoves(s *state) Diagnostics {
	var found Diagnostics
	for _, m := range c.moves {
		if r := c.resources[m.from.address]; r != nil && m.from.key.kind == noKey && r.count == nil && r.forEach == nil && m.from.address != m.to.address {
			d := problem("Moved object still exists", "This statement declares a move from %s, but that resource is still declared in the configuration.", m.from)
			d.Subject, d.file = &m.rng, c.file
			found = append(found, d)
			continue
		}
		if m.from.key.kind != noKey || m.to.key.kind != noKey || m.from.address == m.to.address {
			s.move(m.from, m.to)
			continue
		}
		for _, i := range s.of(m.from.address) { // the whole resource
			s.move(i, instance{m.to.address, i.key})
		}
	}
	for a, r := range c.resources {
		alone, first := instance{address: a}, instance{a, key{kind: numberKey}}
		switch {
		case r.count != nil:
			s.move(alone, first)
		case r.forEach == nil:
			s.move(first, alone)
		}
	}
	return found
}

// move moves an object to an instance that has none.
func (s *state) move(from, to instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects[from] == nil || s.objects[to] != nil || from == to {
		return
	}
	s.objects[to] = s.objects[from]
	delete(s.objects, from)
	if all := s.deposed[from]; len(all) > 0 {
		s.deposed[to] = all
		delete(s.deposed, from)
	}
}

// importTarget imports the object of an import block for this instance, and returns
// it with its ID.
func (w *walk) importTarget(ctx context.Context, r *resourceBlock, i instance) (*object, string, Diagnostics) {
	for _, block := range w.config.imports {
		if block.to != i {
			continue
		}
		id, by := "", cty.NilVal
		e := block.id
		if e == nil {
			e = block.identity
		}
		v, found := w.evaluate(e, repetition{})
		if found.HasErrors() {
			return nil, "", found
		}
		if !v.IsWhollyKnown() {
			return nil, "", append(found, w.wrongAt(e.Range(), problem("Invalid import id argument", "The import block \"id\" argument depends on resource attributes that cannot be determined until apply, so Terraform cannot plan to import this resource.")))
		}
		if block.id != nil {
			id = v.AsString()
		} else {
			by, found = w.identityOf(r, v, e.Range())
		}
		if found.HasErrors() {
			return nil, "", found
		}
		o, wrong := w.importObject(ctx, r, i, id, by)
		if id == "" {
			id = "identity"
		}
		return o, id, append(found, wrong...)
	}
	return nil, "", nil
}

// identityOf returns the identity in an import block, completed with nulls.
func (w *walk) identityOf(r *resourceBlock, v cty.Value, rng hcl.Range) (cty.Value, Diagnostics) {
	schema := w.client(r.provider).provider.identities[r.typ]
	if schema == nil {
		return cty.NilVal, Diagnostics{w.wrongAt(rng, problem("Invalid import identity argument", "The resource %s has no identity.", r))}
	}
	values := map[string]cty.Value{}
	for name, typ := range schema.typ.AttributeTypes() {
		values[name] = cty.NullVal(typ)
		if v.Type().IsObjectType() && v.Type().HasAttribute(name) {
			values[name] = v.GetAttr(name)
		}
	}
	return cty.ObjectVal(values), nil
}

// importObject imports an object and reads it.
func (w *walk) importObject(ctx context.Context, r *resourceBlock, i instance, id string, by cty.Value) (*object, Diagnostics) {
	c := w.client(r.provider)
	o, found := c.imported(ctx, i.address, id, by)
	if !found.HasErrors() {
		var wrong Diagnostics
		o, wrong = c.read(ctx, i.address, o)
		found = append(found, wrong...)
	}
	if !found.HasErrors() && o == nil {
		found = append(found, problem("Cannot import non-existent remote object",
			"While attempting to import an existing object to %q, the provider detected that no object exists with the given id. Only pre-existing objects can be imported; check that the id is correct and that it is associated with the provider's configured region or endpoint, or use \"terraform apply\" to create a new remote object for this resource.", i))
	}
	return o, w.config.in(r.body, i.String(), found)
}

// indexed returns the parts of an expression a[b].c.
func indexed(e hcl.Expression) (collection, index hcl.Expression, rest hcl.Traversal, ok bool) {
	if relative, is := e.(*hclsyntax.RelativeTraversalExpr); is {
		e, rest = relative.Source, relative.Traversal
	}
	i, ok := e.(*hclsyntax.IndexExpr)
	if !ok {
		return nil, nil, nil, false
	}
	return i.Collection, i.Key, rest, true
}
