// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package cli holds what the project's command lines have in common: the root
// command, exit codes, errors on one line, the version, and tables. It imports
// neither AWS's SDK nor Terraform, so that a program that needs neither
// contains neither.
package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// NewRoot returns the root command of a program. Without a subcommand it prints
// its help.
func NewRoot(name, short, version string) *cobra.Command {
	root := &cobra.Command{
		Use:           name,
		Short:         short,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return UsageError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
	})
	root.SetHelpFunc(help)
	return root
}

// Run calls work with a context that SIGINT and SIGTERM cancel, prints its error,
// formatted by explain, after the program's name, and returns the exit code.
func Run(program string, work func(context.Context) error, explain func(error) string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := work(ctx)
	if err != nil {
		_ = Say(os.Stderr, "%s: %s\n", program, explain(err)) // there is no other place to report it
	}
	return ExitCode(err)
}
