// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Facts prints names and values, those without a value left out. On a terminal, long
// values go on below themselves; what is too long for that begins below its name.
func Facts(out io.Writer, pairs ...string) {
	screen := ScreenOf(out)
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			fmt.Fprintln(out, screen.fact("  "+pad(pair[0], 20)+" ", Printable(pair[1])))
		}
	}
}

// fact returns a value after its name, or below it if that is the way to fit it into
// the screen.
func (s Screen) fact(name, value string) string {
	const below = "    "
	room, longest := s.Width-columns(name), widest(value)
	if s.Terminal() && columns(value) > room && (room < narrowest || longest > room && longest <= s.Width-len(below)) {
		return strings.TrimRight(name, " ") + "\n" + s.Hang(below, value)
	}
	return s.Hang(name, value)
}
