// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// State returns the state as "terraform show -json" prints it.
func (w *Workspace) State() *tfjson.State {
	shown := &tfjson.State{FormatVersion: "1.0", TerraformVersion: Version}
	if len(w.state.objects) == 0 && len(w.state.outputs) == 0 {
		return shown
	}
	root := &tfjson.StateModule{}
	for _, i := range w.state.instances() {
		root.Resources = append(root.Resources, shownObject(i, w.state.object(i), ""))
	}
	for i, all := range w.state.deposed {
		for name, st := range all {
			root.Resources = append(root.Resources, shownObject(i, st, name))
		}
	}
	shown.Values = &tfjson.StateValues{RootModule: root, Outputs: map[string]*tfjson.StateOutput{}}
	for name, out := range w.state.outputs {
		shown.Values.Outputs[name] = &tfjson.StateOutput{Sensitive: out.sensitive, Type: out.value.Type(), Value: goValue(out.value)}
	}
	return shown
}

func shownObject(i instance, st *stored, deposed string) *tfjson.StateResource {
	r := &tfjson.StateResource{
		Address: i.String(), Mode: shownMode(i.mode), Type: i.typ, Name: i.name, Index: i.key.json(), DeposedKey: deposed,
		ProviderName: providerName(strings.Split(st.provider, ".")[0]), SchemaVersion: uint64(st.version), //nolint:gosec // versions of schemas are not negative
		AttributeValues: st.decoded(), Tainted: st.tainted, IdentityValues: asJSON(st.identity),
	}
	for _, a := range st.dependencies {
		r.DependsOn = append(r.DependsOn, a.String())
	}
	return r
}

func shownMode(m mode) tfjson.ResourceMode {
	if m == data {
		return tfjson.DataResourceMode
	}
	return tfjson.ManagedResourceMode
}

func (k key) json() any {
	switch k.kind {
	case numberKey:
		return json.Number(fmt.Sprint(k.number))
	case textKey:
		return k.text
	default:
		return nil
	}
}

// Show returns a plan as "terraform show -json" prints it, but only its changes.
func (p *Plan) Show() *tfjson.Plan {
	shown := &tfjson.Plan{FormatVersion: "1.2", TerraformVersion: Version, OutputChanges: map[string]*tfjson.Change{}}
	for _, ch := range p.changes {
		change := &tfjson.Change{Actions: shownActions[ch.action], Before: goValue(ch.before), After: goValue(ch.after), AfterUnknown: unknowns(ch.after)}
		if ch.importing != "" {
			change.Importing = &tfjson.Importing{ID: ch.importing}
		}
		shown.ResourceChanges = append(shown.ResourceChanges, &tfjson.ResourceChange{
			Address: ch.addr.String(), Mode: shownMode(ch.addr.mode), Type: ch.addr.typ, Name: ch.addr.name, Index: ch.addr.key.json(),
			ProviderName: providerName(strings.Split(ch.provider, ".")[0]), DeposedKey: ch.deposed, Change: change,
		})
	}
	for name, ch := range p.outputs {
		shown.OutputChanges[name] = &tfjson.Change{Actions: shownActions[ch.action], Before: goValue(ch.before), After: goValue(ch.after), AfterUnknown: unknowns(ch.after)}
	}
	return shown
}

var shownActions = map[Action]tfjson.Actions{
	NoOp: {tfjson.ActionNoop}, Create: {tfjson.ActionCreate}, Read: {tfjson.ActionRead}, Update: {tfjson.ActionUpdate}, Delete: {tfjson.ActionDelete},
	DeleteThenCreate: {tfjson.ActionDelete, tfjson.ActionCreate}, CreateThenDelete: {tfjson.ActionCreate, tfjson.ActionDelete}, Forget: {tfjson.ActionForget},
}

// Empty reports whether a plan changes nothing; data sources that are read
// don't count, as they don't for Terraform's test library.
func (p *Plan) Empty() bool {
	for _, ch := range p.changes {
		if ch.action != NoOp && ch.addr.mode != data {
			return false
		}
	}
	for _, ch := range p.outputs {
		if ch.action != NoOp {
			return false
		}
	}
	return true
}

// String returns the changes of a plan, one per line, for messages of tests.
func (p *Plan) String() string {
	var b strings.Builder
	for _, ch := range p.changes {
		if ch.action == NoOp {
			continue
		}
		fmt.Fprintf(&b, "%s: %s\n", ch.addr, ch.action)
		if ch.before.IsNull() || ch.after.IsNull() || !ch.before.Type().IsObjectType() {
			continue
		}
		before, after := ch.before.AsValueMap(), ch.after.AsValueMap()
		for _, name := range slices.Sorted(maps.Keys(after)) {
			if !same(before[name], after[name]) {
				fmt.Fprintf(&b, "  %s: %#v -> %#v\n", name, before[name], after[name])
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.outputs)) {
		if ch := p.outputs[name]; ch.action != NoOp {
			fmt.Fprintf(&b, "output %s: %s\n", name, ch.action)
		}
	}
	return b.String()
}

// goValue returns a value as encoding/json decodes it; unknown values are left out of
// objects, and null elsewhere.
func goValue(v cty.Value) any {
	v, _ = v.UnmarkDeep()
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() {
		return nil
	}
	typ := v.Type()
	switch {
	case typ.IsObjectType() || typ.IsMapType():
		all := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			k, element := it.Element()
			if element.IsKnown() {
				all[k.AsString()] = goValue(element)
			}
		}
		return all
	case typ.IsPrimitiveType():
		text, err := ctyjson.Marshal(v, typ)
		if err != nil {
			panic(err) // primitive values are JSON
		}
		var one any
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		if err := decoder.Decode(&one); err != nil {
			panic(err)
		}
		return one
	default:
		all := []any{}
		for it := v.ElementIterator(); it.Next(); {
			_, element := it.Element()
			all = append(all, goValue(element))
		}
		return all
	}
}

// unknowns returns which parts of a value are unknown: true, or an object or list
// that contains true.
func unknowns(v cty.Value) any {
	v, _ = v.UnmarkDeep()
	switch {
	case v == cty.NilVal || v.IsNull():
		return false
	case !v.IsKnown():
		return true
	}
	typ := v.Type()
	switch {
	case typ.IsObjectType() || typ.IsMapType():
		all := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			k, element := it.Element()
			if u := unknowns(element); u != false {
				all[k.AsString()] = u
			}
		}
		return all
	case typ.IsPrimitiveType():
		return false
	default:
		all := []any{}
		for it := v.ElementIterator(); it.Next(); {
			_, element := it.Element()
			all = append(all, unknowns(element))
		}
		return all
	}
}
