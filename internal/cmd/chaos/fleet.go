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
	slots  []*slot
	kills  atomic.Int64
	ending atomic.Bool
}

// slot runs one registrar at a time: after a kill, the next one.
type slot struct {
	f    *fleet
	name string
	log  *os.File

	mu      sync.Mutex
	running *trial.Process
	own     int // registrars that ended without being killed
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
		p := &slot{f: f, name: name, log: log}
		f.slots = append(f.slots, p)
		if err := p.start(ctx); err != nil {
			f.stop()
			return nil, err
		}
	}
	return f, nil
}

// start starts a registrar. Only its clock differs from a vendor's, and it makes no
// rounds of proofs, which have their own tests.
func (p *slot) start(ctx context.Context) error {
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

// watch waits for the end of a process. If it was not killed, that is a failure, and
// another registrar is started, as a supervisor would.
func (p *slot) watch(ctx context.Context, running *trial.Process) {
	err := running.Wait(context.WithoutCancel(ctx))
	if p.f.ending.Load() || ctx.Err() != nil || running.Killed() {
		return
	}
	p.mu.Lock()
	p.own++
	p.mu.Unlock()
	p.f.w.fail("%s ended by itself: %v", p.name, err)
	if wait(ctx, p.f.w, time.Minute) == nil && !p.f.ending.Load() {
		_ = p.start(ctx) // its end is counted as a failure already
	}
}

// kill kills one registrar whenever a kill is due, and starts another one in its slot
// some seconds later.
func (f *fleet) kill(ctx context.Context) {
	for range f.w.options.kills {
		select {
		case <-ctx.Done():
			return
		case <-f.w.killsDue:
		}
		victim := f.slots[f.random.IntN(len(f.slots))]
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
			f.w.fail("%v", err)
		}
	}
}

// stop ends the registrars as a supervisor does, and kills those that do not
// end.
func (f *fleet) stop() {
	f.ending.Store(true)
	for _, p := range f.slots {
		if running := p.process(); running != nil {
			_ = running.Stop() // how it ends is not part of the verdict
		}
		_ = p.log.Close() // only a log
	}
}

func (p *slot) process() *trial.Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// wait waits by the sandbox's clock.
func wait(ctx context.Context, w *world, d time.Duration) error {
	clock := w.box.Clock()
	return clock.WaitUntil(ctx, clock.Now().Add(d))
}
