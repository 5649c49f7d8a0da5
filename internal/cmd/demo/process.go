// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// mirroredVersion is what the demo's own build calls itself.
const mirroredVersion = "0.0.1"

func platform() string { return runtime.GOOS + "_" + runtime.GOARCH }

func repositoryRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

func (s *stage) setenv(name, value string) { s.env = append(s.env, name+"="+value) }

// quietly runs a program and shows what it printed only if it failed.
func (s *stage) quietly(ctx context.Context, dir, name string, args ...string) error {
	_, err := s.output(ctx, dir, name, args...)
	return err
}

// output runs a program to its end and returns its standard output.
func (s *stage) output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	var stdout, all bytes.Buffer
	cmd := s.command(ctx, dir, name, args...)
	cmd.Stdout = io.MultiWriter(&stdout, &all)
	cmd.Stderr = &all
	err := cmd.Run()
	s.record(name, args, all.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, all.String())
	}
	return stdout.Bytes(), nil
}

func (s *stage) command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, s.env
	// Ask before killing: an engine that is killed leaves its state locked.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

func (s *stage) record(name string, args []string, printed []byte) {
	file, err := os.OpenFile(s.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer file.Close()
	fmt.Fprintf(file, "\n$ %s %s\n%s", filepath.Base(name), strings.Join(args, " "), printed)
}

// process is a program that runs beside the story.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan error
	log  *bytes.Buffer
}

// begin starts a program beside the story. Every line it prints goes to see,
// which may be nil.
func (s *stage) begin(ctx context.Context, dir string, see func(line string), name string, args ...string) (*process, error) {
	cmd := s.command(ctx, dir, name, args...)
	reader, writer := io.Pipe()
	p := &process{name: filepath.Base(name) + " " + args[0], cmd: cmd, done: make(chan error, 1), log: &bytes.Buffer{}}
	cmd.Stdout = writer
	cmd.Stderr = writer
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			p.log.WriteString(lines.Text() + "\n")
			if see != nil {
				see(lines.Text())
			}
		}
		_, _ = io.Copy(io.Discard, reader)
	}()
	go func() {
		err := cmd.Wait()
		_ = writer.Close()
		<-read
		s.record(name, args, p.log.Bytes())
		if err != nil {
			err = fmt.Errorf("%s: %w\n%s", p.name, err, p.log.String())
		}
		p.done <- err
	}()
	s.processes = append(s.processes, p)
	return p, nil
}

// wait returns when the program has ended by itself.
func (p *process) wait(ctx context.Context) error {
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop asks the program to end, as Ctrl-C would, and waits until it has.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("%s did not stop within 20 s and was killed", p.name)
	}
}

func (s *stage) stopAll() {
	for i := len(s.processes) - 1; i >= 0; i-- {
		_ = s.processes[i].stop()
	}
}
