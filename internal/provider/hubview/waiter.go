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

// Waiter waits for customers to launch their stacks. It runs the hub's registrar
// while any role waits: one for all of them, started by the first and stopped
// with the last. Beside it, a watcher reads the customers that are waited for, and
// no others, because the phone-home that a role waits for may be answered by
// another registrar as well.
type Waiter struct {
	view *View

	starting sync.Mutex // held while it starts or stops
	mu       sync.Mutex
	waiting  map[string]int // customers, and how many wait for each
	stop     context.CancelFunc
	done     chan struct{}
	looked   chan struct{} // closed and replaced after each look at the registry
	trouble  error         // the last one, told if time runs out

	nudge chan struct{} // the registrar committed something: look now
}

func newWaiter(v *View) *Waiter {
	return &Waiter{view: v, waiting: map[string]int{}, looked: make(chan struct{}), nudge: make(chan struct{}, 1)}
}

// Until waits, and answers phone-homes meanwhile, until the customer is as wanted
// or the context ends. Then the error is the context's.
func (w *Waiter) Until(ctx context.Context, customer string, wanted func(onboarding.Customer) bool) (onboarding.Customer, error) {
	joined := w.view.Now()
	if err := w.join(ctx, customer); err != nil {
		return onboarding.Customer{}, err
	}
	defer w.leave(customer)
	for {
		w.mu.Lock()
		looked := w.looked
		w.mu.Unlock()
		found, seen := w.view.sighting(customer, joined)
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

// join counts one that waits, and starts the registrar for the first.
func (w *Waiter) join(ctx context.Context, customer string) error {
	w.starting.Lock()
	defer w.starting.Unlock()
	if w.count(customer, 1) > 1 {
		w.hurry() // the watcher looks at this one too
		return nil
	}
	err := w.start(ctx)
	if err != nil {
		w.count(customer, -1)
	}
	return err
}

// count counts who waits for a customer, and returns how many wait in all.
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
	// What is begun for one that waits serves all: it must not end with it.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	r, err := registrar.Open(w.view.Clients(), w.view.Registry, record, registrar.Config{
		Clock:    w.view.Now,
		Logger:   slog.New(&troubleLog{waiter: w, ctx: running}),
		OnCommit: func(string) { w.hurry() },
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
				w.note(err)
			}
		})
		both.Go(func() { w.watch(running) })
		both.Wait()
	}()
	return nil
}

// leave counts one less, and stops the registrar after the last: the phone-homes
// that it is handling are finished first.
func (w *Waiter) leave(customer string) {
	w.starting.Lock()
	defer w.starting.Unlock()
	if w.count(customer, -1) == 0 {
		w.stop()
		<-w.done
	}
}

// watch looks at the registry every now and then, once for all that wait, and at
// nothing but what they wait for.
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
			w.note(err) // an outage passes; time runs out by itself
		default:
			w.view.saw(customers, started)
			w.tell()
		}
		select {
		case <-ctx.Done():
			return
		case <-w.nudge:
		case <-ticker.C:
		}
	}
}

func (w *Waiter) wanted() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.waiting))
}

// tell wakes all that wait.
func (w *Waiter) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.looked)
	w.looked = make(chan struct{})
}

func (w *Waiter) hurry() {
	select {
	case w.nudge <- struct{}{}:
	default: // a look is due anyway
	}
}

func (w *Waiter) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trouble = err
}

// LastTrouble returns what went wrong last while waiting; nil: nothing did.
func (w *Waiter) LastTrouble() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trouble
}

// troubleLog brings the registrar's lines into Terraform's log, and keeps the
// last error for a wait that ends without success.
type troubleLog struct {
	waiter *Waiter
	ctx    context.Context
	with   []slog.Attr
}

func (t *troubleLog) Enabled(context.Context, slog.Level) bool { return true }

func (t *troubleLog) Handle(_ context.Context, line slog.Record) error {
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
		t.waiter.note(troubleOf(line.Message, cause))
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

func troubleOf(message string, cause any) error {
	if err, ok := cause.(error); ok {
		return fmt.Errorf("%s: %w", message, err)
	}
	return errors.New(message)
}

func (t *troubleLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &troubleLog{t.waiter, t.ctx, append(t.with[:len(t.with):len(t.with)], attrs...)}
}

// WithGroup keeps lines flat: Terraform's log has no groups.
func (t *troubleLog) WithGroup(string) slog.Handler { return t }
