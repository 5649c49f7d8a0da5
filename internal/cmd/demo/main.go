// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command demo plays the whole story on one machine, with real parts: the
// provider under Terraform or OpenTofu, the registrar, the customers' launches,
// and the sandbox in AWS's place. It prints what a person would want to see
// and exits non-zero if any step is not what it should be.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	started := time.Now()
	s, err := build(ctx)
	if err != nil {
		return err
	}
	built := time.Now()
	defer func() {
		s.stopAll()
		if err != nil && s.log != "" {
			err = fmt.Errorf("%w\n(everything that was printed is in %s)", err, s.log)
			return
		}
		_ = os.RemoveAll(s.dir)
	}()
	for _, act := range []func(context.Context, *stage) error{
		openSandbox, declareCustomers, launchWhileApplyWaits, listRoles, oneCustomerLeaves, everybodyGoes,
	} {
		if err := act(ctx, s); err != nil {
			if ctx.Err() != nil {
				return errors.Join(errors.New("interrupted"), err)
			}
			return err
		}
	}
	fmt.Printf("\nThat is the whole story: %.0f s (and %.0f s of building). Nothing is left running.\n",
		time.Since(built).Seconds(), built.Sub(started).Seconds())
	return nil
}

// stage is the demo's place: one temporary folder with the programs, the
// configuration and the state, and the processes that run in it.
type stage struct {
	dir       string // temporary
	engine    string // terraform or tofu
	xacct     string // the companion command
	sandbox   string // the command that serves AWS and plays customers
	config    string // folder of the Terraform configuration
	env       []string
	log       string // file with everything that the programs printed
	processes []*process
}

// build compiles the provider, the companion command and the sandbox, lays the provider
// where the engine finds it without a registry, and copies the quickstart.
func build(ctx context.Context) (*stage, error) {
	root, err := repositoryRoot(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "xacct-demo-")
	if err != nil {
		return nil, err
	}
	s := &stage{dir: dir, engine: os.Getenv("XACCT_ENGINE"), xacct: filepath.Join(dir, "xacct"), sandbox: filepath.Join(dir, "xacct-sandbox"),
		config: filepath.Join(dir, "quickstart"), log: filepath.Join(dir, "demo.log"), env: os.Environ()}
	if s.engine == "" {
		s.engine = "terraform"
	}
	fmt.Printf("Building the provider, the companion command and the sandbox …\n")
	if err := s.quietly(ctx, root, "go", "build", "-o", dir+"/", "./internal/cmd/xacct", "./internal/cmd/xacct-sandbox"); err != nil {
		return s, err
	}
	provider := filepath.Join(dir, "terraform-provider-xacct")
	if err := s.quietly(ctx, root, "go", "build", "-o", provider, "."); err != nil {
		return s, err
	}
	if err := s.layMirror(provider); err != nil {
		return s, err
	}
	if err := os.CopyFS(s.config, os.DirFS(filepath.Join(root, "examples", "quickstart"))); err != nil {
		return s, err
	}
	return s, nil
}

// layMirror puts the provider into a folder that the engine treats as a
// registry mirror: `init` then works as it would with the real registry.
func (s *stage) layMirror(provider string) error {
	mirror := filepath.Join(s.dir, "mirror")
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		place := filepath.Join(mirror, host, "xacct", "xacct", mirroredVersion, platform())
		if err := os.MkdirAll(place, 0o755); err != nil {
			return err
		}
		if err := os.Link(provider, filepath.Join(place, "terraform-provider-xacct_v"+mirroredVersion)); err != nil {
			return err
		}
	}
	rc := filepath.Join(s.dir, "terraformrc")
	content := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
	if err := os.WriteFile(rc, []byte(content), 0o600); err != nil {
		return err
	}
	s.setenv("TF_CLI_CONFIG_FILE", rc)
	s.setenv("TF_IN_AUTOMATION", "1")
	s.setenv("TF_DATA_DIR", filepath.Join(s.dir, "tfdata"))
	return nil
}
