// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Gatherer combines requests that several callers make at about the same time into
// one call. One call is under way at a time; requests that come meanwhile go into
// the next one. No caller gets the result of a call that began before its request.
type Gatherer[Item comparable, Result any] struct {
	Most   int           // items in one call
	Linger time.Duration // how long the first caller waits for others
	Limit  time.Duration // of a call
	Call   func(ctx context.Context, items []Item) (Result, error)

	mu      sync.Mutex
	line    []*gathering[Item, Result] // the last one takes further callers
	running bool
}

// gathering is one call, with those who wait for it.
type gathering[Item comparable, Result any] struct {
	ctx     context.Context // the first caller's, for its values
	items   []Item
	callers int

	done   chan struct{}
	result Result
	err    error
}

// overtakeAfter is how long a call may keep the next one waiting.
const overtakeAfter = 250 * time.Millisecond

// Do returns the result of a call that asks for the items, and perhaps for those
// of other callers; shared reports that. Callers share the result, and must not change
// it. There are at most Most items, all different.
func (g *Gatherer[Item, Result]) Do(ctx context.Context, items ...Item) (result Result, shared bool, err error) {
	call := g.join(ctx, items)
	select {
	case <-call.done:
		return call.result, call.callers > 1, call.err
	case <-ctx.Done():
		return result, false, ctx.Err()
	}
}

// join adds the items to a call that has not begun.
func (g *Gatherer[Item, Result]) join(ctx context.Context, items []Item) *gathering[Item, Result] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := len(g.line); n > 0 {
		last := g.line[n-1]
		if more := missing(last.items, items); len(last.items)+len(more) <= g.Most {
			last.items = append(last.items, more...)
			last.callers++
			return last
		}
	}
	call := &gathering[Item, Result]{ctx: ctx, items: slices.Clone(items), callers: 1, done: make(chan struct{})}
	g.line = append(g.line, call)
	if !g.running {
		g.running = true
		go g.run()
	}
	return call
}

// missing returns the items that are not among those there.
func missing[Item comparable](there, items []Item) []Item {
	var more []Item
	for _, item := range items {
		if !slices.Contains(there, item) {
			more = append(more, item)
		}
	}
	return more
}

// run makes the calls, one after the other, until nothing is asked for.
func (g *Gatherer[Item, Result]) run() {
	time.Sleep(g.Linger)
	for {
		call := g.next()
		if call == nil {
			return
		}
		go g.make(call)
		select {
		case <-call.done:
		case <-time.After(overtakeAfter):
		}
	}
}

func (g *Gatherer[Item, Result]) next() *gathering[Item, Result] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.line) == 0 {
		g.running = false
		return nil
	}
	call := g.line[0]
	g.line = g.line[1:]
	return call
}

// make makes one call. It goes on if the caller leaves whose items were the
// first, because others may wait for it.
func (g *Gatherer[Item, Result]) make(call *gathering[Item, Result]) {
	defer close(call.done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(call.ctx), g.Limit)
	defer cancel()
	call.result, call.err = g.Call(ctx, call.items)
}
