// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/e2e"
)

var _ e2e.T = (*stage)(nil)

// stage is what a story is played on where no test is.
type stage struct {
	ctx context.Context

	mu       sync.Mutex
	problems []string
	cleanups []func()
}

// fatal ends a story.
type fatal string

func (f fatal) Error() string { return string(f) }

func (s *stage) Helper() {}

func (s *stage) Context() context.Context { return s.ctx }

func (s *stage) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

// Errorf may be called from anywhere.
func (s *stage) Errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// Fatalf is called by whoever plays the story.
func (s *stage) Fatalf(format string, args ...any) { panic(fatal(fmt.Sprintf(format, args...))) }

// clear takes everything down, the last first.
func (s *stage) clear() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}
