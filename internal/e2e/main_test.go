// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain sets the number of specifications that the property test draws, unless the
// command line sets it.
func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if !chosen {
		if err := flag.Set("rapid.checks", "300"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}
