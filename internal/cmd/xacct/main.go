// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command xacct is the provider's companion: the registrar that answers
// customers while nobody runs Terraform, the operator's views of a hub, and the
// sandbox that stands in for AWS. It reads AWS configuration as every AWS
// program does: environment, shared files, profiles.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/registrar/lambda"
)

// version is set when a release is built.
var version = "dev"

func main() {
	clock, err := processClock(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "xacct:", oneLine(err))
		os.Exit(1)
	}
	os.Exit(run(clock))
}

// run does what the arguments say, and returns the exit code.
func run(clock func() time.Time) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	work := newRootCommand(clock).ExecuteContext
	if lambda.Detected() {
		work = func(ctx context.Context) error { return runFunction(ctx, clock) }
	}
	err := work(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "xacct:", oneLine(err))
	}
	return exitCode(err)
}

func newRootCommand(clock func() time.Time) *cobra.Command {
	root := &cobra.Command{
		Use:           "xacct",
		Short:         "Work in customers' AWS accounts: registrar, operator's views, sandbox",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newRegistrarCommand(clock),
		newLinkCommand(clock),
		newCustomersCommand(clock),
		newBlockCommand(clock),
		newUnblockCommand(clock),
		newVerifyCommand(clock),
		newAdoptCommand(clock),
		newDeadLettersCommand(clock),
		newPolicyCommand(clock),
		newGenerateCommand(),
		newSandboxCommand(),
	)
	return root
}
