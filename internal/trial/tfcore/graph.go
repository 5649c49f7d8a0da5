// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

func errUnknownType(i instance) error { return fmt.Errorf("no provider knows the type of %s", i) }

// graph is the order in which a plan is applied.
type graph struct {
	all       []*step
	ready     map[address]*step    // the instances of a resource are known
	creations map[instance]*step   // and updates, and reads
	ends      map[instance]*ending // deletions of instances
}

// ending is the deletion of an instance.
type ending struct {
	step  *step
	later bool // after the creation of its replacement
}

// ended reports whether all steps of a resource have succeeded.
func (g *graph) ended(a address) bool {
	if s := g.ready[a]; s == nil || s.failed {
		return false
	}
	for i, s := range g.creations {
		if i.address == a && s.failed {
			return false
		}
	}
	return true
}

// applyGraph returns the steps of an apply. A creation waits for those of its
// dependencies, a deletion for those of its dependants, and both for each other if an
// instance is replaced or a dependency changes.
func (w *walk) applyGraph(ctx context.Context, p *Plan) *graph {
	g := &graph{ready: map[address]*step{}, creations: map[instance]*step{}, ends: map[instance]*ending{}}
	used := map[string]bool{}
	for _, ch := range p.changes {
		if ch.action != NoOp && ch.action != Forget {
			used[ch.provider] = true
		}
	}
	for a := range w.opened(p) {
		used[w.config.resources[a].provider] = true
	}
	providers := w.providerSteps(used)
	g.addReady(w, providers, w.opened(p))
	var late []*step
	for _, ch := range p.changes {
		late = append(late, g.add(w, ch, providers[ch.provider])...)
	}
	for _, key := range slices.Sorted(maps.Keys(providers)) {
		for _, a := range w.providerReferences(ctx, key) {
			providers[key].need(g.of(a)...)
		}
		g.all = append(g.all, providers[key])
	}
	for _, a := range sortedKeys(g.ready) {
		for _, b := range w.direct[a] {
			g.ready[a].need(g.of(b)...)
		}
		g.all = append(g.all, g.ready[a])
	}
	for i, s := range g.creations {
		s.need(g.ready[i.address])
	}
	g.orderEnds(w)
	// If Terraform's graph does not define the order, Terraform uses any. Deletions come
	// first here, because that order can do the most harm.
	for _, i := range slices.SortedFunc(maps.Keys(g.ends), instance.compare) {
		g.all = append(g.all, g.ends[i].step)
	}
	for _, i := range slices.SortedFunc(maps.Keys(g.creations), instance.compare) {
		g.all = append(g.all, g.creations[i])
	}
	g.all = append(g.all, late...)
	return g
}

// opened returns the ephemeral resources that a step needs.
func (w *walk) opened(p *Plan) map[address]bool {
	found := map[address]bool{}
	for _, ch := range p.changes {
		if ch.action == NoOp {
			continue
		}
		for a := range ancestors([]address{ch.addr.address}, w.direct) {
			if a.mode == ephemeral && !w.destroying {
				found[a] = true
			}
		}
		for _, a := range w.providerReferences(context.Background(), ch.provider) {
			if a.mode == ephemeral {
				found[a] = true
			}
		}
	}
	return found
}

// of returns all steps of a resource: after them, it is as planned.
func (g *graph) of(a address) []*step {
	all := []*step{g.ready[a]}
	for i, s := range g.creations {
		if i.address == a {
			all = append(all, s)
		}
	}
	return all
}

// addReady adds a step for each resource of the configuration that expands its
// instances, and opens it if it is ephemeral and needed.
func (g *graph) addReady(w *walk, providers map[string]*step, opened map[address]bool) {
	for a, r := range w.config.resources {
		if w.destroying || !w.wantedResource(a) {
			continue
		}
		g.ready[a] = &step{name: a.String() + " (expand)", run: func(ctx context.Context) Diagnostics {
			x, found := w.expand(r)
			if found.HasErrors() || !opened[a] {
				return found
			}
			for _, k := range x.keys {
				found = append(found, w.open(ctx, r, instance{a, k}, x.repetition(k))...)
			}
			return found
		}}
		if opened[a] {
			g.ready[a].need(providers[r.provider])
		}
	}
}

// add adds the steps of one change, and returns those that no other step waits for.
func (g *graph) add(w *walk, ch *change, provider *step) []*step {
	i := ch.addr
	deletion := func(aside string) *step {
		s := &step{name: i.String() + " (destroy)", run: func(ctx context.Context) Diagnostics {
			defer w.slot()()
			return w.applyDeletion(ctx, ch, aside)
		}}
		s.need(provider)
		return s
	}
	switch {
	case ch.action == NoOp:
		return nil
	case ch.action == Forget:
		return []*step{{name: i.String() + " (forget)", run: func(context.Context) Diagnostics {
			if ch.deposed != "" {
				w.state.setDeposed(i, ch.deposed, nil)
				return nil
			}
			w.state.set(i, nil)
			return nil
		}}}
	case ch.deposed != "":
		return []*step{deletion(ch.deposed)}
	case ch.action == Delete:
		g.ends[i] = &ending{deletion(""), ch.createBefore}
		return nil
	}
	r := w.config.resources[i.address]
	s := &step{name: i.String(), run: func(ctx context.Context) Diagnostics {
		defer w.slot()()
		w.mu.Lock()
		x := w.expanded[i.address]
		w.mu.Unlock()
		if r.mode == data {
			return w.applyData(ctx, r, i, x.repetition(i.key))
		}
		return w.applyManaged(ctx, r, ch, x.repetition(i.key))
	}}
	s.need(provider)
	g.creations[i] = s
	switch ch.action {
	case DeleteThenCreate:
		g.ends[i] = &ending{deletion(""), false}
		s.need(g.ends[i].step)
	case CreateThenDelete:
		g.ends[i] = &ending{deletion(deposedName), true}
		g.ends[i].step.need(s)
	}
	return nil
}

// orderEnds defines the order of the deletions by the dependencies in the state,
// because the configuration may no longer have them.
func (g *graph) orderEnds(w *walk) {
	needs := func(i instance) []address {
		if st := w.state.object(i); st != nil && i.mode == managed {
			return st.dependencies
		}
		return w.dependencies(i.address)
	}
	for i, s := range g.creations {
		for _, a := range needs(i) {
			for j, end := range g.ends {
				switch {
				case j.address != a:
				case end.later:
					end.step.need(s)
				default:
					s.need(end.step)
				}
			}
		}
	}
	for i, end := range g.ends {
		for _, a := range needs(i) {
			for j, other := range g.ends {
				if j.address == a {
					other.step.need(end.step)
				}
			}
			for j, s := range g.creations {
				switch {
				case j.address != a:
				case end.later:
					end.step.need(s)
				default:
					s.need(end.step)
				}
			}
		}
	}
}
