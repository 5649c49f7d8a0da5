// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// fleet manages the registrars: processes that are killed and restarted.
type fleet struct {
	w      *world
	random *rand.Rand // the killer's own
	places []*place
	kills  atomic.Int64
	ending atomic.Bool
}

// place is a position that one registrar after another takes.
type place struct {
	f    *fleet
	name string
	log  *os.File

	mu      sync.Mutex
	running *trial.Process
	own     int // how often a registrar ended that was not killed
}

func newFleet(ctx context.Context, w *world, logs string) (*fleet, error) {
	f := &fleet{w: w, random: rand.New(rand.NewPCG(w.seed, 1<<63))} //nolint:gosec // repeatable on purpose
	for i := range w.registrars {
		name := fmt.Sprintf("registrar-%d", i+1)
		log, err := os.Create(filepath.Join(logs, name+".log"))
		if err != nil {
			f.stop()
			return nil, err
		}
		p := &place{f: f, name: name, log: log}
		f.places = append(f.places, p)
		if err := p.start(ctx); err != nil {
			f.stop()
			return nil, err
		}
	}
	return f, nil
}

// start starts a registrar. Only its clock differs from a vendor's; the rounds
// that prove roles again have a trial of their own.
func (p *place) start(ctx context.Context) error {
	w := p.f.w
	environment, err := trial.Environment(w.box, home)
	if err != nil {
		return err
	}
	cmd := exec.Command(w.binary, "registrar", "--hub", hubName, "--listen", "off", "--verify-every", "0") //nolint:gosec,noctx // our own program; it is to end by SIGKILL or SIGTERM
	cmd.Env = environment
	running, err := trial.Start(cmd, func(line string) { fmt.Fprintln(p.log, line) })
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = running
	go p.watch(ctx, running)
	return nil
}

// watch waits for the end of a process. One that was not killed is counted, and
// another registrar takes its place, as a supervisor would start it.
func (p *place) watch(ctx context.Context, running *trial.Process) {
	err := running.Wait(context.WithoutCancel(ctx))
	if p.f.ending.Load() || ctx.Err() != nil || running.Killed() {
		return
	}
	p.mu.Lock()
	p.own++
	p.mu.Unlock()
	p.f.w.blame("%s ended by itself: %v", p.name, err)
	if wait(ctx, p.f.w, time.Minute) == nil && !p.f.ending.Load() {
		_ = p.start(ctx) // its end is counted as a failure already
	}
}

// kill kills one registrar whenever a kill is due, and starts another in its
// place some seconds later.
func (f *fleet) kill(ctx context.Context) {
	for range f.w.options.kills {
		select {
		case <-ctx.Done():
			return
		case <-f.w.victims:
		}
		victim := f.places[f.random.IntN(len(f.places))]
		before := time.Duration(f.random.Int64N(int64(20 * time.Second)))
		after := time.Duration(f.random.Int64N(int64(20 * time.Second)))
		if wait(ctx, f.w, before) != nil {
			return
		}
		victim.process().Kill() // a registrar that has just ended by itself is counted by watch
		f.kills.Add(1)
		if wait(ctx, f.w, after) != nil {
			return
		}
		if err := victim.start(ctx); err != nil {
			f.w.blame("%v", err)
		}
	}
}

// stop ends the registrars as a supervisor does, and kills those that do not
// end.
func (f *fleet) stop() {
	f.ending.Store(true)
	for _, p := range f.places {
		if running := p.process(); running != nil {
			_ = running.Stop() // only what it did is judged, not how it ends
		}
		_ = p.log.Close() // only a log
	}
}

func (p *place) process() *trial.Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// wait waits by the sandbox's clock.
func wait(ctx context.Context, w *world, d time.Duration) error {
	clock := w.box.Clock()
	return clock.WaitUntil(ctx, clock.Now().Add(d))
}
