// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"flag"
	"slices"
	"testing"
)

// rounds is how many times the table is sent; `make forge` sends it more than once.
var rounds = flag.Int("forge.rounds", 1, "how often the whole table of forgeries is sent")

// TestForgeriesChangeNothingAndDelayNoCustomer sends the table of forged and
// broken phone-homes, testdata/forged.yaml, with honest customers between them.
// No forgery may register or disconnect a role, no answer may go to a host that
// is not CloudFormation's, and every honest customer must be served.
func TestForgeriesChangeNothingAndDelayNoCustomer(t *testing.T) {
	t.Parallel()
	table, err := forgeries()
	if err != nil {
		t.Fatal(err)
	}
	if len(table) < 150 {
		t.Errorf("the table has only %d forgeries", len(table))
	}
	sent := slices.Repeat(table, *rounds)
	report := sendForgeries(t, sent)
	report.print(t.Output())
	for _, problem := range report.Problems {
		t.Error(problem)
	}
	if report.Served != report.Honest || report.Honest < len(sent)/honestEvery {
		t.Errorf("%d of %d honest customers were served", report.Served, report.Honest)
	}
}
