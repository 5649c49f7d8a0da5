// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// usageError is a mistake in the command's own words: exit code 2, as shells
// and scripts expect.
type usageError struct{ error }

// exitCode is 0, 1 for what went wrong, and 2 for a mistake in the words.
func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		return 2
	}
	return 1
}

// oneLine is an error for a person at a terminal, and for a log that is read
// line by line. A missing permission says all there is to say by itself; the
// SDK's own words for it are a paragraph.
func oneLine(err error) string {
	if errors.Is(err, context.Canceled) { // only a signal cancels a command
		return "interrupted"
	}
	var denied *awsclient.PermissionError
	if errors.As(err, &denied) {
		return fmt.Sprintf("%s may not do %s on %s: allow it in a policy of that principal", denied.Caller, denied.Action, denied.Resource)
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// noArgs refuses arguments, which are mostly misspelled subcommands.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return usageError{fmt.Errorf("%w; `%s --help` lists what there is", err, cmd.CommandPath())}
	}
	return nil
}

// exactly asks for a number of arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			needed := "one argument is needed"
			if n > 1 {
				needed = fmt.Sprintf("%d arguments are needed", n)
			}
			return usageError{fmt.Errorf("%s, %s; %d were given", needed, what, len(args))}
		}
		return nil
	}
}
