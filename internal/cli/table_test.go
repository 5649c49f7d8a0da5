// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func reasons() *Table {
	table := NewTable("ID", "STATUS", "REASON")
	table.Row("globex", "active", "")
	table.Row("umbrella", "degraded", "the role can no longer be assumed, see https://example.com/a/long/address/of/a/page")
	table.Colours("STATUS", map[string]Colour{"active": Green, "degraded": Red})
	return table
}

func TestATerminalThatIsTooNarrowWrapsTheLastColumn(t *testing.T) {
	t.Parallel()
	want := `ID        STATUS    REASON
globex    active    -
umbrella  degraded  the role can no longer be assumed, see
                    https://example.com/a/long/address/of/a/page
`
	if diff := cmp.Diff(want, reasons().render(Screen{Width: 66})); diff != "" {
		t.Errorf("66 columns (-want +got):\n%s", diff)
	}
	for _, width := range []int{0, 300} { // no terminal, and a wide one
		if lines := strings.Count(reasons().render(Screen{Width: width}), "\n"); lines != 3 {
			t.Errorf("%d columns: %d lines", width, lines)
		}
	}
}

func TestATerminalThatIsTooNarrowOmitsOptionalColumns(t *testing.T) {
	t.Parallel()
	table := reasons()
	table.Optional("STATUS")
	want := `ID        REASON
globex    -
umbrella  the role can no longer be assumed, see
          https://example.com/a/long/address/of/a/page
Too narrow for STATUS: --json has all columns.
`
	if diff := cmp.Diff(want, table.render(Screen{Width: 56})); diff != "" {
		t.Errorf("56 columns (-want +got):\n%s", diff)
	}
}

func TestATableThatIsTooWideIsPrintedRowByRow(t *testing.T) {
	t.Parallel()
	want := `ID      globex
STATUS  active

ID      umbrella
STATUS  degraded
REASON  the role can no longer be
        assumed, see
        https://example.com/a/long/address/of/a/page
`
	if diff := cmp.Diff(want, reasons().render(Screen{Width: 36})); diff != "" {
		t.Errorf("36 columns (-want +got):\n%s", diff)
	}
	if got := NewTable("CUSTOMER", "A-LONG-NAME").render(Screen{Width: 18}); got != "CUSTOMER\nA-LONG-NAME\n" {
		t.Errorf("a header alone: %q", got)
	}
}

func TestColoursDontMoveColumns(t *testing.T) {
	t.Parallel()
	plain, coloured := reasons().render(Screen{Width: 200}), reasons().render(Screen{Width: 200, Coloured: true})
	if !strings.Contains(coloured, "\x1b[31mdegraded\x1b[0m") || !strings.Contains(coloured, "\x1b[32mactive\x1b[0m") {
		t.Errorf("no colours: %q", coloured)
	}
	for _, code := range []string{"0", "1", "31", "32"} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+code+"m", "")
	}
	if diff := cmp.Diff(plain, coloured); diff != "" {
		t.Errorf("the table differs without the colours (-want +got):\n%s", diff)
	}
}

func TestAFileHasNeitherColoursNorWidth(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if s := ScreenOf(file); s != (Screen{}) || s.Terminal() {
		t.Errorf("a file is %+v", s)
	}
	if got := ScreenOf(file).Paint("text", Red); got != "text" {
		t.Errorf("painted as %q", got)
	}
}

func TestWrappedTextLosesNoWord(t *testing.T) {
	t.Parallel()
	text := "eins zwei drei vier fünf sechs sieben"
	for width := 1; width < 40; width++ {
		lines := Wrap(text, width)
		if got := strings.Join(lines, " "); got != text {
			t.Errorf("width %d: %q", width, got)
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > width && strings.Contains(line, " ") {
				t.Errorf("width %d: line %q is too long", width, line)
			}
		}
	}
}
