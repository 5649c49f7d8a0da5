// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hubview

import (
	"context"
	"errors"
	"sync"
	"time"
)

// shared is a value that many resources want at the same time. One of them reads it
// for all: the others wait, and then use the value until it is older than its maximum
// age.
type shared[T any] struct {
	now    func() time.Time
	maxAge time.Duration
	read   func(context.Context) (T, error)

	mu      sync.Mutex
	value   T
	err     error
	readAt  time.Time     // zero: there is no value
	reading chan struct{} // closed when the current read ends; nil: no read is running
	stale   bool          // forget was called during the current read
}

// get returns the value, read at most maxAge ago. An error is returned to all callers
// that waited for the same read, and is not kept for later calls.
func (s *shared[T]) get(ctx context.Context) (T, error) {
	for {
		s.mu.Lock()
		if !s.readAt.IsZero() && s.now().Sub(s.readAt) < s.maxAge {
			defer s.mu.Unlock()
			return s.value, nil
		}
		under := s.reading
		if under == nil {
			s.reading = make(chan struct{})
			s.mu.Unlock()
			return s.fetch(ctx)
		}
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		case <-under:
		}
		s.mu.Lock()
		err := s.err
		s.mu.Unlock()
		// The caller that read may have been cancelled, which must not affect this
		// one.
		if err != nil && !errors.Is(err, context.Canceled) {
			var none T
			return none, err
		}
	}
}

func (s *shared[T]) fetch(ctx context.Context) (T, error) {
	started := s.now()
	value, err := s.read(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.reading)
	s.reading = nil
	stale := s.stale
	s.err, s.stale = err, false
	if err != nil || stale {
		return value, err // callers that waited read again
	}
	if started.After(s.readAt) {
		s.value, s.readAt = value, started
	}
	return s.value, nil
}

// at returns when the value was read; zero if there is none.
func (s *shared[T]) at() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readAt
}

// fresh reports whether get would return without reading.
func (s *shared[T]) fresh() bool {
	at := s.at()
	return !at.IsZero() && s.now().Sub(at) < s.maxAge
}

// put stores a value that was read elsewhere, at readAt.
func (s *shared[T]) put(value T, readAt time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if readAt.After(s.readAt) {
		s.value, s.readAt = value, readAt
	}
}

// forget makes the next get read again, even if a read is running now: that one may
// have missed what the caller has learned of.
func (s *shared[T]) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readAt, s.stale = time.Time{}, s.reading != nil
}
