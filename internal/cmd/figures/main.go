// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command figures measures what a user of xacct waits and pays for: how fast the
// provider starts, how many AWS calls and how much CPU time an apply and a refresh of
// many customers take, what a fleet of ten thousand costs, how fast a registrar
// connects customers, and how the onboarding API responds under load. It prints each
// figure beside a reference that was measured in the same run, and beside its target.
// It fails only if something did not work at all, or if a number of calls, which does
// not depend on the machine's speed, is over its limit.
//
// Arguments are the parts to measure: start, terraform, calls, fleet, registrar, api
// (default: all). Half of the time is spent on terraform; -most limits its customers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"text/tabwriter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	flag.IntVar(&mostCustomers, "most", growth[len(growth)-1], "maximum number of `customers` of the parts terraform and calls")
	flag.StringVar(&profiles, "profiles", "", "existing `folder` for CPU profiles of the part registrar (default: none)")
	flag.IntVar(&loadPerSecond, "rate", loadPerSecond, "`requests` per second to the onboarding API")
	flag.DurationVar(&loadFor, "for", loadFor, "how long requests are sent to the onboarding API")
	flag.Parse()
	if err := run(ctx, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

// figure is one line of the table.
type figure struct {
	what      string
	value     float64
	unit      string
	reference float64 // 0: none
	of        string  // name of the reference
	limit     float64 // 0: see wanted
	wanted    string
	count     bool // a number of calls, which is the same on every machine: a value over the limit is a failure
}

// part is a group of figures, selected by its name on the command line.
type part struct {
	name    string
	measure func(ctx context.Context, dir string) ([]figure, error)
}

// mostCustomers limits the numbers of customers in growth.
var mostCustomers int

// profiles is the folder for CPU profiles; empty: no profiles.
var profiles string

// profiled runs a function, and writes a CPU profile of this process, which includes
// the sandbox.
func profiled(name string, run func() error) error {
	if profiles == "" {
		return run()
	}
	file, err := os.Create(filepath.Join(profiles, name+".pprof"))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return run()
}

// launchesAtOnce is the number of customers that launch their stacks at the same
// time.
const launchesAtOnce = 300

var parts = []part{
	{name: "start", measure: startFigures},
	{name: "terraform", measure: terraformFigures},
	{name: "calls", measure: callsOfManyLinks},
	{name: "fleet", measure: fleets},
	{name: "registrar", measure: func(ctx context.Context, _ string) ([]figure, error) { return registrarFigures(ctx, launchesAtOnce) }},
	{name: "api", measure: apiLoad},
}

// run measures the parts with the given names, or all parts if there are no names.
func run(ctx context.Context, names []string) error {
	dir, err := os.MkdirTemp("", "xacct-figures-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var figures []figure
	for _, p := range parts {
		if len(names) > 0 && !slices.Contains(names, p.name) {
			continue
		}
		some, err := p.measure(ctx, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		figures = append(figures, some...)
	}
	return show(figures)
}

func show(figures []figure) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "figure\tmeasured\t\treference\t\tratio\twanted")
	var over []error
	for _, f := range figures {
		reference, ratio, wanted := "", "", f.wanted
		if f.reference > 0 {
			reference, ratio = fmt.Sprintf("%.4g", f.reference), fmt.Sprintf("%.2f", f.value/f.reference)
		}
		if wanted == "" {
			wanted = fmt.Sprintf("≤ %.4g", f.limit)
		}
		fmt.Fprintf(table, "%s\t%.4g\t%s\t%s\t%s\t%s\t%s\n", f.what, f.value, f.unit, reference, f.of, ratio, wanted)
		if f.count && f.value > f.limit {
			over = append(over, fmt.Errorf("%s: %.4g is over the limit of %.4g", f.what, f.value, f.limit))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return errors.Join(over...)
}
