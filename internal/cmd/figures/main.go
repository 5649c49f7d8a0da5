// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command figures measures what a user of xacct waits and pays for, and prints
// each figure beside a reference that was measured in the same run, and what is
// wanted: how fast the provider starts, how many AWS calls an apply and a refresh
// of many customers make, as the sandbox's journal counts them, what CPU they take,
// what a fleet of ten thousand costs, how fast a registrar connects customers, and what the onboarding API answers under load.
// It fails only if something did not work at all, or if a count, which does not
// depend on the machine's speed, is over its limit.
//
// Arguments are the parts to measure: start, terraform, calls, fleet, registrar, api;
// default all. terraform takes half of the time: -most bounds its customers.
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
	flag.IntVar(&mostCustomers, "most", growth[len(growth)-1], "show no growth beyond so many `customers`")
	flag.StringVar(&profiles, "profiles", "", "write CPU profiles of the registrar's figures into this existing `folder`")
	flag.IntVar(&loadPerSecond, "rate", loadPerSecond, "`requests` a second to the onboarding API")
	flag.DurationVar(&loadFor, "for", loadFor, "how long they are sent")
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
	reference float64 // 0: there is none
	of        string  // what the reference is
	limit     float64 // 0: wanted says it
	wanted    string
	count     bool // a number of calls, which is the same on every machine: over the limit is a failure
}

// part is a part of the figures, which can be asked for by its name.
type part struct {
	name    string
	measure func(ctx context.Context, dir string) ([]figure, error)
}

// mostCustomers bounds the numbers of customers that growth is shown for.
var mostCustomers int

// profiles is the folder that CPU profiles are written into; empty: none are.
var profiles string

// profiled runs a function, and writes the CPU profile of this process meanwhile: the
// sandbox answers in it.
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

// launchesAtOnce is how many customers launch their stacks at once.
const launchesAtOnce = 300

var parts = []part{
	{name: "start", measure: startFigures},
	{name: "terraform", measure: terraformFigures},
	{name: "calls", measure: callsOfManyLinks},
	{name: "fleet", measure: fleets},
	{name: "registrar", measure: func(ctx context.Context, _ string) ([]figure, error) { return registrarFigures(ctx, launchesAtOnce) }},
	{name: "api", measure: apiLoad},
}

// run measures the parts of the given names; none: all.
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
