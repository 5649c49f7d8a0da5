// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"sync"
	"time"
)

// workerSlots counts the workers' slots. A message that is being handled occupies one,
// and so does each message that a receive in progress may return. A message that no
// worker could handle at once therefore stays in the queue, where another registrar may
// receive it.
//
// A message that waits for its proof to begin gives up its slot, and takes it back
// afterwards even if all are taken. So there may be more messages in handling than
// the limit, by at most the number of proofs that may run at the same time.
type workerSlots struct {
	limit int

	mu    sync.Mutex
	taken int
	freed chan struct{} // has an element if a slot has become free
}

// newWorkerSlots returns limit free slots.
func newWorkerSlots(limit int) *workerSlots {
	return &workerSlots{limit: limit, freed: make(chan struct{}, 1)}
}

// maxReceive is the maximum number of messages in one SQS batch (aws-facts 6).
const maxReceive = 10

// receiveLinger is how long acquire waits for more slots once one is free, so that a
// receive is not made for a single message.
const receiveLinger = 50 * time.Millisecond

// acquire waits for a free slot, and then up to receiveLinger until enough are free. It
// takes the free slots, at most as many as one receive returns messages, and returns
// their number; 0 if ctx is done.
func (s *workerSlots) acquire(ctx context.Context, enough int) int {
	var over <-chan time.Time
	for {
		switch free := s.free(); {
		case ctx.Err() != nil:
			return 0
		case free >= enough:
			return s.add(min(free, maxReceive))
		case free > 0 && over == nil:
			timer := time.NewTimer(receiveLinger)
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-s.freed:
		case <-over:
			enough, over = 1, nil
		case <-ctx.Done():
			return 0
		}
	}
}

// free returns the number of free slots; it is negative if messages took slots back
// over the limit.
func (s *workerSlots) free() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limit - s.taken
}

// add takes n slots, or frees -n, and returns n.
func (s *workerSlots) add(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken += n
	return n
}

// release frees n slots.
func (s *workerSlots) release(n int) {
	s.add(-n)
	select {
	case s.freed <- struct{}{}:
	default: // acquire is going to check the number anyway
	}
}

// enough returns the number of free slots to wait for after a receive that returned
// as many messages as it asked for, because more are probably in the queue.
func (s *workerSlots) enough() int { return max(1, min(s.limit/4, maxReceive)) }

// workerSlot is the slot of one message. The zero value has no slot, and its methods do
// nothing.
type workerSlot struct{ of *workerSlots }

// release frees the slot.
func (s workerSlot) release() {
	if s.of != nil {
		s.of.release(1)
	}
}

// reclaim takes the slot again, even if all are taken.
func (s workerSlot) reclaim() {
	if s.of != nil {
		s.of.add(1)
	}
}
