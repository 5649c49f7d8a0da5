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

// Batcher combines concurrent requests of several callers into one call. One call is
// in progress at a time, unless it takes longer than Overtake; requests that arrive
// meanwhile share the next one. No caller gets the result of a call that began before
// its request.
type Batcher[Item comparable, Result any] struct {
	MaxItems int           // maximum number of items in a call
	Linger   time.Duration // how long the first caller waits for others
	Timeout  time.Duration // maximum duration of a call
	Call     func(ctx context.Context, items []Item) (Result, error)

	// SeriesLinger is how long every call waits for more callers during a series of
	// concurrent callers. These callers wait for the same program, such as Terraform,
	// which starts the next request when another has its result, and may itself be
	// slow. A call that Enough callers share does not wait any longer. 0: only the
	// first call waits, for Linger.
	SeriesLinger time.Duration
	Enough       int
	// OvertakeAfter is how long a call may delay the next one; 0: 250 ms.
	OvertakeAfter time.Duration

	mu      sync.Mutex
	queue   []*batch[Item, Result] // calls that have not begun; further callers join the last
	running bool
	callers int  // number of callers in Do
	series  bool // recent callers were concurrent
	singles int  // number of consecutive calls with a single caller in a series
}

// batch is one call with the callers that wait for it.
type batch[Item comparable, Result any] struct {
	ctx     context.Context // context of the first caller, for its values
	items   []Item
	callers int
	enough  chan struct{} // closed when Enough callers share it

	done   chan struct{}
	result Result
	err    error
}

// seriesEnd is the number of consecutive calls with a single caller that ends a
// series.
const seriesEnd = 3

// defaultOvertakeAfter is the default of OvertakeAfter.
const defaultOvertakeAfter = 250 * time.Millisecond

// Do returns the result of a call for the items and possibly those of other callers, in
// which case shared is true. Callers share the result and must not change it. There
// must be at most MaxItems items, all different. If ctx ends first, Do returns its error,
// and the call continues.
func (g *Batcher[Item, Result]) Do(ctx context.Context, items ...Item) (result Result, shared bool, err error) {
	call := g.join(ctx, items)
	defer g.leave()
	select {
	case <-call.done:
		return call.result, call.callers > 1, call.err
	case <-ctx.Done():
		return result, false, ctx.Err()
	}
}

// join adds the items to a call that has not begun, and returns the call.
func (g *Batcher[Item, Result]) join(ctx context.Context, items []Item) *batch[Item, Result] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.callers++; g.callers > 1 {
		g.series, g.singles = true, 0
	}
	if n := len(g.queue); n > 0 {
		last := g.queue[n-1]
		if more := missing(last.items, items); len(last.items)+len(more) <= g.MaxItems {
			last.items = append(last.items, more...)
			if last.callers++; last.callers == g.Enough {
				close(last.enough)
			}
			return last
		}
	}
	call := &batch[Item, Result]{
		ctx: ctx, items: slices.Clone(items), callers: 1, enough: make(chan struct{}), done: make(chan struct{}),
	}
	g.queue = append(g.queue, call)
	if !g.running {
		g.running = true
		go g.run()
	}
	return call
}

// missing returns the items that are not in present.
func missing[Item comparable](present, items []Item) []Item {
	var more []Item
	for _, item := range items {
		if !slices.Contains(present, item) {
			more = append(more, item)
		}
	}
	return more
}

func (g *Batcher[Item, Result]) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.callers--
}

// run makes the calls in order, until none is waiting.
func (g *Batcher[Item, Result]) run() {
	for first := true; ; first = false {
		if !g.linger(first) {
			return
		}
		call := g.next()
		go g.make(call)
		select {
		case <-call.done:
		case <-time.After(cmp.Or(g.OvertakeAfter, defaultOvertakeAfter)):
		}
	}
}

// linger waits for more callers to share the next call. It returns false if no call is
// waiting.
func (g *Batcher[Item, Result]) linger(first bool) bool {
	g.mu.Lock()
	if len(g.queue) == 0 {
		g.running = false
		g.mu.Unlock()
		return false
	}
	next, wait := g.queue[0], time.Duration(0)
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

// next removes the next call from the line and returns it.
func (g *Batcher[Item, Result]) next() *batch[Item, Result] {
	g.mu.Lock()
	defer g.mu.Unlock()
	call := g.queue[0]
	g.queue = g.queue[1:]
	if call.callers > 1 {
		g.singles = 0
	} else if g.singles++; g.singles == seriesEnd {
		g.series, g.singles = false, 0
	}
	return call
}

// make makes one call. The call continues if the first caller's context ends, because
// others may wait for the result.
func (g *Batcher[Item, Result]) make(call *batch[Item, Result]) {
	defer close(call.done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(call.ctx), g.Timeout)
	defer cancel()
	call.result, call.err = g.Call(ctx, call.items)
}
