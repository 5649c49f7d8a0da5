// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command chaos tests that no request is lost. Hundreds of customers create, update,
// delete and recreate thousands of stacks in a sandbox in which every service
// throttles, fails and loses responses, and messages arrive late, twice and out of
// order, while registrars are killed. The registrars are real processes that differ
// from `xacct registrar` only in their clock.
//
// At the end it compares what CloudFormation saw and what the registry holds
// with what the customers did, prints the figures, and exits non-zero if a
// promise is broken.
//
// The sandbox's clock runs faster than the machine's, so that minutes of delay
// take seconds; the registrars use the same clock. How fast depends on the
// machine (see pace.go). A seed repeats every decision of the customers and of
// the killer. Which call of which process a fault hits depends on how the
// operating system interleaves them, and is not repeated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// options configure a run.
type options struct {
	stacks     int
	accounts   int
	seed       uint64
	registrars int
	kills      int
	faults     float64 // share of calls that are throttled or fail
	swallowed  float64 // share of calls that are executed, but whose answer is lost
	refused    float64 // share of correct answers that CloudFormation's buckets refuse
	duplicates float64 // share of messages that come twice
	delay      time.Duration
	rate       float64 // maximum rate of the sandbox's clock
	timeout    time.Duration
	limit      time.Duration // of the whole run, by the machine's clock
	binary     string        // of trial-registrar; empty: built
	profile    string        // file for a CPU profile of sandbox and customers
	keep       string        // folder for the registrars' logs; empty: kept only if a promise was broken
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.IntVar(&o.stacks, "stacks", 10_000, "number of stacks to launch")
	flags.IntVar(&o.accounts, "accounts", 500, "number of customers, each with an AWS account")
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()%1_000_000), "seed of the random decisions, to repeat those of an earlier run (default: from the time)")
	flags.IntVar(&o.registrars, "registrars", 3, "number of registrars")
	flags.IntVar(&o.kills, "kills", 30, "how many times a registrar is killed with SIGKILL")
	flags.Float64Var(&o.faults, "faults", 0.05, "share of calls that are throttled or fail, in every service")
	flags.Float64Var(&o.swallowed, "lost", 0.01, "share of the registrars' calls that are executed, but whose answer is lost")
	flags.Float64Var(&o.refused, "refused", 0.03, "share of correct answers that CloudFormation's buckets refuse, with 400, 409 and 403")
	flags.Float64Var(&o.duplicates, "duplicates", 0.1, "share of messages that are delivered twice")
	flags.DurationVar(&o.delay, "delay", 2*time.Minute, "longest delay of a message between topic and queue")
	flags.Float64Var(&o.rate, "rate", 15, "highest rate of the sandbox's clock: its seconds per second of the machine")
	flags.DurationVar(&o.timeout, "response-timeout", 15*time.Minute, "the hub's timeout, by the sandbox's clock")
	flags.DurationVar(&o.limit, "limit", 30*time.Minute, "give up after this time")
	flags.StringVar(&o.binary, "registrar", "", "the trial-registrar program (default: built)")
	flags.StringVar(&o.profile, "cpuprofile", "", "file for a CPU profile of the sandbox and the customers")
	flags.StringVar(&o.keep, "logs", "", "folder for the registrars' logs (default: kept only if a promise was broken)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.accounts < 2 || o.stacks < o.accounts:
		return o, fmt.Errorf("--accounts must be at least 2, and --stacks at least as many")
	case o.registrars < 1:
		return o, fmt.Errorf("--registrars must be at least 1")
	case o.rate <= 0:
		return o, fmt.Errorf("--rate must be more than 0")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "xacct-chaos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.binary == "" {
		if err := trial.Build(ctx, dir, "./internal/cmd/trial-registrar"); err != nil {
			return err
		}
		o.binary = filepath.Join(dir, "trial-registrar")
	}
	if o.profile != "" {
		stop, err := profile(o.profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	logs := o.keep
	if logs == "" {
		logs = filepath.Join(dir, "logs")
	}
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return err
	}
	report, err := simulate(ctx, o, logs, out)
	if err != nil {
		return err
	}
	report.print(out)
	if broken := report.broken(); broken != nil {
		if o.keep == "" {
			logs = keepLogs(logs)
		}
		return fmt.Errorf("seed %d: %w\nthe registrars' logs are in %s", o.seed, broken, logs)
	}
	return nil
}

func profile(path string) (stop func(), err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close() // reading a truncated profile fails with an error
	}, nil
}

// keepLogs moves the logs out of the temporary folder, and returns their new folder.
func keepLogs(logs string) string {
	kept, err := os.MkdirTemp("", "xacct-chaos-logs-")
	if err != nil {
		return logs
	}
	files, _ := filepath.Glob(filepath.Join(logs, "*")) // the pattern is valid
	for _, file := range files {
		_ = os.Rename(file, filepath.Join(kept, filepath.Base(file))) // only a log would be left behind
	}
	return kept
}

// errInterrupted is the error of an interrupted run, which has no verdict: it would
// always look broken.
var errInterrupted = errors.New("interrupted, not judged")

// simulate runs the registrars and customers, and returns the report on what they
// did. It returns errInterrupted if ctx is cancelled.
func simulate(ctx context.Context, o options, logs string, out io.Writer) (*report, error) {
	w, err := newWorld(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("prepare the world: %w", err)
	}
	defer w.box.Close()
	fmt.Fprintf(out, "%d stacks in %d accounts, %d registrars, %d kills, seed %d\n", o.stacks, o.accounts, o.registrars, o.kills, o.seed)
	fmt.Fprintf(out, "%.0f %% of all calls fail, %.0f %% of answers are lost, %.0f %% of messages come twice, up to %s late, in any order\n",
		100*o.faults, 100*o.swallowed, 100*o.duplicates, o.delay)
	fmt.Fprintf(out, "%.0f %% of correct answers are refused by CloudFormation's buckets, with 400, 409 and 403\n", 100*o.refused)
	fmt.Fprintf(out, "the sandbox's clock runs up to %.0f times as fast as the machine's\n\n", o.rate)

	fleet, err := newFleet(ctx, w, logs)
	if err != nil {
		return nil, err
	}
	defer fleet.stop()
	w.injectFaults()
	started := time.Now()
	stopPacing, stopPrinting := w.pace(), w.printProgress(out, started, fleet)
	w.runCustomers(ctx, fleet)
	drained := w.drain(ctx)
	took := time.Since(started)
	stopPrinting()
	stopPacing()
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, fmt.Errorf("%w: %d of %d stacks were launched", errInterrupted, w.launched.Load(), o.stacks)
	}
	w.box.Faults().Clear()
	// A run that takes too long reports how far it came.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return w.judge(ctx, fleet, took, drained)
}
