// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hubview

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

// Waiter waits for customers to launch their stacks. While any role waits, it runs the
// hub's registrar: one for all roles, started for the first and stopped after the
// last. In addition, a watcher reads the awaited customers, and only those, because
// another registrar may answer the phone-home that a role waits for.
type Waiter struct {
	view *View

	starting  sync.Mutex // held while the registrar starts or stops
	mu        sync.Mutex
	waiting   map[string]int // by customer: how many callers wait
	stop      context.CancelFunc
	done      chan struct{}
	readDone  chan struct{} // closed and replaced after each read of the registry
	lastError error         // the last error, reported if the time runs out

	readNow chan struct{} // sent when the registrar has written something: read now
}

func newWaiter(v *View) *Waiter {
	return &Waiter{view: v, waiting: map[string]int{}, readDone: make(chan struct{}), readNow: make(chan struct{}, 1)}
}

// Until waits, and answers phone-homes in the meantime, until wanted returns true for
// the customer, whom it returns, or ctx is done. Then the error is that of ctx.
func (w *Waiter) Until(ctx context.Context, customer string, wanted func(onboarding.Customer) bool) (onboarding.Customer, error) {
	joined := w.view.Now()
	if err := w.join(ctx, customer); err != nil {
		return onboarding.Customer{}, err
	}
	defer w.leave(customer)
	for {
		w.mu.Lock()
		looked := w.readDone
		w.mu.Unlock()
		found, seen := w.view.cachedCustomer(customer, joined)
		if seen && wanted(found) {
			return found, nil
		}
		select {
		case <-ctx.Done():
			return found, ctx.Err()
		case <-looked:
		}
	}
}

// join counts one more caller that waits, and starts the registrar for the first one.
func (w *Waiter) join(ctx context.Context, customer string) error {
	w.starting.Lock()
	defer w.starting.Unlock()
	if w.count(customer, 1) > 1 {
		w.requestRead() // so that the watcher reads this customer too
		return nil
	}
	err := w.start(ctx)
	if err != nil {
		w.count(customer, -1)
	}
	return err
}

// count changes the number of callers that wait for a customer, and returns how many
// wait in all.
func (w *Waiter) count(customer string, change int) (all int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting[customer] += change; w.waiting[customer] == 0 {
		delete(w.waiting, customer)
	}
	for _, n := range w.waiting {
		all += n
	}
	return all
}

func (w *Waiter) start(ctx context.Context) error {
	record, err := w.view.Record(ctx)
	if err != nil {
		return err
	}
	// The registrar serves all callers, so it must not stop with the context of the
	// one that started it.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	r, err := registrar.Open(w.view.Clients(), w.view.Registry, record, registrar.Config{
		Clock:    w.view.Now,
		Logger:   slog.New(&errorLog{waiter: w, ctx: running}),
		OnCommit: func(string) { w.requestRead() },
	})
	if err != nil {
		stop()
		return err
	}
	w.stop, w.done = stop, make(chan struct{})
	go func() {
		defer close(w.done)
		var both sync.WaitGroup
		both.Go(func() {
			if err := r.Run(running); err != nil {
				w.setError(err)
			}
		})
		both.Go(func() { w.watch(running) })
		both.Wait()
	}()
	return nil
}

// leave counts one caller less, and stops the registrar after the last one. The
// registrar first finishes the phone-homes that it is handling.
func (w *Waiter) leave(customer string) {
	w.starting.Lock()
	defer w.starting.Unlock()
	if w.count(customer, -1) == 0 {
		w.stop()
		<-w.done
	}
}

// watch reads the awaited customers from the registry at the poll interval, once for
// all callers.
func (w *Waiter) watch(ctx context.Context) {
	ticker := time.NewTicker(w.view.config.PollInterval)
	defer ticker.Stop()
	for {
		started := w.view.Now()
		customers, err := w.view.Registry.Select(ctx, w.wanted()...)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.setError(err) // an outage may end; the callers have a time limit
		default:
			w.view.cacheCustomers(customers, started)
			w.wakeAll()
		}
		select {
		case <-ctx.Done():
			return
		case <-w.readNow:
		case <-ticker.C:
		}
	}
}

func (w *Waiter) wanted() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.waiting))
}

// wakeAll wakes all callers that wait.
func (w *Waiter) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.readDone)
	w.readDone = make(chan struct{})
}

func (w *Waiter) requestRead() {
	select {
	case w.readNow <- struct{}{}:
	default: // a read is pending already
	}
}

func (w *Waiter) setError(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastError = err
}

// LastError returns the last error while waiting; nil if there was none.
func (w *Waiter) LastError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lastError
}

// errorLog writes the registrar's log records to Terraform's log, and keeps the last
// error for a wait that ends without success.
type errorLog struct {
	waiter *Waiter
	ctx    context.Context
	with   []slog.Attr
}

func (t *errorLog) Enabled(context.Context, slog.Level) bool { return true }

func (t *errorLog) Handle(_ context.Context, line slog.Record) error {
	fields := make(map[string]any, line.NumAttrs()+len(t.with))
	var cause any
	keep := func(a slog.Attr) bool {
		fields[a.Key] = a.Value.Resolve().String()
		if a.Key == "error" {
			cause = a.Value.Any()
		}
		return true
	}
	for _, a := range t.with {
		keep(a)
	}
	line.Attrs(keep)
	switch {
	case line.Level >= slog.LevelError:
		t.waiter.setError(logError(line.Message, cause))
		tflog.Error(t.ctx, line.Message, fields)
	case line.Level >= slog.LevelWarn:
		tflog.Warn(t.ctx, line.Message, fields)
	case line.Level >= slog.LevelInfo:
		tflog.Info(t.ctx, line.Message, fields)
	default:
		tflog.Debug(t.ctx, line.Message, fields)
	}
	return nil
}

func logError(message string, cause any) error {
	if err, ok := cause.(error); ok {
		return fmt.Errorf("%s: %w", message, err)
	}
	return errors.New(message)
}

func (t *errorLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &errorLog{t.waiter, t.ctx, append(t.with[:len(t.with):len(t.with)], attrs...)}
}

// WithGroup ignores the group: Terraform's log has no groups.
func (t *errorLog) WithGroup(string) slog.Handler { return t }
