// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hubview

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestConcurrentCallersShareOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int64
		s := &shared[int]{now: time.Now, maxAge: time.Minute, read: func(context.Context) (int, error) {
			time.Sleep(time.Second)
			return int(reads.Add(1)), nil
		}}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if v, err := s.get(context.Background()); v != 1 || err != nil {
					t.Errorf("got %d, %v", v, err)
				}
			})
		}
		all.Wait()
		time.Sleep(2 * time.Minute)
		if v, _ := s.get(context.Background()); v != 2 {
			t.Errorf("a value over its maximum age is not read again: got %d", v)
		}
		s.forget()
		if v, _ := s.get(context.Background()); v != 3 {
			t.Errorf("a forgotten value is not read again: got %d", v)
		}
	})
}

func TestAFailedReadIsSharedButNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outage := errors.New("outage")
		failing := true
		s := &shared[int]{now: time.Now, maxAge: time.Minute, read: func(context.Context) (int, error) {
			time.Sleep(time.Second)
			if failing {
				return 0, outage
			}
			return 7, nil
		}}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := s.get(context.Background()); !errors.Is(err, outage) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		failing = false
		if v, err := s.get(context.Background()); v != 7 || err != nil {
			t.Errorf("after the outage got %d, %v", v, err)
		}
	})
}

func TestACanceledCallerDoesNotCancelTheReadForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shared[int]{now: time.Now, maxAge: time.Minute, read: func(ctx context.Context) (int, error) {
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-time.After(time.Second):
				return 7, nil
			}
		}}
		impatient, giveUp := context.WithCancel(context.Background())
		go func() { _, _ = s.get(impatient) }()
		synctest.Wait()
		var patient sync.WaitGroup
		patient.Go(func() {
			if v, err := s.get(context.Background()); v != 7 || err != nil {
				t.Errorf("got %d, %v", v, err)
			}
		})
		synctest.Wait()
		giveUp()
		patient.Wait()
	})
}

func TestAPutValueReplacesOnlyAnOlderOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shared[string]{now: time.Now, maxAge: time.Minute, read: func(context.Context) (string, error) {
			time.Sleep(10 * time.Second)
			return "slow", nil
		}}
		done := make(chan string)
		go func() { v, _ := s.get(context.Background()); done <- v }()
		time.Sleep(time.Second)
		s.put("newer", time.Now()) // read after the slow read began
		if v := <-done; v != "newer" {
			t.Errorf("the slow read gave %q", v)
		}
		s.put("older", time.Now().Add(-time.Hour))
		if v, _ := s.get(context.Background()); v != "newer" {
			t.Errorf("got %q", v)
		}
	})
}

func TestAForgottenValueIsReadAgainThoughAReadIsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored := "old"
		s := &shared[string]{now: time.Now, maxAge: time.Minute, read: func(context.Context) (string, error) {
			value := stored
			time.Sleep(10 * time.Second)
			return value, nil
		}}
		first := make(chan string)
		go func() { v, _ := s.get(context.Background()); first <- v }()
		time.Sleep(time.Second)
		stored = "new"
		s.forget()
		if v, err := s.get(context.Background()); v != "new" || err != nil {
			t.Errorf("after forget got %q, %v", v, err)
		}
		if v := <-first; v != "old" {
			t.Errorf("the read before that got %q", v)
		}
		if v, _ := s.get(context.Background()); v != "new" {
			t.Errorf("then got %q", v)
		}
	})
}
