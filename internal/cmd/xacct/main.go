// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command xacct is the provider's companion: the registrar that answers
// customers while nobody runs Terraform, and the sandbox that stands in for
// AWS. It reads AWS configuration as every AWS program does: environment,
// shared files, profiles.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set when a release is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRootCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "xacct:", err)
		os.Exit(exitCode(err))
	}
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "xacct",
		Short:         "Work in customers' AWS accounts: registrar and sandbox",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newRegistrarCommand(), newSandboxCommand())
	return root
}

// usageError is a mistake in the command's own words: exit code 2, as shells
// and scripts expect.
type usageError struct{ error }

func exitCode(err error) int {
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}
