// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// UsageError is a mistake in how a command was called: exit code 2, as is usual
// for command lines.
type UsageError struct{ error }

// Usage returns a UsageError with a message formatted as by fmt.Errorf.
func Usage(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// Unwrap returns the underlying error.
func (e UsageError) Unwrap() error { return e.error }

// ExitError is an error with an exit code of its own.
type ExitError struct {
	Code int
	Err  error
}

// Error returns the underlying error's text.
func (e ExitError) Error() string { return e.Err.Error() }

// Unwrap returns the underlying error.
func (e ExitError) Unwrap() error { return e.Err }

// ExitCode returns 0 for no error, an ExitError's own code, 2 for a UsageError and
// 1 for any other.
func ExitCode(err error) int {
	var usage UsageError
	var exit ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Code
	case errors.As(err, &usage):
		return 2
	}
	return 1
}

// OneLine returns an error's text on one line, for a person at a terminal and
// for a log that is read line by line.
func OneLine(err error) string {
	if errors.Is(err, context.Canceled) { // only a signal cancels a command
		return "interrupted"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// NoArgs refuses arguments, which are mostly misspelled subcommands.
func NoArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return Usage("%w; see `%s --help`", err, cmd.CommandPath())
	}
	return nil
}

// Exactly requires n arguments; what names them.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			needed := "one argument is needed"
			if n > 1 {
				needed = fmt.Sprintf("%d arguments are needed", n)
			}
			return Usage("%s, %s; %d were given", needed, what, len(args))
		}
		return nil
	}
}
