// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Workspace is a state with the commands that read and change it. Its methods must
// not be called concurrently; several workspaces of one core may be used
// concurrently.
type Workspace struct {
	core  *Core
	state *state
}

// Workspace returns a workspace with an empty state.
func (e *Core) Workspace() *Workspace { return &Workspace{e, newState()} }

// Copy returns another workspace with a copy of the state.
func (w *Workspace) Copy() *Workspace { return &Workspace{w.core, w.state.clone()} }

// Plan validates and plans a configuration. It changes nothing, except for what the
// providers do in a plan. If there are errors, the plan is nil.
func (w *Workspace) Plan(ctx context.Context, configuration string, o Options) (*Plan, Diagnostics) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, found := parse(configuration)
	if found.HasErrors() {
		return nil, found
	}
	for _, o := range c.operators {
		if o.block.Type == "list" {
			return nil, Diagnostics{refuse("list blocks in anything but a query (%s)", o)}
		}
	}
	if len(c.triggered) > 0 {
		return nil, Diagnostics{refuse("action_trigger blocks, but to validate them (%s)", traversalText(c.triggered[0]))}
	}
	if found = append(found, w.core.validate(ctx, c, o)...); found.HasErrors() {
		return nil, found
	}
	p, wrong := w.core.plan(ctx, c, w.state, o)
	// Planning repeats the warnings of the validation.
	if found = append(found.Errors(), wrong...); found.HasErrors() {
		return nil, found
	}
	p.serial = w.state.serial
	return p, found
}

// Apply applies a plan of this workspace.
func (w *Workspace) Apply(ctx context.Context, p *Plan) Diagnostics {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if p.serial != w.state.serial {
		return Diagnostics{problem("Saved plan is stale", "The given plan file can no longer be applied because the state was changed by another operation after the plan was created.")}
	}
	w.state = p.state.clone()
	w.state.serial = p.serial + 1
	return w.core.apply(ctx, p, w.state)
}

// Run plans a configuration and applies it in one command.
func (w *Workspace) Run(ctx context.Context, configuration string, o Options) Diagnostics {
	p, found := w.Plan(ctx, configuration, o)
	if found.HasErrors() {
		return found
	}
	return append(found, w.Apply(ctx, p)...)
}

// Import imports an object into the state as a resource of the configuration.
func (w *Workspace) Import(ctx context.Context, configuration, address, id string) Diagnostics {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, found := parse(configuration)
	if found.HasErrors() {
		return found
	}
	i, err := parseInstance(address)
	if err != nil {
		return failed(err)
	}
	r := c.resources[i.address]
	if r == nil {
		return append(found, problem(fmt.Sprintf("resource address %q does not exist in the configuration.", address), "Before importing this resource, please create its configuration in the root module."))
	}
	if w.state.object(i) != nil {
		return append(found, problem("Resource already managed by Terraform", "Terraform is already managing a remote object for %s. To import to this address you must first remove the existing object from the state.", i))
	}
	walk, wrong := w.core.newWalk(ctx, c, w.state, Options{})
	if found = append(found, wrong...); found.HasErrors() {
		return found
	}
	if found = append(found, walk.load(ctx)...); found.HasErrors() {
		return found
	}
	walk.expandFromState()
	if found = append(found, walk.start(ctx, r.provider)...); found.HasErrors() {
		return found
	}
	o, wrong := walk.importObject(ctx, r, i, id, cty.NilVal)
	if found = append(found, wrong...); found.HasErrors() {
		return found
	}
	return append(found, walk.keep(i, r.provider, o)...)
}

// Taint marks an instance for replacement.
func (w *Workspace) Taint(address string) error {
	i, err := w.there(address)
	if err != nil {
		return err
	}
	tainted := *w.state.object(i)
	tainted.tainted = true
	w.state.set(i, &tainted)
	return nil
}

// Remove removes an instance, or all instances of a resource, from the state.
func (w *Workspace) Remove(address string) error {
	i, err := parseInstance(address)
	if err != nil {
		return err
	}
	gone := false
	for _, j := range w.state.of(i.address) {
		if j == i || i.key.kind == noKey {
			w.state.set(j, nil)
			gone = true
		}
	}
	if !gone {
		return fmt.Errorf("there is no %s in the state", address)
	}
	return nil
}

// Resources returns the addresses of all instances in the state.
func (w *Workspace) Resources() []string {
	var all []string
	for _, i := range w.state.instances() {
		all = append(all, i.String())
	}
	return all
}

// Attributes returns the attributes of an instance in the state, as encoding/json
// decodes them with UseNumber; nil if there is no such instance.
func (w *Workspace) Attributes(address string) map[string]any {
	i, err := w.there(address)
	if err != nil {
		return nil
	}
	return w.state.object(i).decoded()
}

func (w *Workspace) there(address string) (instance, error) {
	i, err := parseInstance(address)
	if err != nil {
		return i, err
	}
	if w.state.object(i) == nil {
		return i, fmt.Errorf("there is no %s in the state, but %s", address, strings.Join(w.Resources(), ", "))
	}
	return i, nil
}
