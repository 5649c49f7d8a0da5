// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command demo shows the whole life of a hub on one machine, with real parts: the
// provider under Terraform or OpenTofu, the registrar, the customers' launches, and
// the sandbox instead of AWS. It prints each step with its output, and exits non-zero
// if a step does not have the expected result. With --without-terraform it uses the
// companion command instead of Terraform.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		os.Exit(1)
	}
}

// withTerraform are the steps of the demo with Terraform.
var withTerraform = []func(context.Context, *stage) error{
	openSandbox, declareCustomers, launchWhileApplyWaits, listRoles, oneCustomerLeaves, othersLeave,
}

func run(ctx context.Context) (err error) {
	started := time.Now()
	prepare, story := build, withTerraform
	if slices.Contains(os.Args[1:], "--without-terraform") {
		prepare, story = buildCommands, withoutTerraform
	}
	s, err := prepare(ctx)
	if err != nil {
		return err
	}
	built := time.Now()
	defer func() {
		s.stopAll()
		_ = s.log.Close() // only a log
		if err != nil {
			err = fmt.Errorf("%w\n(everything that was printed is in %s)", err, s.log.Name())
			return
		}
		_ = os.RemoveAll(s.dir)
	}()
	for _, step := range story {
		if err := step(ctx, s); err != nil {
			if ctx.Err() != nil {
				return errors.Join(errors.New("interrupted"), err)
			}
			return err
		}
	}
	fmt.Printf("\nThe whole story took %.0f s (and %.0f s of building). Nothing is left running.\n",
		time.Since(built).Seconds(), built.Sub(started).Seconds())
	return nil
}

// stage is the demo's environment: one temporary folder with the programs, the
// configuration and the state, and the running processes.
type stage struct {
	*trial.Terraform
	dir       string // temporary
	xacct     string // the companion command
	sandbox   string // the command that serves the sandbox and acts as customers
	log       *os.File
	processes []*trial.Process
	linksOf   map[string]string // by customer, without Terraform
	registrar *trial.Process    // without Terraform
	product   *product          // without Terraform: calls the API
}

// build compiles the provider, the companion command and the sandbox, configures a
// mirror in which the engine finds the provider, and copies the quickstart.
func build(ctx context.Context) (s *stage, err error) {
	dir, err := os.MkdirTemp("", "xacct-demo-")
	if err != nil {
		return nil, err
	}
	s = &stage{dir: dir, xacct: filepath.Join(dir, "xacct"), sandbox: filepath.Join(dir, "xacct-sandbox")}
	if s.log, err = os.Create(filepath.Join(dir, "demo.log")); err != nil {
		return nil, err
	}
	fmt.Printf("Building the provider, the companion command and the sandbox …\n")
	if err := trial.Build(ctx, dir, ".", "./internal/cmd/xacct", "./internal/cmd/xacct-sandbox"); err != nil {
		return nil, err
	}
	mirror, err := trial.Mirror(filepath.Join(dir, "mirror"), filepath.Join(dir, "terraform-provider-xacct"))
	if err != nil {
		return nil, err
	}
	s.Terraform, err = trial.NewTerraform(filepath.Join(dir, "quickstart"), mirror, append(os.Environ(), "TF_IN_AUTOMATION=1"))
	if err != nil {
		return nil, err
	}
	root, err := trial.Repository(ctx)
	if err != nil {
		return nil, err
	}
	return s, os.CopyFS(s.Dir, os.DirFS(filepath.Join(root, "examples", "quickstart")))
}

// command returns a command that runs one of the companion programs.
func (s *stage) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := trial.Command(ctx, name, args...)
	cmd.Dir, cmd.Env = s.dir, s.Env
	return cmd
}

// output runs a program to its end and returns its standard output.
func (s *stage) output(cmd *exec.Cmd) ([]byte, error) {
	var stdout, all bytes.Buffer
	cmd.Stdout = io.MultiWriter(&stdout, &all)
	cmd.Stderr = &all
	err := cmd.Run()
	name := filepath.Base(cmd.Path) + " " + strings.Join(cmd.Args[1:], " ")
	fmt.Fprintf(s.log, "\n$ %s\n%s", name, all.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", name, err, all.String())
	}
	return stdout.Bytes(), nil
}

// follow runs a program to its end, and prints each of its lines at once, between
// those of the programs in the background.
func (s *stage) follow(cmd *exec.Cmd) error {
	p, err := trial.Start(cmd, func(line string) {
		fmt.Fprintf(s.log, "%s: %s\n", filepath.Base(cmd.Path), line)
		showTogether("", []byte(line))
	})
	if err != nil {
		return err
	}
	if err := p.Wait(context.Background()); err != nil { // its command ends with the demo's context
		return fmt.Errorf("%w\n%s", err, p.Output())
	}
	return nil
}

// begin starts a program in the background. Every line that it prints is passed
// to see.
func (s *stage) begin(cmd *exec.Cmd, see func(line string)) (*trial.Process, error) {
	name := filepath.Base(cmd.Path) + " " + cmd.Args[1]
	p, err := trial.Start(cmd, func(line string) {
		fmt.Fprintf(s.log, "%s: %s\n", name, line)
		see(line)
	})
	if err == nil {
		s.processes = append(s.processes, p)
	}
	return p, err
}

// until waits until reached is closed. It returns an error if the process ends
// before.
func until(ctx context.Context, p *trial.Process, reached <-chan struct{}) error {
	select {
	case <-reached:
		return nil
	case <-p.Done():
		return fmt.Errorf("it ended too early: %w", errors.Join(p.Wait(ctx), errors.New(p.Output())))
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stage) stopAll() {
	for _, p := range slices.Backward(s.processes) {
		_ = p.Stop() // the demo has ended
	}
}
