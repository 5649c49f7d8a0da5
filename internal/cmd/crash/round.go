// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// baseline is the result of the run without a crash: the calls of each step, and the
// snapshot after it.
type baseline struct {
	steps []stepBaseline
}

type stepBaseline struct {
	calls []call
	end   snapshot
}

// runBaseline runs all steps without a crash, and returns an error if a plan after
// one of them is not empty.
func runBaseline(ctx context.Context, p programs, dir string) (baseline, error) {
	s, err := newStage(p, dir)
	if err != nil {
		return baseline{}, err
	}
	defer s.close()
	var found baseline
	for _, a := range steps {
		t := &trap{step: a.name}
		end, err := s.runStep(ctx, a, t)
		if err == nil && !a.destroy {
			err = s.EmptyPlan(ctx)
		}
		if err != nil {
			return baseline{}, fmt.Errorf("step %q: %w", a.name, err)
		}
		found.steps = append(found.steps, stepBaseline{calls: t.calls, end: end})
	}
	return found, nil
}

// runStep runs a step and returns the snapshot after it. If the trap crashes the
// provider, the step is run again.
func (s *stage) runStep(ctx context.Context, a step, t *trap) (snapshot, error) {
	if a.before != nil {
		if err := a.before(ctx, s); err != nil {
			return nil, err
		}
	}
	running, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	err := s.runEngine(running, a, t)
	if err != nil {
		return nil, err
	}
	if t.triggered {
		// Messages that the killed process had received become visible again
		// after their timeout.
		s.box.Clock().Advance(visibility + time.Second)
		next := s.rerun
		if t.at.at == giveUp {
			next = s.abandon
		}
		if err := next(running, a); err != nil {
			return nil, fmt.Errorf("the next run fails: %w", err)
		}
		if t.at.at == giveUp {
			a = steps[len(steps)-1]
		}
	}
	if a.after != nil {
		if err := a.after(ctx, s); err != nil {
			return nil, err
		}
	}
	return s.snapshot(ctx)
}

// rerun runs a step again after a crash.
func (s *stage) rerun(ctx context.Context, a step) error {
	return s.runEngine(ctx, a, &trap{step: a.name})
}

// abandon destroys everything after a step that was interrupted. A link that the step
// created but that is in no state prevents the hub's deletion: a hub with an open
// link is not deleted, because the link may belong to another state. The error must
// name the link and what to do; abandon does that, and then the destroy must succeed.
func (s *stage) abandon(ctx context.Context, a step) error {
	last := steps[len(steps)-1]
	err := s.rerun(ctx, last)
	if err == nil || !keptByALink(err) {
		return err
	}
	if err := s.rerun(ctx, a); err != nil {
		return err
	}
	return s.rerun(ctx, last)
}

// keptByALink reports whether a destroy was refused because of the link of the only
// customer that the step adds, with the advice to apply again.
func keptByALink(err error) bool {
	words := strings.Join(strings.Fields(err.Error()), " ")
	return strings.Contains(words, "apply the same configuration again and destroy then") && strings.HasSuffix(words, "has 1 open link, whose customer may launch at any moment: initech")
}

// visibility is how long a received message is invisible to others.
const visibility = 2 * time.Minute

// round has at most one crash for each step; nil if a step has no crash left.
type round []*point

// rounds returns rounds with all points: the n-th round has each step's n-th point.
func (b baseline) rounds(o options) []round {
	var dealt, last []round // a round ends with a step in which the user gives up
	for n, line := range b.steps {
		i := 0
		for k, p := range line.points() {
			if k%o.every != 0 || !strings.Contains(p.String(), o.only) {
				continue
			}
			if p.at == giveUp {
				r := make(round, len(steps))
				r[n] = &p
				last = append(last, r)
				continue
			}
			if i == len(dealt) {
				dealt = append(dealt, make(round, len(steps)))
			}
			dealt[i][n] = &p
			i++
		}
	}
	return append(dealt, last...)
}

func (l stepBaseline) points() []point {
	var points []point
	for _, c := range l.calls {
		for _, at := range c.moments() {
			points = append(points, point{c, at})
		}
	}
	return points
}

func crashesIn(rounds []round) int {
	n := 0
	for _, r := range rounds {
		for _, p := range r {
			if p != nil {
				n++
			}
		}
	}
	return n
}

// result is the outcome of one crash.
type result struct {
	point
	missed bool  // the call was not made this time
	err    error // a broken promise
}

// runRounds runs all rounds, several in parallel, and returns the results of all
// crashes.
func runRounds(ctx context.Context, p programs, s baseline, rounds []round, dir string, workers int) []result {
	var (
		mu       sync.Mutex
		results  []result
		finished int
		done     sync.WaitGroup
		slots    = make(chan struct{}, workers)
	)
	for n, r := range rounds {
		slots <- struct{}{}
		done.Go(func() {
			defer func() { <-slots }()
			found := r.run(ctx, p, s, filepath.Join(dir, fmt.Sprintf("round-%d", n)))
			mu.Lock()
			defer mu.Unlock()
			results = append(results, found...)
			if finished++; finished%20 == 0 {
				fmt.Fprintf(os.Stderr, "%d of %d rounds finished\n", finished, len(rounds))
			}
		})
	}
	done.Wait()
	return results
}

// errNotReached is the result of crashes that come after a broken promise.
var errNotReached = errors.New("an earlier step of the same round failed")

// run runs one round, up to the last step that has a crash in it.
func (r round) run(ctx context.Context, p programs, s baseline, dir string) []result {
	var results []result
	st, err := newStage(p, dir)
	if err == nil {
		defer st.close()
	}
	last := len(r) - 1
	for last >= 0 && r[last] == nil {
		last--
	}
	for n, a := range steps[:last+1] {
		if ctx.Err() != nil {
			return results
		}
		t := &trap{step: a.name, at: r[n]}
		var failed error
		if err == nil {
			var end snapshot
			if end, err = st.runStep(ctx, a, t); err == nil && (t.at == nil || t.at.at != giveUp) {
				err = end.differs(s.steps[n].end)
			}
			failed = err
		} else {
			failed = fmt.Errorf("%w: %w", errNotReached, err)
		}
		if r[n] != nil {
			results = append(results, result{point: *r[n], missed: failed == nil && !t.triggered, err: failed})
		} else if failed != nil && !errors.Is(failed, errNotReached) {
			// The cause is what an earlier step left behind, so it counts
			// against that step.
			results = append(results, result{point: point{call{step: a.name, kind: "no crash in this step"}, ""}, err: failed})
		}
	}
	return results
}
