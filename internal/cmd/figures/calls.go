// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

const links = 100

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
// and returns the numbers of calls of the last two, from the sandbox's journal.
func callsOfManyLinks(ctx context.Context, dir string) ([]figure, error) {
	if err := trial.Build(ctx, dir, "."); err != nil {
		return nil, err
	}
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
	t, err := newCounted(dir, box)
	if err != nil {
		return nil, err
	}
	if err := t.Run(ctx, "apply", "-auto-approve", "-input=false", "-var", "links=0"); err != nil {
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

// counted is an engine whose AWS calls are counted.
type counted struct {
	*trial.Terraform
	box *sandbox.Sandbox
}

// newCounted prepares the engine to apply the configuration with the provider in
// a folder.
func newCounted(dir string, box *sandbox.Sandbox) (*counted, error) {
	environment, err := trial.Environment(box, "us-east-1")
	if err != nil {
		return nil, err
	}
	engine, err := trial.NewTerraform(filepath.Join(dir, "config"), trial.Override(dir), environment)
	if err != nil {
		return nil, err
	}
	return &counted{engine, box}, engine.Configure(configuration)
}

// count runs the engine, prints the AWS calls that it made, and returns their
// number.
func (t *counted) count(ctx context.Context, args ...string) (int, error) {
	mark := t.box.Journal().Mark()
	if err := t.Run(ctx, append(args, "-input=false")...); err != nil {
		return 0, err
	}
	return printCalls(t.Name(args[0]), t.box.Journal().Since(mark), links), nil
}

// printCalls prints the AWS calls that were made for so many customers, and
// returns their number.
func printCalls(what string, entries []kernel.Entry, customers int) (total int) {
	calls := map[string]int{}
	for _, entry := range entries {
		if !entry.Inside {
			calls[entry.Service+":"+entry.Action]++
			total++
		}
	}
	fmt.Printf("%s with %d customers:", what, customers)
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		fmt.Printf(" %s %d", name, calls[name])
	}
	fmt.Println()
	return total
}
