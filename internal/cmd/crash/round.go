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

// script is the result of the rehearsal: the calls of each act, and the world
// after it.
type script struct {
	lines []scene
}

type scene struct {
	calls []call
	end   world
}

// rehearse plays all acts without a crash, and verifies that nothing is left to
// do after each.
func rehearse(ctx context.Context, p programs, dir string) (script, error) {
	s, err := newStage(p, dir)
	if err != nil {
		return script{}, err
	}
	defer s.close()
	var found script
	for _, a := range acts {
		t := &trap{act: a.name}
		end, err := s.play(ctx, a, t)
		if err == nil && !a.destroy {
			err = s.EmptyPlan(ctx)
		}
		if err != nil {
			return script{}, fmt.Errorf("act %q: %w", a.name, err)
		}
		found.lines = append(found.lines, scene{calls: t.calls, end: end})
	}
	return found, nil
}

// play performs an act from its beginning to its end: without a crash once, or,
// with a trap that springs, once until it does and then once more.
func (s *stage) play(ctx context.Context, a act, t *trap) (world, error) {
	if a.before != nil {
		if err := a.before(ctx, s); err != nil {
			return nil, err
		}
	}
	running, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.perform(running, a, t)
	if err != nil {
		return nil, err
	}
	if t.sprung {
		// Messages that the killed process had received become visible again
		// after their timeout.
		s.box.Clock().Advance(visibility + time.Second)
		next := s.again
		if t.at.at == giveUp {
			next = s.abandon
		}
		if err := next(running, a); err != nil {
			return nil, fmt.Errorf("the next run fails: %w", err)
		}
		if t.at.at == giveUp {
			a = acts[len(acts)-1]
		}
	}
	if a.after != nil {
		if err := a.after(ctx, s); err != nil {
			return nil, err
		}
	}
	return s.look(ctx)
}

// again performs an act whose run was interrupted once more.
func (s *stage) again(ctx context.Context, a act) error {
	return s.perform(ctx, a, &trap{act: a.name})
}

// abandon destroys everything after an act that was interrupted. A link that was
// created then, and is in no state, keeps its hub alive: a hub ends only when no open
// link is left in it, because the link may be another state's. The refusal has to
// name the link and what to do; that is done, and must suffice.
func (s *stage) abandon(ctx context.Context, a act) error {
	last := acts[len(acts)-1]
	err := s.again(ctx, last)
	if err == nil || !keptByALink(err) {
		return err
	}
	if err := s.again(ctx, a); err != nil {
		return err
	}
	return s.again(ctx, last)
}

// keptByALink reports whether a destroy was refused for the link of the one customer
// who is new in the act, with the advice to apply again.
func keptByALink(err error) bool {
	words := strings.Join(strings.Fields(err.Error()), " ")
	return strings.Contains(words, "apply the same configuration again and destroy then") && strings.HasSuffix(words, "has 1 open link, whose customer may launch at any moment: initech")
}

// visibility is how long a received message is invisible to others.
const visibility = 2 * time.Minute

// round has at most one crash for each act; nil if an act has no crash left.
type round []*point

// rounds distributes all points to rounds: the n-th round has each act's n-th
// point.
func (s script) rounds(o options) []round {
	var dealt, last []round // a round ends with an act in which the user gives up
	for n, line := range s.lines {
		i := 0
		for k, p := range line.points() {
			if k%o.every != 0 || !strings.Contains(p.String(), o.only) {
				continue
			}
			if p.at == giveUp {
				r := make(round, len(acts))
				r[n] = &p
				last = append(last, r)
				continue
			}
			if i == len(dealt) {
				dealt = append(dealt, make(round, len(acts)))
			}
			dealt[i][n] = &p
			i++
		}
	}
	return append(dealt, last...)
}

func (l scene) points() []point {
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

// play plays all rounds, several in parallel.
func play(ctx context.Context, p programs, s script, rounds []round, dir string, workers int) []result {
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
			found := r.play(ctx, p, s, filepath.Join(dir, fmt.Sprintf("round-%d", n)))
			mu.Lock()
			defer mu.Unlock()
			results = append(results, found...)
			if finished++; finished%20 == 0 {
				fmt.Fprintf(os.Stderr, "%d of %d rounds played\n", finished, len(rounds))
			}
		})
	}
	done.Wait()
	return results
}

// errNotReached is the result of crashes that come after a broken promise.
var errNotReached = errors.New("an earlier act of the same round failed")

// play plays one round, up to the last act that has a crash in it.
func (r round) play(ctx context.Context, p programs, s script, dir string) []result {
	var results []result
	st, err := newStage(p, dir)
	if err == nil {
		defer st.close()
	}
	last := len(r) - 1
	for last >= 0 && r[last] == nil {
		last--
	}
	for n, a := range acts[:last+1] {
		if ctx.Err() != nil {
			return results
		}
		t := &trap{act: a.name, at: r[n]}
		var failed error
		if err == nil {
			var end world
			if end, err = st.play(ctx, a, t); err == nil && (t.at == nil || t.at.at != giveUp) {
				err = end.differs(s.lines[n].end)
			}
			failed = err
		} else {
			failed = fmt.Errorf("%w: %w", errNotReached, err)
		}
		if r[n] != nil {
			results = append(results, result{point: *r[n], missed: failed == nil && !t.sprung, err: failed})
		} else if failed != nil && !errors.Is(failed, errNotReached) {
			// The cause is what an earlier act left behind, so it counts
			// against that act.
			results = append(results, result{point: point{call{act: a.name, kind: "no crash in this act"}, ""}, err: failed})
		}
	}
	return results
}
