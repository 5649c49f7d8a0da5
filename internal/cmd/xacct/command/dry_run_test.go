// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/trial/terminal"
)

// withoutDryRun has the commands without --dry-run, each with the reason.
var withoutDryRun = map[string]string{
	"completion":           "prints a script for a shell",
	"customers list":       "only reads",
	"customers show":       "only reads",
	"dead-letters list":    "only reads",
	"dead-letters show":    "only reads",
	"dead-letters redrive": "`dead-letters list` shows what --all sends back",
	"dead-letters delete":  "`dead-letters list` shows what --all deletes",
	"generate":             "overwrites nothing without --force, and --out - prints the files",
	"hub show":             "only reads",
	"link":                 "only reads",
	"permission-set list":  "only reads",
	"policy":               "only reads",
	"registrar":            "runs until it is stopped",
	"serve":                "runs until it is stopped; `serve token` only prints",
	"status":               "only reads",
	"verify":               "records what the proofs of roles show, as registrars do every day",
}

// TestEveryCommandThatWritesHasADryRun walks the tree of commands.
func TestEveryCommandThatWritesHasADryRun(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	excepted := func(words []string) bool {
		for n := range words {
			if name := strings.Join(words[:n+1], " "); withoutDryRun[name] != "" {
				used[name] = true
				return true
			}
		}
		return false
	}
	with := 0
	terminal.Commands(newRootCommand(thisTest), func(cmd *cobra.Command, words []string) {
		name := strings.Join(words, " ")
		switch has := cmd.Flags().Lookup("dry-run") != nil; {
		case cmd.HasAvailableSubCommands(): // its commands are walked
		case has:
			with++
		case !excepted(words):
			t.Errorf("xacct %s has no --dry-run: add it, or an exception with its reason", name)
		}
	})
	if with < 10 {
		t.Errorf("only %d commands have --dry-run", with)
	}
	for name := range withoutDryRun {
		if !used[name] {
			t.Errorf("the exception for xacct %s is not needed", name)
		}
	}
}
