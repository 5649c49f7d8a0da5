// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Facts prints pairs of a name and a value, except those with an empty value. On a
// terminal, long values are wrapped with a hanging indent; values that are too long
// for that begin on the line below the name.
func Facts(out io.Writer, pairs ...string) {
	screen := ScreenOf(out)
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			fmt.Fprintln(out, screen.fact("  "+pad(pair[0], 20)+" ", Printable(pair[1])))
		}
	}
}

// fact returns a value after its name, or below it if it fits the screen only
// there.
func (s Screen) fact(name, value string) string {
	const below = "    "
	room, longest := s.Width-columns(name), widest(value)
	if s.Terminal() && columns(value) > room && (room < narrowest || longest > room && longest <= s.Width-len(below)) {
		return strings.TrimRight(name, " ") + "\n" + s.Hang(below, value)
	}
	return s.Hang(name, value)
}
