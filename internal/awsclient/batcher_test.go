// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recorder records calls, each of which takes a second.
type recorder struct {
	mu    sync.Mutex
	calls [][]string
	fails error
}

func (r *recorder) call(ctx context.Context, items []string) (map[string]string, error) {
	r.mu.Lock()
	r.calls = append(r.calls, slices.Sorted(slices.Values(items)))
	r.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	answer := map[string]string{}
	for _, item := range items {
		answer[item] = "of " + item
	}
	return answer, r.fails
}

func TestConcurrentCallersShareACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		g := &Batcher[string, map[string]string]{MaxItems: 3, Linger: time.Millisecond, Timeout: time.Minute, Call: r.call}
		ask := func(items ...string) {
			answer, _, err := g.Do(t.Context(), items...)
			for _, item := range items {
				if err != nil || answer[item] != "of "+item {
					t.Errorf("%s: %q, %v", item, answer[item], err)
				}
			}
		}
		var callers sync.WaitGroup
		for _, items := range [][]string{{"hub", "a"}, {"hub", "b"}} {
			callers.Go(func() { ask(items...) })
		}
		time.Sleep(defaultOvertakeAfter / 2) // the first call is running
		for _, items := range [][]string{{"hub", "a"}, {"c"}, {"d"}} {
			callers.Go(func() { ask(items...) })
			synctest.Wait() // so that they come in this order
		}
		callers.Wait()
		want := "[[a b hub] [a c hub] [d]]"
		if got := fmt.Sprint(r.calls); got != want {
			t.Errorf("the calls are %s, want %s", got, want)
		}
	})
}

func TestASlowCallDelaysTheNextOneForALimitedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		g := &Batcher[string, map[string]string]{MaxItems: 10, Timeout: time.Minute, Call: r.call}
		begun := time.Now()
		var callers sync.WaitGroup
		callers.Go(func() { _, _, _ = g.Do(t.Context(), "slow") })
		synctest.Wait()
		_, shared, err := g.Do(t.Context(), "next")
		if took := time.Since(begun); took != defaultOvertakeAfter+time.Second || shared || err != nil {
			t.Errorf("it took %s, shared: %t, %v", took, shared, err)
		}
		callers.Wait()
		synctest.Wait()
		time.Sleep(defaultOvertakeAfter) // until the goroutine ends
	})
}

func TestACanceledCallerDoesNotCancelTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recorder{fails: errors.New("the table is unavailable")}
		g := &Batcher[string, map[string]string]{MaxItems: 10, Linger: time.Second, Timeout: time.Minute, Call: r.call}
		leaving, leave := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, _, err := g.Do(leaving, "a"); !errors.Is(err, context.Canceled) {
				t.Errorf("the canceled caller: %v", err)
			}
		})
		callers.Go(func() {
			answer, shared, err := g.Do(t.Context(), "b")
			if answer["b"] == "" || !shared || !errors.Is(err, r.fails) {
				t.Errorf("the other caller: %v, shared: %t, %v", answer, shared, err)
			}
		})
		time.Sleep(time.Millisecond)
		leave()
		callers.Wait()
		if len(r.calls) != 1 {
			t.Errorf("the calls are %v", r.calls)
		}
	})
}

// Callers come one after another at intervals, because the program that they wait for is slow.
func TestInASeriesEveryCallWaitsForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sizes []int
		g := &Batcher[int, struct{}]{
			MaxItems: 10, Linger: 20 * time.Millisecond, SeriesLinger: 300 * time.Millisecond, Enough: 3, Timeout: time.Minute,
			Call: func(_ context.Context, items []int) (struct{}, error) {
				mu.Lock()
				defer mu.Unlock()
				sizes = append(sizes, len(items))
				return struct{}{}, nil
			},
		}
		ask := func(item int) (took time.Duration) {
			begun := time.Now()
			_, _, _ = g.Do(t.Context(), item)
			return time.Since(begun)
		}
		var callers sync.WaitGroup
		for n := range 14 {
			callers.Go(func() { ask(n) })
			if n > 1 { // the first two come together and start a series
				time.Sleep(100 * time.Millisecond)
			}
		}
		callers.Wait()
		if got, want := fmt.Sprint(sizes), "[3 3 3 3 2]"; got != want {
			t.Errorf("the calls have %s items, want %s", got, want)
		}
		for n := range seriesEnd { // one caller at a time
			if took := ask(20 + n); took != 300*time.Millisecond {
				t.Errorf("caller %d waited for %s", n, took)
			}
			synctest.Wait()
		}
		if took := ask(30); took != 20*time.Millisecond {
			t.Errorf("the series has ended, and a caller waited for %s", took)
		}
	})
}

func TestSingleCallersAreNotASeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Batcher[int, struct{}]{
			MaxItems: 10, Linger: 20 * time.Millisecond, SeriesLinger: time.Second, Enough: 3, Timeout: time.Minute,
			Call: func(context.Context, []int) (struct{}, error) { return struct{}{}, nil },
		}
		for n := range 10 {
			begun := time.Now()
			if _, _, err := g.Do(t.Context(), n); err != nil || time.Since(begun) != 20*time.Millisecond {
				t.Errorf("caller %d waited for %s, %v", n, time.Since(begun), err)
			}
			synctest.Wait()
		}
	})
}
