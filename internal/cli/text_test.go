// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/trial/terminal"
)

func TestSentencesAreWrappedOnlyOnTerminals(t *testing.T) {
	t.Parallel()
	const format = "Hub %s has no registrar: start `xacct registrar --hub acme`.\n\n  - a bullet that is too long\n"
	say := func(columns int) string {
		return terminal.Look{Columns: columns}.Output(t, func(out *os.File) {
			if err := Say(out, format, "acme"); err != nil {
				t.Error(err)
			}
		})
	}
	if got, want := say(0), strings.ReplaceAll(format, "%s", "acme"); got != want {
		t.Errorf("in a pipe: %q", got)
	}
	want := `Hub acme has no
registrar: start
` + "`xacct registrar --hub acme`." + `

  - a bullet that is
    too long
`
	if diff := cmp.Diff(want, say(22)); diff != "" {
		t.Errorf("in 22 columns (-want +got):\n%s", diff)
	}
}

func TestWideCharactersTakeTwoColumnsAndColoursNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"abc": 3, "漢字": 4, "e\u0301": 1, "ｱ": 1, "Ａ": 2, Screen{Coloured: true}.Paint("red", Red): 3} {
		if got := columns(text); got != want {
			t.Errorf("%q takes %d columns, want %d", text, got, want)
		}
	}
}

func TestCommandsInAnErrorStayWhole(t *testing.T) {
	t.Parallel()
	want := []string{"see", "`xacct customers --hub acme`,", "or ask"}
	if diff := cmp.Diff(want, Wrap("see `xacct customers --hub acme`, or ask", 20)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Wrap("a ` alone does nothing", 12); len(got) != 2 {
		t.Errorf("a single backquote: %q", got)
	}
}
