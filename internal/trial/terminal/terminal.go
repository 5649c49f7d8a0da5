// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package terminal returns the output of commands as people see it, on a terminal
// with a certain width or in a pipe, for tests.
package terminal

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/spf13/cobra"
)

// Look is a terminal or a pipe that a command writes to.
type Look struct {
	Columns  int  // width of the terminal; 0: a pipe
	Coloured bool // colours may be used
}

// String returns the look as part of a test's message.
func (l Look) String() string {
	if l.Columns == 0 {
		return "in a pipe"
	}
	return fmt.Sprintf("in %d columns", l.Columns)
}

// Output returns what is written to a terminal, or to a pipe.
func (l Look) Output(t testing.TB, write func(out *os.File)) string {
	t.Helper()
	text, err := Capture(l.Columns, write)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Capture returns what is written to a terminal with this many columns, or to a pipe
// if columns is 0.
func Capture(columns int, write func(out *os.File)) (string, error) {
	open := os.Pipe
	if columns > 0 {
		open = pty.Open // what is written to its second file comes out of the first
	}
	read, out, err := open()
	if err != nil {
		return "", err
	}
	defer read.Close()
	if columns > 0 {
		if err := pty.Setsize(out, &pty.Winsize{Rows: 40, Cols: uint16(columns)}); err != nil {
			_ = out.Close() // nothing was written
			return "", err
		}
	}
	written := make(chan string)
	go func() {
		text, _ := io.ReadAll(read) // a terminal ends with an error
		written <- string(text)
	}()
	write(out)
	_ = out.Close() // ends the reader
	return strings.ReplaceAll(<-written, "\r\n", "\n"), nil
}

var (
	colour = regexp.MustCompile("\x1b\\[[0-9;]*m")
	// toCopy matches a line whose end may exceed the terminal, because it is copied
	// whole: an address, an ARN, a path, an assignment, a key or a command.
	toCopy = regexp.MustCompile("^( *|.{1,22}  +|  .{20} |\t.*)(\\S*[/:=]\\S*|\\S{24,}|`[^`]*`\\S*)?$")
)

// Faults returns the faults of a text in this look: escape sequences in a pipe,
// colours on a terminal without them, and lines that are too long, unless they end
// with something that is copied whole.
func (l Look) Faults(text string) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		plain := colour.ReplaceAllLiteralString(line, "")
		if plain != line && (!l.Coloured || l.Columns == 0) {
			fault("colours %s: %q", l, line)
		}
		if strings.Contains(plain, "\x1b") || strings.Contains(plain, "\r") && l.Columns == 0 {
			fault("an escape %s: %q", l, line)
		}
		for part := range strings.SplitSeq(plain, "\r") { // a bar is drawn over itself
			if n := utf8.RuneCountInString(part); l.Columns > 0 && n > l.Columns && !toCopy.MatchString(part) {
				fault("a line of %d characters %s: %q", n, l, part)
			}
		}
	}
	return faults
}

// Commands calls look for every visible command of a tree, with the words that name
// it.
func Commands(root *cobra.Command, look func(cmd *cobra.Command, words []string)) {
	var walk func(*cobra.Command, []string)
	walk = func(cmd *cobra.Command, words []string) {
		look(cmd, words)
		for _, sub := range cmd.Commands() {
			if !sub.Hidden {
				walk(sub, append(words[:len(words):len(words)], sub.Name()))
			}
		}
	}
	root.InitDefaultCompletionCmd()
	walk(root, nil)
}
