// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// stage is the environment of one round: a sandbox, a folder with a
// configuration and its state, and the programs.
type stage struct {
	programs
	*trial.Terraform
	box   *sandbox.Sandbox
	pids  string // file with the process IDs of all providers, one per line
	stack string // globex's stack, once it was launched
}

// newStage starts a sandbox, and configures the engine to start the provider through
// a script that first records its process ID.
func newStage(p programs, dir string) (_ *stage, err error) {
	box, err := sandbox.Start()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = box.Close()
		}
	}()
	for _, id := range []string{globex, initech} {
		if err := box.OpenAccount(id, "aws"); err != nil {
			return nil, err
		}
	}
	s := &stage{programs: p, box: box, pids: filepath.Join(dir, "pids")}
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return nil, err
	}
	script := fmt.Sprintf("#!/bin/sh\necho $$ >>'%s'\nexec '%s' \"$@\"\n", s.pids, p.provider)
	//nolint:gosec // a program has to be executable
	if err := os.WriteFile(filepath.Join(bin, "terraform-provider-xacct"), []byte(script), 0o700); err != nil {
		return nil, err
	}
	environment, err := trial.Environment(box, "us-east-1")
	if err != nil {
		return nil, err
	}
	// Hundreds of programs run for about a second each. Garbage collection and running
	// on several cores would cost a quarter of that.
	environment = append(environment, "GOGC=off", "GOMEMLIMIT=400MiB", "GOMAXPROCS=1")
	s.Terraform, err = trial.NewTerraform(dir, trial.Override(bin), environment)
	return s, err
}

func (s *stage) close() { _ = s.box.Close() }

// runTimeout is the time after which a run of the engine counts as hanging.
const runTimeout = 3 * time.Minute

// runEngine runs the engine for a step. If the trap crashes the provider, the
// engine's failure is not an error.
func (s *stage) runEngine(ctx context.Context, a step, t *trap) error {
	if err := s.Configure(a.config); err != nil {
		return err
	}
	verb := "apply"
	if a.destroy {
		verb = "destroy"
	}
	cmd := s.Command(ctx, verb, "-auto-approve", "-input=false")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	started := make(chan struct{})
	t.trigger = func() error {
		<-started
		return s.kill(cmd, t.at.at)
	}
	lift := t.set(s.box)
	defer lift()
	if err := cmd.Start(); err != nil {
		return err
	}
	close(started)
	err := cmd.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.err != nil:
		return fmt.Errorf("kill the provider: %w", t.err)
	case t.triggered || err == nil:
		return nil
	}
	return fmt.Errorf("%s: %w\n%s", s.Name(verb), err, complaint(out.String()))
}

// complaint returns what the engine printed from its first error on.
func complaint(printed string) string {
	if at := strings.Index(printed, "Error: "); at >= 0 {
		return printed[at:]
	}
	return printed
}

// kill kills the running provider. If the crash is one of the whole machine, it kills
// the engine first, before it can write its state.
func (s *stage) kill(engine *exec.Cmd, at moment) error {
	if at == outage {
		if err := engine.Process.Kill(); err != nil {
			return err
		}
	}
	noted, err := os.ReadFile(s.pids)
	if err != nil {
		return err
	}
	lines := strings.Fields(string(noted))
	pid, err := strconv.Atoi(lines[len(lines)-1])
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// launch creates globex's stack from the link in the state.
func launch(ctx context.Context, s *stage) error {
	url, err := s.attribute("xacct_onboarding_link", "globex", "url")
	if err != nil {
		return err
	}
	s.stack, err = s.box.LaunchURL(ctx, url, globex, sandbox.LaunchOptions{})
	return err
}

// launched returns an error unless the stack was created.
func launched(ctx context.Context, s *stage) error { return s.stackIs(ctx, "CREATE_COMPLETE") }

// leave deletes globex's stack while a registrar runs, and waits until the queue is
// empty.
func leave(ctx context.Context, s *stage) error {
	cmd := trial.Command(ctx, s.programs.registrar, "registrar", "--hub", "crash")
	cmd.Env = s.Env
	registrar, err := trial.Start(cmd, nil)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = s.box.DeleteStack(ctx, s.stack)
	if err == nil {
		err = s.stackIs(ctx, "DELETE_COMPLETE")
	}
	if err == nil {
		err = s.drained(waiting)
	}
	if err = errors.Join(err, registrar.Stop()); err != nil {
		return fmt.Errorf("globex leaves: %w\n%s", err, registrar.Output())
	}
	return nil
}

func (s *stage) stackIs(ctx context.Context, status string) error {
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	stack, err := s.box.WaitStack(waiting, s.stack)
	if err != nil {
		return err
	}
	if stack.Status != status {
		return fmt.Errorf("the customer's stack is %s, not %s", stack.Status, status)
	}
	return nil
}
