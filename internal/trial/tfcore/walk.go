// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
)

// walk is one pass over a configuration: to validate, plan or apply it.
type walk struct {
	core       *Core
	config     *config
	options    Options
	validating bool
	applying   bool
	destroying bool // everything is destroyed, whatever the configuration contains
	state      *state
	direct     map[address][]address // which resources refer to which
	needed     map[address]bool      // with targets: their dependencies
	slots      chan struct{}
	keys       map[string]bool // keys of the provider configurations that are used

	mu       sync.Mutex
	clients  map[string]*client
	values   map[instance]cty.Value
	whole    map[address]cty.Value // values of resources, from those of their instances
	expanded map[address]expansion
	changes  map[instance]*change
	deposed  []*change
	locals   map[string]cty.Value
	closing  []func(context.Context) Diagnostics
}

// expansion has the instances of a resource by its configuration.
type expansion struct {
	kind keyKind
	keys []key
	each map[string]cty.Value
}

// defaultParallelism is Terraform's.
const defaultParallelism = 10

func (e *Core) newWalk(ctx context.Context, c *config, s *state, o Options) (*walk, Diagnostics) {
	w := &walk{
		core: e, config: c, options: o, state: s, direct: map[address][]address{}, keys: map[string]bool{},
		slots: make(chan struct{}, max(o.Parallelism, 0)), clients: map[string]*client{}, values: map[instance]cty.Value{},
		whole: map[address]cty.Value{}, expanded: map[address]expansion{}, changes: map[instance]*change{}, locals: map[string]cty.Value{},
	}
	if o.Parallelism == 0 {
		w.slots = make(chan struct{}, defaultParallelism)
	}
	var found Diagnostics
	for name := range e.factories { // a function may be any provider's
		if _, err := e.provider(ctx, name); err != nil {
			found = append(found, failed(err)...)
		}
	}
	for _, r := range c.resources {
		w.keys[r.provider] = true
	}
	for i, st := range s.objects {
		if i.mode == managed {
			w.keys[st.provider] = true
		}
	}
	for _, all := range s.deposed {
		for _, st := range all {
			w.keys[st.provider] = true
		}
	}
	for key := range w.keys {
		if _, err := e.providerOf(ctx, key); err != nil {
			found = append(found, failed(err)...)
		}
	}
	if found.HasErrors() {
		return w, found
	}
	providers := map[string][]address{}
	for key, b := range c.providers {
		p, err := e.providerOf(ctx, key)
		if err != nil {
			return w, failed(err)
		}
		providers[key] = c.resourcesIn(hcldec.Variables(b.body, p.config.spec))
	}
	for a, r := range c.resources {
		p, _ := e.providerOf(ctx, r.provider)
		s := p.schemaOf(a)
		if s == nil {
			found = append(found, at(c, r, problem("Invalid resource type", "The provider %s does not support resource type %q.", p, a.typ)))
			continue
		}
		w.direct[a] = c.references(r, s)
		for _, b := range providers[r.provider] {
			if b != a && !slices.Contains(w.direct[a], b) {
				w.direct[a] = append(w.direct[a], b)
			}
		}
	}
	return w, append(found, w.aim()...)
}

// aim finds the dependencies of the targets.
func (w *walk) aim() Diagnostics {
	if len(w.options.Target) == 0 {
		return nil
	}
	w.needed = map[address]bool{}
	for _, text := range w.options.Target {
		i, err := parseInstance(text)
		if err != nil {
			return failed(err)
		}
		maps.Copy(w.needed, ancestors(w.direct[i.address], w.direct))
	}
	return nil
}

// wanted reports whether an instance is a target or a dependency of one.
func (w *walk) wanted(i instance) bool {
	if w.needed == nil || w.needed[i.address] {
		return true
	}
	return slices.ContainsFunc(w.options.Target, func(text string) bool {
		target, err := parseInstance(text)
		return err == nil && target.address == i.address && (target.key.kind == noKey || target.key == i.key)
	})
}

// wantedResource reports whether an instance of a resource is wanted.
func (w *walk) wantedResource(a address) bool {
	return w.needed == nil || w.needed[a] || slices.ContainsFunc(w.options.Target, func(text string) bool {
		target, err := parseInstance(text)
		return err == nil && target.address == a
	})
}

func at(c *config, r *resourceBlock, d *Diagnostic) *Diagnostic {
	d.Subject, d.file = &r.block.DefRange, c.file
	return d
}

// slot waits for one of the slots for concurrent operations, and returns a function
// that releases it.
func (w *walk) slot() (release func()) {
	w.slots <- struct{}{}
	return func() { <-w.slots }
}

func (w *walk) client(key string) *client {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clients[key]
}

// set records the value of an instance for references to it.
func (w *walk) set(i instance, v cty.Value) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.values[i] = v
	delete(w.whole, i.address)
}

// start starts a provider and configures it.
func (w *walk) start(ctx context.Context, key string) Diagnostics {
	p, err := w.core.providerOf(ctx, key)
	if err != nil {
		return failed(err)
	}
	c, err := p.start()
	if err != nil {
		return failed(err)
	}
	w.mu.Lock()
	w.clients[key] = c
	w.mu.Unlock()
	value, body, found := w.providerConfig(key, p)
	if found.HasErrors() {
		return found
	}
	value, validated := c.validateProvider(ctx, value)
	found = append(found, w.inProvider(body, key, validated)...)
	if found.HasErrors() || w.validating {
		return found
	}
	return append(found, w.inProvider(body, key, c.configure(ctx, value))...)
}

func (w *walk) inProvider(b *providerBlock, key string, found Diagnostics) Diagnostics {
	address := fmt.Sprintf("provider[%q]", providerName(key))
	if b == nil {
		return w.config.in(nil, address, found)
	}
	return w.config.in(b.body, address, found)
}

// providerName returns the provider's name in Terraform's messages.
func providerName(key string) string { return "registry.terraform.io/hashicorp/" + key }

// providerConfig returns the configuration of a provider and its block; an empty
// configuration if there is no block.
func (w *walk) providerConfig(key string, p *provider) (cty.Value, *providerBlock, Diagnostics) {
	b := w.config.providers[key]
	if b == nil {
		if key != p.name {
			return cty.NilVal, nil, Diagnostics{problem("Provider configuration not present",
				"There is no configuration of provider %s, which is needed for what is in the configuration or the state.", key)}
		}
		nothing := map[string]cty.Value{}
		for name, typ := range p.config.impliedTyp.AttributeTypes() {
			nothing[name] = cty.NullVal(typ)
		}
		return cty.ObjectVal(nothing), nil, nil
	}
	value, found := w.decode(b.body, p.config, repetition{})
	return value, b, found
}

// providerSteps returns the steps that configure providers.
func (w *walk) providerSteps(of map[string]bool) map[string]*step {
	steps := map[string]*step{}
	for key := range of {
		steps[key] = &step{name: "provider " + key, run: func(ctx context.Context) Diagnostics { return w.start(ctx, key) }}
	}
	return steps
}

// providerReferences returns the resources that a provider's block refers to.
func (w *walk) providerReferences(ctx context.Context, key string) []address {
	b, p := w.config.providers[key], (*provider)(nil)
	if b == nil {
		return nil
	}
	p, err := w.core.providerOf(ctx, key)
	if err != nil {
		return nil
	}
	return w.config.resourcesIn(hcldec.Variables(b.body, p.config.spec))
}

// close closes everything that the walk has opened, and returns the diagnostics.
func (w *walk) close(ctx context.Context) Diagnostics {
	var found Diagnostics
	for _, end := range w.closing {
		found = append(found, end(ctx)...)
	}
	return found
}

// record adds a change to the plan of the walk.
func (w *walk) record(ch *change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes[ch.addr] = ch
}

// pendingIn reports whether a resource has planned changes.
func (w *walk) pendingIn(a address) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, ch := range w.changes {
		if i.address == a && ch.action != NoOp {
			return true
		}
	}
	return false
}

// keep stores an object in the state.
func (w *walk) keep(i instance, providerKey string, o *object) Diagnostics {
	p, err := w.core.providerOf(context.Background(), providerKey)
	if err != nil {
		return failed(err)
	}
	st, err := p.store(providerKey, i.address, o)
	if err != nil {
		return failed(fmt.Errorf("%s can't be stored: %w", i, err))
	}
	w.state.set(i, st)
	return nil
}
