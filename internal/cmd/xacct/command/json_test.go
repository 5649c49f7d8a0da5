// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/trial/terminal"
)

// withoutJSON has the commands without --json, each with the reason.
var withoutJSON = map[string]string{
	"generate":    "writes files",
	"policy":      "prints a policy, which is JSON or Terraform",
	"registrar":   "runs, and logs",
	"serve":       "runs, and logs",
	"serve token": "prints one line for the file of tokens",
	"completion":  "prints a script for a shell",
}

// TestEveryCommandPrintsJSONOnRequest walks the tree of commands: vendors' scripts
// use all of them.
func TestEveryCommandPrintsJSONOnRequest(t *testing.T) {
	t.Parallel()
	excused := func(words []string) bool {
		for n := range words {
			if withoutJSON[strings.Join(words[:n+1], " ")] != "" {
				return true
			}
		}
		return false
	}
	asked := 0
	terminal.Commands(newRootCommand(thisTest), func(cmd *cobra.Command, words []string) {
		if cmd.HasAvailableSubCommands() || excused(words) { // a group shows its commands
			return
		}
		asked++
		if cmd.Flags().Lookup("json") == nil {
			t.Errorf("xacct %s has no --json", strings.Join(words, " "))
		} else if !strings.Contains(cmd.Long, "--json") {
			t.Errorf("the help of xacct %s does not describe what --json prints", strings.Join(words, " "))
		}
	})
	if asked < 16 {
		t.Errorf("only %d commands were checked", asked)
	}
}
