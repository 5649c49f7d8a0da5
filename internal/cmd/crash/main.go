// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command crash kills the provider right before and right after every AWS call
// that applies and destroys of a hub, its links and their roles make, applies
// again, and compares the result with a run in which nothing was killed.
// Nothing may be missing, nothing unexpected may exist, and at the end nothing
// may be left. It prints a table of the calls and exits with 1 if a promise is
// broken.
//
// Everything in it except AWS is real: the engine, the provider as a process
// that gets SIGKILL, the registrar. Each round has its own sandbox and folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.IntVar(&o.every, "every", 1, "crash only at every n-th point")
	flag.StringVar(&o.only, "only", "", "crash only at points that contain this text, such as \"destroy: dynamodb\"")
	flag.IntVar(&o.workers, "workers", 12, "number of parallel rounds; most of a round is waiting for leases of killed processes")
	flag.Parse()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

type options struct {
	every   int
	only    string
	workers int
}

// run first runs all steps without a crash, to learn which calls they make and what
// the result is. Then it repeats them with one crash in each step until there was a
// crash at every point.
func run(ctx context.Context, o options) error {
	started := time.Now()
	dir, err := os.MkdirTemp("", "xacct-crash-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	programs, err := build(ctx, dir)
	if err != nil {
		return err
	}
	baseline, err := runBaseline(ctx, programs, filepath.Join(dir, "baseline"))
	if err != nil {
		return fmt.Errorf("the baseline, in which nothing is killed: %w", err)
	}
	rounds := baseline.rounds(o)
	for n, line := range baseline.steps {
		fmt.Printf("%s: %d AWS calls\n", steps[n].name, len(line.calls))
	}
	fmt.Printf("%d crashes in %d rounds.\n", crashesIn(rounds), len(rounds))
	results := runRounds(ctx, programs, baseline, rounds, dir, o.workers)
	if err := ctx.Err(); err != nil {
		return err
	}
	printTable(os.Stdout, results)
	fmt.Printf("%s in %s.\n", summary(results), time.Since(started).Round(time.Second))
	return broken(results)
}

// programs holds the paths of the programs that are run.
type programs struct{ provider, registrar string }

func build(ctx context.Context, dir string) (programs, error) {
	return programs{
		provider:  filepath.Join(dir, "terraform-provider-xacct"),
		registrar: filepath.Join(dir, "trial-registrar"),
	}, trial.Build(ctx, dir, ".", "./internal/cmd/trial-registrar")
}
