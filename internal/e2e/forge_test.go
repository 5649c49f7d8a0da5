// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"testing"
)

func TestForgeriesChangeNothingAndHoldUpNobody(t *testing.T) {
	t.Parallel()
	table, err := Forgeries()
	if err != nil {
		t.Fatal(err)
	}
	if len(table) < 150 {
		t.Errorf("the table has %d forgeries only", len(table))
	}
	report := Forge(t, table)
	report.Print(t.Output())
	for _, problem := range report.Problems {
		t.Error(problem)
	}
	if report.Served != report.Honest || report.Honest < len(table)/honestEvery {
		t.Errorf("%d of %d honest customers were served", report.Served, report.Honest)
	}
}
