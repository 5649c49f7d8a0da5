// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestAnErrorIsOneLine(t *testing.T) {
	for want, err := range map[string]error{
		"interrupted":   fmt.Errorf("receive: %w", context.Canceled),
		"one two three": errors.New("one\n\n  two\nthree"),
	} {
		if got := OneLine(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAUsageErrorHasItsOwnExitCode(t *testing.T) {
	for want, err := range map[int]error{
		0: nil,
		1: errors.New("out of order"),
		2: fmt.Errorf("parse: %w", Usage("--hub is missing")),
		3: fmt.Errorf("status: %w", ExitError{3, Usage("--hub is missing")}),
	} {
		if got := ExitCode(err); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}
