// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestCustomersAndListedValuesAreCompleted walks the tree of commands, so that it
// includes new ones.
func TestCustomersAndListedValuesAreCompleted(t *testing.T) {
	t.Parallel()
	named := map[string]bool{"hub": true, "customer": true, "after": true, "permission-set": true, "region": true, "regions": true, "link-region": true, "hub-region": true}
	listed := regexp.MustCompile(`: [A-Za-z]+(, | or | \([^)]*\) or )[A-Za-z]+|^one of `) // "csv or jsonl", "read, write, operate"
	commands := 0
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		commands++
		if strings.Contains(cmd.Use, "CUSTOMER") && cmd.ValidArgsFunction == nil {
			t.Errorf("%s does not complete customer IDs", cmd.CommandPath())
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			values := f.Value.Type() == "string" || f.Value.Type() == "stringSlice"
			if _, there := cmd.GetFlagCompletionFunc(f.Name); !there && values && (named[f.Name] || listed.MatchString(f.Usage)) {
				t.Errorf("%s --%s is not completed: %s", cmd.CommandPath(), f.Name, f.Usage)
			}
		})
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRootCommand(thisTest))
	if commands < 30 {
		t.Errorf("only %d commands were seen", commands)
	}
}
