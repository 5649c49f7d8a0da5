// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command figures measures what a user of the provider waits and pays for, and
// prints each figure beside the limit that the project set itself: how fast the
// provider starts, and how many AWS calls an apply and a refresh of many
// customers make, as the sandbox's journal counts them. It fails only if
// something did not work at all, or if a count, which does not depend on the
// machine's speed, is over its limit.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"text/tabwriter"

	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

// figure is one line of the table.
type figure struct {
	what  string
	value float64
	limit float64
	unit  string
	count bool // a number of calls: the same on every machine
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "xacct-figures-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := trial.Build(ctx, dir, "."); err != nil {
		return err
	}
	start, err := providerStart(ctx, filepath.Join(dir, "terraform-provider-xacct"))
	if err != nil {
		return err
	}
	calls, err := callsOfManyLinks(ctx, dir)
	if err != nil {
		return err
	}
	return show(append([]figure{start}, calls...))
}

func show(figures []figure) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "measured\tlimit\tof limit\t\tfigure\t")
	var over []error
	for _, f := range figures {
		fmt.Fprintf(table, "%.4g\t%.4g\t%.0f %%\t%s\t%s\t\n", f.value, f.limit, 100*f.value/f.limit, f.unit, f.what)
		if f.count && f.value > f.limit {
			over = append(over, fmt.Errorf("%s: %.4g is over the limit of %.4g", f.what, f.value, f.limit))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return errors.Join(over...)
}
