// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

// listener runs the hub's registrar while any role waits for its customer: one
// for all of them, started by the first and stopped with the last. Beside it, a
// watcher reads the registry, because the phone-home that a role waits for may
// be answered by another registrar as well.
type listener struct {
	in *intake

	starting sync.Mutex // held while it starts or stops
	mu       sync.Mutex
	waiting  int
	stop     context.CancelFunc
	done     chan struct{}
	looked   chan struct{} // closed and replaced after each look at the registry
	trouble  error         // the last one, for whoever runs out of time

	nudge chan struct{} // the registrar committed something: look now
}

func newListener(in *intake) *listener {
	return &listener{in: in, looked: make(chan struct{}), nudge: make(chan struct{}, 1)}
}

// until waits, and listens meanwhile, until the customer is as wanted or the
// context ends. Then the error is the context's.
func (l *listener) until(ctx context.Context, customer string, wanted func(onboarding.Customer) bool) (onboarding.Customer, error) {
	if err := l.join(ctx); err != nil {
		return onboarding.Customer{}, err
	}
	defer l.leave()
	for {
		l.mu.Lock()
		looked := l.looked
		l.mu.Unlock()
		found, err := l.in.customer(ctx, customer)
		if err == nil && wanted(found) {
			return found, nil
		}
		if err != nil && ctx.Err() == nil {
			l.note(err) // an outage passes; time runs out by itself
		}
		select {
		case <-ctx.Done():
			return found, ctx.Err()
		case <-looked:
		}
	}
}

// join counts one who waits, and starts listening for the first.
func (l *listener) join(ctx context.Context) error {
	l.starting.Lock()
	defer l.starting.Unlock()
	if l.waiting > 0 {
		l.waiting++
		return nil
	}
	record, err := l.in.record(ctx)
	if err != nil {
		return err
	}
	// What is begun for one who waits serves all: it must not end with them.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	r, err := registrar.Open(l.in.session.clients, l.in.registry, record, registrar.Config{
		Clock:    l.in.session.settings.now,
		Logger:   slog.New(&troubleLog{listener: l, ctx: running}),
		OnCommit: func(string) { l.hurry() },
	})
	if err != nil {
		stop()
		return err
	}
	l.stop, l.done, l.waiting = stop, make(chan struct{}), 1
	go func() {
		defer close(l.done)
		var both sync.WaitGroup
		both.Go(func() {
			if err := r.Run(running); err != nil {
				l.note(err)
			}
		})
		both.Go(func() { l.watch(running) })
		both.Wait()
	}()
	return nil
}

// leave counts one less, and after the last stops listening: what the registrar
// has in hand is finished first.
func (l *listener) leave() {
	l.starting.Lock()
	defer l.starting.Unlock()
	l.waiting--
	if l.waiting == 0 {
		l.stop()
		<-l.done
	}
}

// watch looks at the registry every now and then, once for all who wait.
func (l *listener) watch(ctx context.Context) {
	ticker := time.NewTicker(l.in.session.settings.pollInterval)
	defer ticker.Stop()
	for {
		started := l.in.session.now()
		customers, err := l.in.readCustomers(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.note(err)
		default:
			l.in.customers.put(customers, started)
			l.tell()
		}
		select {
		case <-ctx.Done():
			return
		case <-l.nudge:
		case <-ticker.C:
		}
	}
}

// tell wakes all who wait.
func (l *listener) tell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.looked)
	l.looked = make(chan struct{})
}

func (l *listener) hurry() {
	select {
	case l.nudge <- struct{}{}:
	default: // a look is due anyway
	}
}

func (l *listener) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble = err
}

// lastTrouble is what went wrong last while listening; nil: nothing did.
func (l *listener) lastTrouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trouble
}

// troubleLog brings the registrar's lines into Terraform's log, and keeps the
// last error for whoever waits in vain.
type troubleLog struct {
	listener *listener
	ctx      context.Context
	with     []slog.Attr
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
		t.listener.note(troubleOf(line.Message, cause))
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
	return &troubleLog{t.listener, t.ctx, append(t.with[:len(t.with):len(t.with)], attrs...)}
}

// WithGroup keeps lines flat: Terraform's log has no groups.
func (t *troubleLog) WithGroup(string) slog.Handler { return t }
