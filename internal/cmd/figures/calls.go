// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// callsOfManyLinks returns, for several numbers of customers, the AWS calls of an
// apply that creates a link and a role for each, and of a refresh of these, from the
// sandbox's journal.
func callsOfManyLinks(ctx context.Context, dir string) ([]figure, error) {
	if err := trial.Build(ctx, dir, "."); err != nil {
		return nil, err
	}
	var all []figure
	for _, n := range grown() {
		figures, err := callsOf(ctx, filepath.Join(dir, fmt.Sprintf("calls-%d", n)), dir, n)
		if err != nil {
			return nil, fmt.Errorf("%d customers: %w", n, err)
		}
		all = append(all, figures...)
	}
	return all, nil
}

// topicsOfHub is the number of topics of hubWithASet: one for 1,500 customers, in
// each of two Regions.
const topicsOfHub = 14 * 2

// callsOf applies the hub in one state and its customers in another one, so that
// their calls are counted separately.
func callsOf(ctx context.Context, dir, programs string, n int) ([]figure, error) {
	box, err := sandbox.Start()
	if err != nil {
		return nil, err
	}
	defer box.Close()
	for i := range n {
		if err := box.OpenAccount(fmt.Sprintf("2%011d", i), "aws"); err != nil {
			return nil, err
		}
	}
	hub, err := openCounted(box, filepath.Join(dir, "hub"), programs, requires+hubWithASet)
	if err != nil {
		return nil, err
	}
	of, err := openCounted(box, filepath.Join(dir, "customers"), programs, requires+strings.NewReplacer("xacct_hub.this.id", `"figures"`, "xacct_permission_set.this.id", `"figures/audit"`).Replace(customersOfTheSet))
	if err != nil {
		return nil, err
	}
	if err := hub.Run(ctx, "apply", "-auto-approve", "-input=false"); err != nil {
		return nil, err
	}
	customers := fmt.Sprintf("-var=customers=%d", n)
	created, err := of.count(ctx, n, "apply", "-auto-approve", customers)
	if err != nil {
		return nil, err
	}
	refreshed, err := of.count(ctx, n, "plan", "-refresh-only", customers)
	if err != nil {
		return nil, err
	}
	hubs, err := hub.count(ctx, n, "plan", "-refresh-only")
	if err != nil {
		return nil, err
	}
	return []figure{
		{what: fmt.Sprintf("per link created, over %d links with their roles in one apply", n), value: float64(created) / float64(n), limit: 3, unit: "AWS calls", count: true},
		{what: fmt.Sprintf("for a refresh of %d links and their roles", n), value: float64(refreshed), limit: 20, unit: "AWS calls", count: true},
		{what: fmt.Sprintf("for a refresh of their hub, with %d topics", topicsOfHub), value: float64(hubs), limit: 3*topicsOfHub + 25, unit: "AWS calls", count: true},
	}, nil
}

// counted is an engine whose AWS calls are counted.
type counted struct {
	*trial.Terraform
	box *sandbox.Sandbox
}

// openCounted returns an engine in a new folder, with a configuration and the built
// provider of the folder programs.
func openCounted(box *sandbox.Sandbox, dir, programs, configuration string) (*counted, error) {
	environment, err := trial.Environment(box, "us-east-1")
	if err != nil {
		return nil, err
	}
	engine, err := trial.NewTerraform(dir, trial.Override(programs), environment)
	if err != nil {
		return nil, err
	}
	return &counted{engine, box}, engine.Configure(configuration)
}

// count runs the engine, prints the AWS calls that it made for so many customers,
// and returns their number.
func (t *counted) count(ctx context.Context, customers int, args ...string) (int, error) {
	mark := t.box.Journal().Mark()
	if err := t.Run(ctx, append(args, "-input=false")...); err != nil {
		return 0, err
	}
	return printCalls(t.Name(args[0]), t.box.Journal().Since(mark), customers), nil
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
