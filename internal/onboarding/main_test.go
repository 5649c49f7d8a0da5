// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain runs more and longer random stories than rapid's defaults, unless the command line
// sets the flags.
func TestMain(m *testing.M) {
	defaults := map[string]string{"rapid.checks": "800", "rapid.steps": "100"}
	flag.Parse()
	flag.Visit(func(f *flag.Flag) { delete(defaults, f.Name) })
	for name, value := range defaults {
		if err := flag.Set(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}
