// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"cmp"
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

	// SeriesLinger is how long every call waits for others while callers have been
	// coming at the same time: they wait for the same program, which starts the next
	// one when another has its result, and which may be slow itself. Once Enough
	// callers share a call, it waits no longer. Zero: only the first one waits.
	SeriesLinger time.Duration
	Enough       int
	// Overtake is how long a call may keep the next one waiting; zero: 250 ms.
	Overtake time.Duration

	mu      sync.Mutex
	line    []*gathering[Item, Result] // the last one takes further callers
	running bool
	inside  int  // callers in Do
	series  bool // callers have been coming at the same time
	alone   int  // calls in a row that had one caller, in a series
}

// gathering is one call, with those who wait for it.
type gathering[Item comparable, Result any] struct {
	ctx     context.Context // the first caller's, for its values
	items   []Item
	callers int
	enough  chan struct{} // closed when Enough callers share it

	done   chan struct{}
	result Result
	err    error
}

// endsSeries is how many calls in a row end a series if each has one caller.
const endsSeries = 3

// overtakeAfter is how long a call may keep the next one waiting, if nothing else
// is said.
const overtakeAfter = 250 * time.Millisecond

// Do returns the result of a call that asks for the items, and perhaps for those
// of other callers; shared reports that. Callers share the result, and must not change
// it. There are at most Most items, all different.
func (g *Gatherer[Item, Result]) Do(ctx context.Context, items ...Item) (result Result, shared bool, err error) {
	call := g.join(ctx, items)
	defer g.leave()
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
	if g.inside++; g.inside > 1 {
		g.series, g.alone = true, 0
	}
	if n := len(g.line); n > 0 {
		last := g.line[n-1]
		if more := missing(last.items, items); len(last.items)+len(more) <= g.Most {
			last.items = append(last.items, more...)
			if last.callers++; last.callers == g.Enough {
				close(last.enough)
			}
			return last
		}
	}
	call := &gathering[Item, Result]{
		ctx: ctx, items: slices.Clone(items), callers: 1, enough: make(chan struct{}), done: make(chan struct{}),
	}
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

func (g *Gatherer[Item, Result]) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
}

// run makes the calls, one after the other, until nothing is asked for.
func (g *Gatherer[Item, Result]) run() {
	for first := true; ; first = false {
		if !g.linger(first) {
			return
		}
		call := g.next()
		go g.make(call)
		select {
		case <-call.done:
		case <-time.After(cmp.Or(g.Overtake, overtakeAfter)):
		}
	}
}

// linger waits for callers to share the next call; false if there is none.
func (g *Gatherer[Item, Result]) linger(first bool) bool {
	g.mu.Lock()
	if len(g.line) == 0 {
		g.running = false
		g.mu.Unlock()
		return false
	}
	next, wait := g.line[0], time.Duration(0)
	if first {
		wait = g.Linger
	}
	if g.series && g.SeriesLinger > 0 {
		wait = g.SeriesLinger
	}
	g.mu.Unlock()
	select {
	case <-next.enough:
	case <-time.After(wait):
	}
	return true
}

// next takes the next call out of the line.
func (g *Gatherer[Item, Result]) next() *gathering[Item, Result] {
	g.mu.Lock()
	defer g.mu.Unlock()
	call := g.line[0]
	g.line = g.line[1:]
	if call.callers > 1 {
		g.alone = 0
	} else if g.alone++; g.alone == endsSeries {
		g.series, g.alone = false, 0
	}
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
