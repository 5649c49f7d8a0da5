// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// repetition has the values of count.index, each.key and each.value for one instance.
type repetition struct{ count, key, value cty.Value }

// mark marks values that must not be stored.
type mark string

const isEphemeral mark = "ephemeral"

// decode returns the value of a block, evaluated by its schema.
func (w *walk) decode(body hcl.Body, s *schema, rep repetition) (cty.Value, Diagnostics) {
	scope, found := w.scope(hcldec.Variables(body, s.spec), rep)
	if found.HasErrors() {
		return cty.NilVal, found
	}
	value, wrong := hcldec.Decode(body, s.spec, scope)
	return value, append(found, w.config.fromHCL(wrong)...)
}

// decodeKept is decode for a resource's block. Ephemeral values are allowed only in
// ephemeral resources and write-only attributes, which are not stored.
func (w *walk) decodeKept(r *resourceBlock, i instance, s *schema, rep repetition) (cty.Value, Diagnostics) {
	value, found := w.decode(r.body, s, rep)
	if found.HasErrors() || !value.ContainsMarked() {
		return value, found
	}
	value, marked := value.UnmarkDeepWithPaths()
	for _, m := range marked {
		if a := s.attributes.at(m.Path); r.mode == ephemeral || a != nil && a.writeOnly {
			continue
		}
		found = append(found, w.config.in(r.body, i.String(), Diagnostics{{
			Error: true, Summary: "Invalid use of ephemeral value", Attribute: m.Path, fromProvider: true,
			Detail: fmt.Sprintf("Ephemeral values are not valid for %q, because it is not a write-only attribute and must be persisted to state.", pathText(m.Path)[1:]),
		}})...)
	}
	return value, found
}

// evaluate evaluates an expression.
func (w *walk) evaluate(e hcl.Expression, rep repetition) (cty.Value, Diagnostics) {
	scope, found := w.scope(e.Variables(), rep)
	if found.HasErrors() {
		return cty.DynamicVal, found
	}
	value, wrong := e.Value(scope)
	return value, append(found, w.config.fromHCL(wrong)...)
}

// scope returns the values of some references, and the functions.
func (w *walk) scope(traversals []hcl.Traversal, rep repetition) (*hcl.EvalContext, Diagnostics) {
	var found Diagnostics
	roots := map[string]cty.Value{}
	tree := map[mode]map[string]map[string]cty.Value{managed: {}, data: {}, ephemeral: {}}
	locals, vars := map[string]cty.Value{}, map[string]cty.Value{}
	for _, t := range traversals {
		switch t.RootName() {
		case "count", "each":
			found = append(found, w.repeated(t, rep, roots)...)
		case "path":
			roots["path"] = cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal("."), "root": cty.StringVal("."), "cwd": cty.StringVal(".")})
		case "terraform":
			roots["terraform"] = cty.ObjectVal(map[string]cty.Value{"workspace": cty.StringVal("default"), "applying": cty.BoolVal(w.applying)})
		case "local":
			found = append(found, w.named(t, locals, w.local)...)
		case "var":
			found = append(found, w.named(t, vars, w.variable)...)
		case "self", "module":
			found = append(found, w.wrongAt(t.SourceRange(), refuse("references to %s", t.RootName())))
		default:
			i, rest, ok := toInstance(t)
			if !ok {
				found = append(found, w.wrongAt(t.SourceRange(), problem("Invalid reference", "A reference to a resource type must be followed by at least one attribute access, specifying the resource name.")))
				continue
			}
			value, wrong := w.resource(i.address, t.SourceRange())
			found = append(found, append(wrong, w.checkAttribute(i, rest)...)...)
			if tree[i.mode][i.typ] == nil {
				tree[i.mode][i.typ] = map[string]cty.Value{}
			}
			tree[i.mode][i.typ][i.name] = value
		}
	}
	for typ, named := range tree[managed] {
		roots[typ] = cty.ObjectVal(named)
	}
	for _, m := range []mode{data, ephemeral} {
		types := map[string]cty.Value{}
		for typ, named := range tree[m] {
			types[typ] = cty.ObjectVal(named)
		}
		roots[string(m)] = cty.ObjectVal(types)
	}
	roots["local"], roots["var"] = cty.ObjectVal(locals), cty.ObjectVal(vars)
	return &hcl.EvalContext{Variables: roots, Functions: w.core.functions()}, found
}

func (w *walk) wrongAt(subject hcl.Range, d *Diagnostic) *Diagnostic {
	d.Subject, d.file = &subject, w.config.file
	return d
}

// named adds the value of local.x or var.x to a scope.
func (w *walk) named(t hcl.Traversal, into map[string]cty.Value, value func(name string) (cty.Value, Diagnostics)) Diagnostics {
	name, ok := second(t, t.RootName())
	if !ok {
		return Diagnostics{w.wrongAt(t.SourceRange(), refuse("references to all of %s", t.RootName()))}
	}
	if _, there := into[name]; there {
		return nil
	}
	v, found := value(name)
	if v == cty.NilVal {
		d := problem("Reference to undeclared local value", "A local value with the name %q has not been declared.", name)
		if t.RootName() == "var" {
			d = problem("Reference to undeclared input variable", "An input variable with the name %q has not been declared. This variable can be declared with a variable %q {} block.", name, name)
		}
		return append(found, w.wrongAt(t.SourceRange(), d))
	}
	into[name] = v
	return found
}

func (w *walk) repeated(t hcl.Traversal, rep repetition, roots map[string]cty.Value) Diagnostics {
	if t.RootName() == "count" && rep.count != cty.NilVal {
		roots["count"] = cty.ObjectVal(map[string]cty.Value{"index": rep.count})
		return nil
	}
	if t.RootName() == "each" && rep.key != cty.NilVal {
		roots["each"] = cty.ObjectVal(map[string]cty.Value{"key": rep.key, "value": rep.value})
		return nil
	}
	return Diagnostics{w.wrongAt(t.SourceRange(), problem(fmt.Sprintf("Reference to %q in a context without it", t.RootName()),
		"The %q object can be used only where its meta-argument is set.", t.RootName()))}
}

func (w *walk) local(name string) (cty.Value, Diagnostics) {
	e := w.config.locals[name]
	if e == nil {
		return cty.NilVal, nil
	}
	w.mu.Lock()
	v, there := w.locals[name]
	w.mu.Unlock()
	if there {
		return v, nil
	}
	if w.config.cyclic(name) {
		return cty.DynamicVal, Diagnostics{w.wrongAt(e.Range(), problem("Cycle", "local.%s refers to itself.", name))}
	}
	v, found := w.evaluate(e, repetition{})
	if !found.HasErrors() {
		w.mu.Lock()
		w.locals[name] = v
		w.mu.Unlock()
	}
	return v, found
}

// cyclic reports whether a local refers to itself.
func (c *config) cyclic(name string) bool {
	seen := map[string]bool{}
	var follow func(of string) bool
	follow = func(of string) bool {
		e := c.locals[of]
		if e == nil || seen[of] {
			return false
		}
		seen[of] = true
		for _, t := range e.Variables() {
			if next, ok := second(t, "local"); ok && (next == name || follow(next)) {
				return true
			}
		}
		return false
	}
	return follow(name)
}

func (w *walk) variable(name string) (cty.Value, Diagnostics) {
	b := w.config.variables[name]
	if b == nil {
		return cty.NilVal, nil
	}
	content, wrong := b.Body.Content(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "type"}, {Name: "default"}, {Name: "description"}, {Name: "nullable"}}})
	found := w.config.fromHCL(wrong)
	typ := cty.DynamicPseudoType
	if a := content.Attributes["type"]; a != nil {
		typ, wrong = typeexpr.TypeConstraint(a.Expr)
		found = append(found, w.config.fromHCL(wrong)...)
	}
	value, given := w.options.Variables[name]
	if a := content.Attributes["default"]; a != nil && !given {
		value, wrong = a.Expr.Value(nil)
		found, given = append(found, w.config.fromHCL(wrong)...), true
	}
	if !given {
		return cty.DynamicVal, append(found, w.wrongAt(b.DefRange, problem("No value for required variable", "The root module input variable %q is not set, and has no default value.", name)))
	}
	converted, err := convert.Convert(value, typ)
	if err != nil {
		return cty.DynamicVal, append(found, w.wrongAt(b.DefRange, problem("Invalid value for input variable", "The given value is not suitable for var.%s: %s.", name, err)))
	}
	return converted, found
}

// resource returns the value of a resource for references: an object, a tuple of
// objects if it has a count, or an object of objects by key if it has a for_each.
func (w *walk) resource(a address, rng hcl.Range) (cty.Value, Diagnostics) {
	r := w.config.resources[a]
	if r == nil {
		return cty.DynamicVal, Diagnostics{w.wrongAt(rng, undeclared(a))}
	}
	p, err := w.core.providerOf(context.Background(), r.provider)
	if err != nil {
		return cty.DynamicVal, failed(err)
	}
	typ := p.schemaOf(a).impliedTyp
	if w.validating {
		v := cty.UnknownVal(typ)
		if r.count != nil || r.forEach != nil {
			v = cty.DynamicVal
		}
		return marked(a, v), nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if v, there := w.whole[a]; there {
		return v, nil
	}
	x, there := w.expanded[a]
	if !there {
		return cty.DynamicVal, Diagnostics{w.wrongAt(rng, problem("Reference to uninitialized resource", "The resource %s was not processed by this operation.", a))}
	}
	value := func(k key) cty.Value {
		if v, ok := w.values[instance{a, k}]; ok {
			return v
		}
		return cty.UnknownVal(typ)
	}
	var v cty.Value
	switch x.kind {
	case numberKey:
		all := make([]cty.Value, len(x.keys))
		for n, k := range x.keys {
			all[n] = value(k)
		}
		v = cty.TupleVal(all)
	case textKey:
		all := map[string]cty.Value{}
		for _, k := range x.keys {
			all[k.text] = value(k)
		}
		v = cty.ObjectVal(all)
	default:
		v = value(key{})
	}
	v = marked(a, v)
	w.whole[a] = v
	return v, nil
}

// checkAttribute returns an error if a resource does not have an attribute. HCL can't
// detect that while the resource's value is unknown.
func (w *walk) checkAttribute(i instance, rest hcl.Traversal) Diagnostics {
	r := w.config.resources[i.address]
	if len(rest) == 0 || r == nil || i.key.kind == noKey && (r.count != nil || r.forEach != nil) {
		return nil
	}
	a, ok := rest[0].(hcl.TraverseAttr)
	p, err := w.core.providerOf(context.Background(), r.provider)
	if !ok || err != nil || p.schemaOf(i.address).attributes[a.Name] != nil {
		return nil
	}
	return Diagnostics{w.wrongAt(a.SrcRange, problem("Unsupported attribute", "This object has no argument, nested block, or exported attribute named %q.", a.Name))}
}

func undeclared(a address) *Diagnostic {
	kind := map[mode]string{managed: "A managed", data: "A data", ephemeral: "An ephemeral"}[a.mode]
	return problem("Reference to undeclared resource", "%s resource %q %q has not been declared in the root module.", kind, a.typ, a.name)
}

func marked(a address, v cty.Value) cty.Value {
	if a.mode == ephemeral {
		return v.Mark(isEphemeral)
	}
	return v
}
