// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package trial

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// grace is how long a program may take to end after SIGTERM.
const grace = 30 * time.Second

// Command returns a command that gets SIGINT, as from Ctrl-C, when ctx is done, and
// is killed only if it does not end: an engine that is killed leaves its state
// locked.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = grace
	return cmd
}

// Process is a program that runs beside a test or trial.
type Process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error // set before done is closed

	mu   sync.Mutex
	tail []string // the last lines that it printed
}

// Start starts a program. Every line that it prints, to standard output or
// error, is passed to see, one at a time; see may be nil.
func Start(cmd *exec.Cmd, see func(line string)) (*Process, error) {
	p := &Process{name: strings.Join(append([]string{filepath.Base(cmd.Path)}, cmd.Args[1:]...), " "), cmd: cmd, done: make(chan struct{})}
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewReader(reader); ; {
			line, err := lines.ReadString('\n')
			if line = strings.TrimSuffix(line, "\n"); line != "" || err == nil {
				p.printed(line)
				if see != nil {
					see(line)
				}
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
		_ = writer.Close()
		<-read
	}()
	return p, nil
}

func (p *Process) printed(line string) {
	const most = 200
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tail = append(p.tail, line)
	if len(p.tail) > 2*most {
		p.tail = append([]string(nil), p.tail[most:]...)
	}
}

// Output returns the last lines that the program printed.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.tail, "\n")
}

// Done returns a channel that is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Killed reports whether a program that has ended was killed by SIGKILL.
func (p *Process) Killed() bool {
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status.Signaled() && status.Signal() == syscall.SIGKILL
}

// Wait waits until the program has ended, and returns an error unless its exit code
// is 0.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", p.name, p.err, p.Output())
	}
	return nil
}

// Stop sends SIGTERM to the program, as a supervisor does, and waits until it
// has ended. A program that does not end is killed, and Stop returns an error.
func (p *Process) Stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := p.Wait(ctx)
	if ctx.Err() != nil {
		p.Kill()
		return fmt.Errorf("%s did not stop within %s and was killed\n%s", p.name, grace, p.Output())
	}
	return err
}

// Kill sends SIGKILL to the program, and waits until it has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}
