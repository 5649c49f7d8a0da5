// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package terminal

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestATerminalShowsWhatIsWrittenToIt(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a line\n", 10_000) // more than a terminal holds unread
	for _, look := range []Look{{}, {Columns: 20}} {
		if got := look.Output(t, func(out *os.File) { fmt.Fprint(out, text) }); got != text {
			t.Errorf("%s %d of %d characters came out", look, len(got), len(text))
		}
	}
}

func TestWideLinesAndColoursAreFaults(t *testing.T) {
	t.Parallel()
	narrow := Look{Columns: 20, Coloured: true}
	for _, test := range []struct {
		text   string
		look   Look
		faults int
	}{
		{"short\n", narrow, 0},
		{"more words than there is room for\n", narrow, 1},
		{"\x1b[31mred\x1b[0m\n", narrow, 0},
		{"\x1b[31mred\x1b[0m\n", Look{Columns: 20}, 1},
		{"\x1b[31mred\x1b[0m\n", Look{Coloured: true}, 1},
		{"\x1b[2J\n", narrow, 1},
		{"\r[##  ]\r[####]\r      \rdone\n", narrow, 0},
		{"\r[##  ]\n", Look{}, 1},
		{"  Stack   arn:aws:cloudformation:us-east-1:222222222222:stack/a/b\n", narrow, 0},
		{"    https://example.com/a/long/address\n", narrow, 0},
		{"for more, see also `xacct customers --hub acme`\n", narrow, 1},
		{"`xacct customers --hub acme`.\n", narrow, 0},
		{"CUSTOMER  ACCOUNT       LINK  STATUS\n", narrow, 1},
		{"any line that is as long as it likes\n", Look{}, 0},
	} {
		if got := test.look.Faults(test.text); len(got) != test.faults {
			t.Errorf("%s, %q: %d faults, want %d: %q", test.look, test.text, len(got), test.faults, got)
		}
	}
}
