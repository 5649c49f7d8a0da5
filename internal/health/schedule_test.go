// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package health

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// calendar is the record from which registrars claim rounds.
type calendar struct {
	mu    sync.Mutex
	next  time.Time
	ended int64
	found onboarding.RoundSummary
	fail  error

	restored *onboarding.Hub
}

func (c *calendar) ClaimRound(_ context.Context, until time.Time) (int64, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil || time.Now().Before(c.next) {
		return 0, false, c.fail
	}
	c.next = until
	return c.ended, true, nil
}

func (c *calendar) EndRound(_ context.Context, round int64, found onboarding.RoundSummary, next time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found = found
	c.next, c.ended = next, round+1
	return c.fail
}

func (c *calendar) Restored(context.Context) (*onboarding.Hub, error) { return c.restored, nil }

func (w *world) keeping(c *calendar, log *bytes.Buffer) Schedule {
	config := w.config()
	config.Clock = time.Now // the clock of the synctest bubble
	logger := slog.New(slog.DiscardHandler)
	if log != nil {
		logger = slog.New(slog.NewTextHandler(log, nil))
	}
	return Schedule{Every: 24 * time.Hour, Claims: c, Log: logger, Round: config}
}

func TestEveryRoleIsProvenOnceADayByAnyNumberOfRegistrars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld("globex", "initech", "umbrella"), &calendar{}
		ctx, stop := context.WithCancel(t.Context())
		var registrars sync.WaitGroup
		for range 3 {
			registrars.Go(func() { Run(ctx, w.keeping(c, nil)) })
		}
		time.Sleep(10*24*time.Hour + 12*time.Hour)
		stop()
		registrars.Wait()
		// A round may begin later than due, because registrars look at intervals, so there may be
		// fewer rounds.
		if proofs := w.once + w.full; proofs%3 != 0 || proofs < 30 || proofs > 33 {
			t.Errorf("%d proofs of 3 roles in ten days and a half", proofs)
		}
		if c.found.Works != 3 || c.found.Roles() != 3 || c.found.EndedAt.IsZero() {
			t.Errorf("the last round is recorded as %+v", c.found)
		}
	})
}

func TestEveryRoleGetsTheFullProofOnceAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld(), &calendar{}
		for i := range 70 {
			w.add(fmt.Sprintf("customer-%d", i))
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); Run(ctx, w.keeping(c, nil)) }()
		for day := range 7 {
			before := w.full
			for c.rounds() == int64(day) {
				time.Sleep(time.Hour)
			}
			if full := w.full - before; full == 0 || full > 30 {
				t.Errorf("on day %d %d roles got the full proof", day, full)
			}
		}
		stop()
		<-done
		if w.full != 70 || len(w.fully) != 70 || w.once != 6*70 || w.writes != 0 {
			t.Errorf("in a week %d full proofs of %d roles, %d single ones, %d writes", w.full, len(w.fully), w.once, w.writes)
		}
	})
}

func TestAnOpenRoleIsFoundWithinAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld("globex", "initech"), &calendar{}
		w.roles["initech"] = open
		var log bytes.Buffer
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); Run(ctx, w.keeping(c, &log)) }()
		time.Sleep(8 * 24 * time.Hour)
		stop()
		<-done
		w.expect(t, "globex active", "initech degraded: the role can be assumed without an external ID, so others can get in")
		if diff := cmp.Diff([]string{"initech found_open"}, w.history); diff != "" || !w.of("initech").Open {
			t.Errorf("history (-want +got):\n%s", diff)
		}
	})
}

func TestARoundIsSpreadOverHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld("a", "b", "c", "d"), &calendar{}
		var at []time.Duration
		s := w.keeping(c, nil)
		begun := time.Now()
		s.Round.OnFinding = func(Finding) { at = append(at, time.Since(begun)) }
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); Run(ctx, s) }()
		time.Sleep(8 * time.Hour)
		stop()
		<-done
		if len(at) != 4 || at[3]-at[0] < 3*time.Hour || at[3] > 6*time.Hour {
			t.Errorf("four roles were proven at %v", at)
		}
	})
}

func TestARoundOfADeadRegistrarIsMadeByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := newWorld("globex", "initech"), &calendar{}
		ctx, kill := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); Run(ctx, w.keeping(c, nil)) }()
		time.Sleep(3 * time.Hour)
		kill()
		<-done
		begun := w.once + w.full
		ctx, stop := context.WithCancel(t.Context())
		done = make(chan struct{})
		go func() { defer close(done); Run(ctx, w.keeping(c, nil)) }()
		time.Sleep(15 * time.Hour)
		stop()
		<-done
		if begun == 2 || w.once+w.full != begun+2 {
			t.Errorf("%d of 2 roles were proven before the death, and %d in all", begun, w.once+w.full)
		}
	})
}

func TestARoundLogsOnlyChangesAndASummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w, c := newWorld("globex", "initech"), &calendar{}
		w.roles["initech"] = refused
		Once(t.Context(), w.keeping(c, &log))
		Once(t.Context(), w.keeping(c, &log)) // the second one is not due
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

func (c *calendar) rounds() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}
