// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

const (
	vendor = "111111111111"
	links  = 100
)

// configuration is the one whose calls are counted: a hub in one Region, then
// many links with their roles.
const configuration = `
terraform {
  required_providers {
    xacct = { source = "registry.terraform.io/xacct/xacct" }
  }
}

variable "links" {
  type = number
}

resource "xacct_hub" "this" {
  name = "figures"
}

resource "xacct_onboarding_link" "customer" {
  count       = var.links
  hub         = xacct_hub.this.id
  customer_id = "customer-${count.index}"
  account_id  = format("2%011d", count.index)
  role        = { managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] }
}

resource "xacct_customer_role" "customer" {
  count = var.links
  link  = xacct_onboarding_link.customer[count.index].id
}
`

// callsOfManyLinks applies a hub, then many links in one apply, then refreshes,
// and reads from the sandbox's journal what the last two cost.
func callsOfManyLinks(ctx context.Context, dir string) ([]figure, error) {
	box, err := sandbox.Start()
	if err != nil {
		return nil, err
	}
	defer box.Close()
	for i := range links {
		if err := box.OpenAccount(fmt.Sprintf("2%011d", i), "aws"); err != nil {
			return nil, err
		}
	}
	t, err := newTerraform(dir, box)
	if err != nil {
		return nil, err
	}
	if err := t.run(ctx, "apply", "-auto-approve", "-var", "links=0"); err != nil {
		return nil, err
	}
	created, err := t.count(ctx, "apply", "-auto-approve", "-refresh=false", "-var", fmt.Sprintf("links=%d", links))
	if err != nil {
		return nil, err
	}
	refreshed, err := t.count(ctx, "plan", "-refresh-only", "-var", fmt.Sprintf("links=%d", links))
	if err != nil {
		return nil, err
	}
	return []figure{
		{what: fmt.Sprintf("per link created, over %d links with their roles in one apply", links), value: float64(created) / links, limit: 5, unit: "AWS calls", count: true},
		{what: fmt.Sprintf("for a refresh of %d links and their roles", links), value: float64(refreshed), limit: 10, unit: "AWS calls", count: true},
	}, nil
}

// terraform is the engine in a folder with the configuration.
type terraform struct {
	engine, dir string
	env         []string
	box         *sandbox.Sandbox
}

func newTerraform(dir string, box *sandbox.Sandbox) (*terraform, error) {
	t := &terraform{engine: os.Getenv("XACCT_ENGINE"), dir: filepath.Join(dir, "config"), box: box}
	if t.engine == "" {
		t.engine = "terraform"
	}
	if err := os.Mkdir(t.dir, 0o700); err != nil {
		return nil, err
	}
	rc := filepath.Join(dir, "terraformrc")
	overrides := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  dev_overrides { \"registry.terraform.io/xacct/xacct\" = %q }\n  direct {}\n}\n", dir)
	if err := os.WriteFile(rc, []byte(overrides), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(t.dir, "main.tf"), []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	environment, err := box.Environment(vendor, "us-east-1")
	if err != nil {
		return nil, err
	}
	t.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+rc)
	for name, value := range environment {
		t.env = append(t.env, name+"="+value)
	}
	return t, nil
}

func (t *terraform) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, t.engine, append(args, "-input=false", "-no-color")...)
	cmd.Dir, cmd.Env = t.dir, t.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", filepath.Base(t.engine), args, err, out)
	}
	return nil
}

// count runs the engine and gives the number of calls that it made to AWS,
// printing what they were.
func (t *terraform) count(ctx context.Context, args ...string) (int, error) {
	mark := t.box.Journal().Mark()
	if err := t.run(ctx, args...); err != nil {
		return 0, err
	}
	calls, total := map[string]int{}, 0
	for _, entry := range t.box.Journal().Since(mark) {
		if !entry.Inside {
			calls[entry.Service+":"+entry.Action]++
			total++
		}
	}
	fmt.Printf("%s %s with %d links and roles:", filepath.Base(t.engine), args[0], links)
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		fmt.Printf(" %s %d", name, calls[name])
	}
	fmt.Println()
	return total, nil
}
