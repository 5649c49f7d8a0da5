// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command forge sends a table of forged and broken phone-homes through the
// topics of a hub on the sandbox, with honest customers between them, and
// prints what came of it. It fails where a promise was broken: where anything
// was registered or disconnected, an answer went to a host that is not
// CloudFormation's, or an honest customer was not served.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/xacct/terraform-provider-xacct/internal/e2e"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	table, err := e2e.Forgeries()
	if err != nil {
		return err
	}
	report, err := play(ctx, table)
	if err != nil {
		return err
	}
	report.Print(os.Stdout)
	if n := len(report.Problems); n > 0 {
		return fmt.Errorf("%d promises were broken", n)
	}
	return nil
}

// play is what a test framework would do.
func play(ctx context.Context, table []e2e.Forgery) (report *e2e.Report, err error) {
	stage := &stage{ctx: ctx}
	defer func() {
		if cause := recover(); cause != nil {
			failure, ours := cause.(fatal)
			if !ours {
				panic(cause)
			}
			err = failure
		}
	}()
	defer stage.clear()
	report = e2e.Forge(stage, table)
	report.Problems = append(report.Problems, stage.problems...)
	return report, nil
}
