// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"slices"
	"strings"
)

// step is a part of a command. It may have to wait for other steps.
type step struct {
	name  string
	after []*step
	run   func(context.Context) Diagnostics

	found  Diagnostics
	failed bool // or skipped
	done   chan struct{}
}

// need makes a step wait for other steps.
func (s *step) need(others ...*step) {
	for _, other := range others {
		if other != nil && other != s {
			s.after = append(s.after, other)
		}
	}
}

// runSteps runs each step when all steps that it needs are done. If a step fails,
// those that need it are skipped, and the others continue.
func runSteps(ctx context.Context, steps []*step, parallelism int) Diagnostics {
	if cycle := findCycle(steps); cycle != nil {
		return Diagnostics{problem("Cycle", "Cycle: %s", strings.Join(cycle, ", "))}
	}
	for _, s := range steps {
		s.done = make(chan struct{})
	}
	for _, s := range steps {
		for _, other := range s.after {
			if other.done == nil {
				panic(s.name + " waits for " + other.name + ", which nothing runs")
			}
		}
	}
	if parallelism == 1 {
		runInOrder(ctx, steps)
	} else {
		for _, s := range steps {
			go s.runAfterOthers(ctx)
		}
	}
	var all Diagnostics
	for _, s := range steps {
		<-s.done
		all = append(all, s.found...)
	}
	return all
}

// runInOrder runs one step at a time, always the first that is ready, so that the
// order is the same in each run.
func runInOrder(ctx context.Context, steps []*step) {
	left := slices.Clone(steps)
	for len(left) > 0 {
		n := slices.IndexFunc(left, func(s *step) bool {
			return !slices.ContainsFunc(s.after, func(other *step) bool { return slices.Contains(left, other) })
		})
		left[n].runAfterOthers(ctx)
		left = slices.Delete(left, n, n+1)
	}
}

// runAfterOthers runs the step when all steps that it needs are done, unless one of
// them has failed.
func (s *step) runAfterOthers(ctx context.Context) {
	defer close(s.done)
	for _, other := range s.after {
		<-other.done
		s.failed = s.failed || other.failed
	}
	if s.failed {
		return
	}
	if ctx.Err() != nil {
		s.failed, s.found = true, Diagnostics{problem("Operation canceled", "%s was not begun, because the command was interrupted.", s.name)}
		return
	}
	s.found = s.run(ctx)
	s.failed = s.found.HasErrors()
}

// findCycle returns the names of steps that wait for each other.
func findCycle(steps []*step) []string {
	const visiting, visited = 1, 2
	state := map[*step]int{}
	var path []string
	var visit func(s *step) bool
	visit = func(s *step) bool {
		switch state[s] {
		case visiting:
			path = path[slices.Index(path, s.name):]
			return true
		case visited:
			return false
		}
		state[s], path = visiting, append(path, s.name)
		if slices.ContainsFunc(s.after, visit) {
			return true
		}
		state[s], path = visited, path[:len(path)-1]
		return false
	}
	for _, s := range steps {
		if visit(s) {
			return path
		}
	}
	return nil
}
