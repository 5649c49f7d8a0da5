// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snippets

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// ParsedBy fails the test unless a program can parse all of its command lines in the
// documentation. It also fails if it finds fewer command lines than atLeast. newRoot
// returns a new root command of the program.
func ParsedBy(t *testing.T, repository, program string, atLeast int, newRoot func() *cobra.Command) {
	t.Helper()
	all, err := Commands(repository, program, "go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, c := range all {
		arguments, ours := c.Of(program)
		if !ours {
			continue
		}
		checked++
		root := newRoot()
		root.InitDefaultVersionFlag()
		cmd, rest, err := root.Find(arguments)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err == nil && !c.Inline {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil {
			t.Errorf("%s: %s %s: %v", c.Place, program, strings.Join(arguments, " "), err)
		} else if cmd == root && !cmd.Flags().Changed("version") && !cmd.Flags().Changed("help") {
			t.Errorf("%s: %s %s: there is no such command", c.Place, program, strings.Join(arguments, " "))
		}
	}
	if checked < atLeast {
		t.Errorf("only %d commands were found", checked)
	}
}
