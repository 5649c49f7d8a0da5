// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// help prints a command's help in the width of the terminal, or in 80 columns.
func help(cmd *cobra.Command, _ []string) {
	out := cmd.OutOrStdout()
	width := cmp.Or(ScreenOf(out).Width, 80)
	about := strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short))
	before, after, found := strings.Cut(cmd.UsageString(), cmd.Example)
	if cmd.Example == "" || !found {
		before, after = before+after, ""
	}
	// Examples are commands to copy, and stay as they are.
	fmt.Fprint(out, reflow(about, width), "\n", reflow(before, width), cmd.Example, reflow(after, width))
}

// continuationIndent is how many columns deeper than an entry its continuation lines
// are indented.
const continuationIndent = 6

// reflow returns a help text in lines of at most width columns. Consecutive lines
// without an indent are a paragraph. An indented line, together with the more deeply
// indented lines after it, is an entry of a list; its lines are wrapped to its second
// column.
func reflow(text string, width int) string {
	var b strings.Builder
	var block []string // the lines of a paragraph or of an entry
	flush := func() {
		if len(block) > 0 {
			b.WriteString(reflowed(block, width))
		}
		block = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		switch indent := indentOf(line); {
		case line == "":
			flush()
			b.WriteByte('\n')
			continue
		case strings.HasPrefix(line, "\t"): // a command to copy
			flush()
			b.WriteString(line + "\n")
			continue
		case len(block) == 0:
		case indent == 0 && indentOf(block[0]) == 0:
		case indent > 0 && indentOf(block[0]) > 0 && indent >= indentOf(block[0])+continuationIndent:
		default:
			flush()
		}
		block = append(block, line)
	}
	flush()
	return b.String()
}

// reflowed returns one paragraph or entry, wrapped to the width.
func reflowed(block []string, width int) string {
	text := block[0]
	for _, line := range block[1:] {
		text += " " + strings.TrimSpace(line)
	}
	start := secondColumn(text)
	if start > width/2 {
		start = indentOf(text)
	}
	return Screen{Width: width}.Hang(text[:start], text[start:]) + "\n"
}

// secondColumn returns where the second column of an entry begins: after the first
// two spaces in it. For a line without a second column it returns the indent.
func secondColumn(line string) int {
	indent := indentOf(line)
	if _, after, found := strings.Cut(line[indent:], columnGap); indent > 0 && found {
		return len(line) - len(strings.TrimLeft(after, " "))
	}
	return indent
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
