// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"os"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/trial/terminal"
)

// TestColoursAreOnlyForTerminalsThatSupportThem is not parallel, because it sets the
// environment.
func TestColoursAreOnlyForTerminalsThatSupportThem(t *testing.T) {
	for _, test := range []struct {
		columns       int
		noColor, term string
		want          Screen
	}{
		{0, "", "xterm-256color", Screen{}},
		{72, "", "xterm-256color", Screen{Width: 72, Coloured: true}},
		{72, "1", "xterm-256color", Screen{Width: 72}},
		{72, "", "dumb", Screen{Width: 72}},
	} {
		t.Setenv("NO_COLOR", test.noColor)
		t.Setenv("TERM", test.term)
		terminal.Look{Columns: test.columns}.Output(t, func(out *os.File) {
			if got := ScreenOf(out); got != test.want {
				t.Errorf("%d columns, NO_COLOR=%q, TERM=%q: %+v, want %+v", test.columns, test.noColor, test.term, got, test.want)
			}
		})
	}
}

func TestAProgressBarLeavesAnEmptyLine(t *testing.T) {
	t.Parallel()
	got := terminal.Look{Columns: 30}.Output(t, func(out *os.File) {
		p := NewProgress(out, "customers", 2)
		p.Step()
		p.End()
	})
	if want := "\r[          ] 0 of 2 customers\r[#####     ] 1 of 2 customers\r                             \r"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
