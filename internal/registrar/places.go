// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"sync"
	"time"
)

// places are the workers' places: a message that is being worked on has one, and
// so has each message that a receive may bring. A message that no worker could
// begin with stays in the queue, where another registrar may get it.
//
// A message that waits for a proof's turn gives its place up, and has it back
// afterwards even if all are taken. So there may be more messages at once than
// there are places, by as many as there are proofs at once.
type places struct {
	limit int

	mu    sync.Mutex
	taken int
	freed chan struct{} // has an element if a place has become free
}

func newPlaces(limit int) *places { return &places{limit: limit, freed: make(chan struct{}, 1)} }

// mostAtOnce is how many messages SQS gives at once (aws-facts 6).
const mostAtOnce = 10

// aMoment is how long a receive waits, while there is a place, for others to
// become free, so that it need not be made for one message.
const aMoment = 50 * time.Millisecond

// take waits for a free place, and for a moment until there are enough, and takes
// as many as there are for one receive; 0 if the context has ended.
func (p *places) take(ctx context.Context, enough int) int {
	var over <-chan time.Time
	for {
		switch free := p.free(); {
		case ctx.Err() != nil:
			return 0
		case free >= enough:
			return p.add(min(free, mostAtOnce))
		case free > 0 && over == nil:
			timer := time.NewTimer(aMoment)
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-p.freed:
		case <-over:
			enough, over = 1, nil
		case <-ctx.Done():
			return 0
		}
	}
}

func (p *places) free() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit - p.taken
}

func (p *places) add(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken += n
	return n
}

func (p *places) give(n int) {
	p.add(-n)
	select {
	case p.freed <- struct{}{}:
	default: // it will look anyway
	}
}

// enough returns how many places are worth a receive after one that brought all that
// it had asked for: more will be waiting.
func (p *places) enough() int { return max(1, min(p.limit/4, mostAtOnce)) }

// seat is the place of one message; without places it is none, and gives none up.
type seat struct{ of *places }

func (s seat) leave() {
	if s.of != nil {
		s.of.give(1)
	}
}

func (s seat) comeBack() {
	if s.of != nil {
		s.of.add(1)
	}
}
