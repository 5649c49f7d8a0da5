// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
	"github.com/xacct/terraform-provider-xacct/internal/trial/terminal"
)

// withoutTerraform are the steps of the demo with only the companion command.
var withoutTerraform = []func(context.Context, *stage) error{
	openSandbox, createHub, issueLinks, customersLaunch, signUp, showStatus, closeEverything,
}

// buildCommands compiles the companion command and the sandbox, and copies the
// example.
func buildCommands(ctx context.Context) (s *stage, err error) {
	dir, err := os.MkdirTemp("", "xacct-demo-")
	if err != nil {
		return nil, err
	}
	s = &stage{Terraform: &trial.Terraform{Env: os.Environ()}, dir: dir, xacct: filepath.Join(dir, "xacct"), sandbox: filepath.Join(dir, "xacct-sandbox")}
	if s.log, err = os.Create(filepath.Join(dir, "demo.log")); err != nil {
		return nil, err
	}
	fmt.Printf("Building the companion command and the sandbox …\n")
	if err := trial.Build(ctx, dir, "./internal/cmd/xacct", "./internal/cmd/xacct-sandbox"); err != nil {
		return nil, err
	}
	root, err := trial.Repository(ctx)
	if err != nil {
		return nil, err
	}
	return s, os.CopyFS(filepath.Join(dir, "example"), os.DirFS(filepath.Join(root, "examples", "without-terraform")))
}

// do runs the companion command in the example's folder, and prints and returns its
// output.
func (s *stage) do(ctx context.Context, args ...string) (string, error) {
	cmd := s.command(ctx, s.xacct, args...)
	cmd.Dir = filepath.Join(s.dir, "example")
	printCommand("xacct " + strings.Join(args, " "))
	var failed error
	printed, err := terminal.Capture(max(0, cli.ScreenOf(os.Stdout).Width-len("  ")), func(out *os.File) {
		cmd.Stdout, cmd.Stderr = out, out
		failed = cmd.Run()
	})
	fmt.Fprintf(s.log, "\n$ xacct %s\n%s", strings.Join(args, " "), printed)
	if err = errors.Join(err, failed); err != nil {
		return "", fmt.Errorf("xacct %s: %w\n%s", strings.Join(args, " "), err, printed)
	}
	fmt.Print(indent(ended.ReplaceAllString(printed, "")))
	return printed, nil
}

// ended matches a progress bar that has ended.
var ended = regexp.MustCompile(`.*\r`)

func createHub(ctx context.Context, s *stage) error {
	title("From one file: the hub, and what customers are asked for")
	s.Env = append(s.Env, "XACCT_HUB=acme")
	for _, args := range [][]string{
		{"hub", "create", "--file", "acme.yaml"},
		{"permission-set", "apply", "--file", "acme.yaml"},
	} {
		if _, err := s.do(ctx, args...); err != nil {
			return err
		}
		fmt.Println()
	}
	return s.expect(ctx, "the same file again changes nothing", func() error {
		again, err := s.output(s.command(ctx, s.xacct, "hub", "create", "--file", filepath.Join("example", "acme.yaml"), "--json"))
		if err == nil && !strings.Contains(string(again), `"outcome": "unchanged"`) {
			err = errors.New(string(again))
		}
		return err
	})
}

func issueLinks(ctx context.Context, s *stage) error {
	title("The customers, from a spreadsheet")
	if _, err := s.do(ctx, "customers", "import", "customers.csv", "--permission-set", "readonly"); err != nil {
		return err
	}
	printed, err := s.output(s.importing(ctx))
	if err != nil {
		return err
	}
	s.linksOf = map[string]string{}
	var issued []struct {
		CustomerID string `json:"customer_id"`
		Outcome    string `json:"outcome"`
		LaunchURL  string `json:"launch_url"`
	}
	if err := json.Unmarshal(printed, &issued); err != nil {
		return err
	}
	for _, one := range issued {
		s.linksOf[one.CustomerID] = one.LaunchURL
		if one.Outcome != "unchanged" {
			return fmt.Errorf("importing again found something to do for %s: %s", one.CustomerID, one.Outcome)
		}
	}
	fmt.Println()
	say("And importing again finds nothing to do. With --json it prints the links; that of " + customers[0].id + ", shortened:")
	fmt.Printf("\n  %s\n", elide(s.linksOf[customers[0].id]))
	if len(s.linksOf) != len(customers) {
		return fmt.Errorf("%d links were issued for %d customers", len(s.linksOf), len(customers))
	}
	return nil
}

func (s *stage) importing(ctx context.Context) *exec.Cmd {
	cmd := s.command(ctx, s.xacct, "customers", "import", "customers.csv", "--permission-set", "readonly", "--json")
	cmd.Dir = filepath.Join(s.dir, "example")
	return cmd
}

func customersLaunch(ctx context.Context, s *stage) error {
	title("A registrar runs; the customers open their links and press Create stack")
	var err error
	if s.registrar, err = s.beginRegistrar(ctx); err != nil {
		return err
	}
	for _, c := range customers {
		args := []string{"launch", s.linksOf[c.id], "--account", c.account}
		if c.elsewhere != "" {
			args = append(args, "--region", c.elsewhere)
		}
		printCommand("xacct-sandbox launch <link of " + c.id + "> --account " + c.account + regionFlag(c))
		if err := s.follow(s.command(ctx, s.sandbox, args...)); err != nil {
			return fmt.Errorf("%s launches: %w", c.id, err)
		}
	}
	return nil
}

func showStatus(ctx context.Context, s *stage) error {
	title("At three in the morning: is all well?")
	status, err := s.do(ctx, "status")
	if err != nil {
		return err
	}
	if !strings.Contains(status, "4 customers: 4 active") {
		return errors.New("not all four customers are active")
	}
	fmt.Println()
	if _, err := s.do(ctx, "customers", "show", customers[0].id); err != nil {
		return err
	}
	fmt.Println()
	_, err = s.do(ctx, "verify")
	return err
}

func closeEverything(ctx context.Context, s *stage) error {
	title("The customers leave, and the vendor deletes the hub")
	ids := []string{"customers", "remove"}
	for _, c := range customers {
		if err := s.deleteStack(ctx, c); err != nil {
			return err
		}
		ids = append(ids, c.id)
	}
	if _, err := s.do(ctx, ids...); err != nil {
		return err
	}
	if err := s.product.leave(ctx); err != nil {
		return err
	}
	if err := s.registrar.Stop(); err != nil {
		return fmt.Errorf("the registrar did not stop cleanly: %w", err)
	}
	fmt.Println()
	if _, err := s.do(ctx, "hub", "delete"); err != nil {
		return err
	}
	stacks, err := s.output(s.command(ctx, s.sandbox, "stacks"))
	if err != nil {
		return err
	}
	fmt.Print(indent(string(stacks)))
	if strings.Count(string(stacks), "DELETE_COMPLETE") != len(customers)+1 {
		return errors.New("not every customer's stack ended in DELETE_COMPLETE")
	}
	return nil
}
