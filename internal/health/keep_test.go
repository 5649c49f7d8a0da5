// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package health

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// calendar is where registrars agree on who makes a round.
type calendar struct {
	mu   sync.Mutex
	next time.Time
	fail error
}

func (c *calendar) ClaimRound(_ context.Context, until time.Time) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil || time.Now().Before(c.next) {
		return false, c.fail
	}
	c.next = until
	return true, nil
}

func (c *calendar) SetNextRound(_ context.Context, at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = at
	return c.fail
}

func (w *world) keeping(c *calendar, log *bytes.Buffer) Schedule {
	config := w.config()
	config.Clock = time.Now // the bubble's
	logger := slog.New(slog.DiscardHandler)
	if log != nil {
		logger = slog.New(slog.NewTextHandler(log, nil))
	}
	return Schedule{Every: 24 * time.Hour, Claim: c, Log: logger, Round: config}
}

func TestEveryRoleIsLookedAtOnceADayHoweverManyRegistrarsThereAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld("globex", "initech", "umbrella"), &calendar{}
		ctx, stop := context.WithCancel(t.Context())
		var registrars sync.WaitGroup
		for range 3 {
			registrars.Go(func() { Keep(ctx, w.keeping(c, nil)) })
		}
		time.Sleep(10*24*time.Hour + 12*time.Hour)
		stop()
		registrars.Wait()
		// The time until somebody looks whether a round is due is what there may
		// be less of them.
		if rounds := w.once / 3; w.once%3 != 0 || rounds < 10 || rounds > 11 {
			t.Errorf("%d proofs of 3 roles in ten days and a half", w.once)
		}
	})
}

func TestARoundIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld("a", "b", "c", "d"), &calendar{}
		var at []time.Duration
		s := w.keeping(c, nil)
		begun := time.Now()
		s.Round.OnFinding = func(Finding) { at = append(at, time.Since(begun)) }
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); Keep(ctx, s) }()
		time.Sleep(8 * time.Hour)
		stop()
		<-done
		if len(at) != 4 || at[3]-at[0] < 3*time.Hour || at[3] > 6*time.Hour {
			t.Errorf("four roles were proven at %v", at)
		}
	})
}

func TestARegistrarThatDiesInARoundLeavesItToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld("globex", "initech"), &calendar{}
		ctx, kill := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); Keep(ctx, w.keeping(c, nil)) }()
		time.Sleep(3 * time.Hour)
		kill()
		<-done
		begun := w.once
		ctx, stop := context.WithCancel(t.Context())
		done = make(chan struct{})
		go func() { defer close(done); Keep(ctx, w.keeping(c, nil)) }()
		time.Sleep(15 * time.Hour)
		stop()
		<-done
		if begun == 2 || w.once != begun+2 {
			t.Errorf("%d of 2 roles were proven before the death, and %d in all", begun, w.once)
		}
	})
}

func TestARoundTellsWhatHasChangedAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w, c := newWorld("globex", "initech"), &calendar{}
		w.roles["initech"] = refused
		Once(t.Context(), w.keeping(c, &log))
		Once(t.Context(), w.keeping(c, &log)) // not due
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "customer=initech") || !strings.Contains(lines[0], "status=degraded") ||
			!strings.Contains(lines[1], "works=1 broken=1") {
			t.Errorf("logged:\n%s", log.String())
		}
	})
}

func TestWithoutTheRegistryThereIsNoRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w, c := newWorld("globex"), &calendar{fail: errors.New("no route to host")}
		Once(t.Context(), w.keeping(c, &log))
		if w.once != 0 || !strings.Contains(log.String(), "no route to host") {
			t.Errorf("%d proofs, logged %s", w.once, log.String())
		}
	})
}
