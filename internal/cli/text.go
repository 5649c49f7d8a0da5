// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Say writes sentences, formatted as by fmt.Sprintf. On a terminal, long lines are
// wrapped with a hanging indent. Output that people copy (JSON, policies, links,
// commands) must not be written with Say.
func Say(out io.Writer, format string, args ...any) error {
	_, err := io.WriteString(out, ScreenOf(out).fit(fmt.Sprintf(format, args...)))
	return err
}

// fit returns a text wrapped to the screen. Continuation lines are indented as far as
// the line, or the text after its bullet.
func (s Screen) fit(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		rest := strings.TrimPrefix(strings.TrimLeft(line, " "), "- ")
		b.WriteString(s.Hang(line[:len(line)-len(rest)], strings.TrimSuffix(rest, "\n")))
		if strings.HasSuffix(rest, "\n") {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// Hang returns a line of two parts. If the screen is too narrow for it, the second
// part is wrapped with a hanging indent of the first part's width.
func (s Screen) Hang(first, rest string) string {
	indent := columns(first)
	if !s.Terminal() || indent+columns(rest) <= s.Width {
		return first + rest
	}
	return first + strings.Join(Wrap(rest, max(s.Width-indent, narrowest)), "\n"+strings.Repeat(" ", indent))
}

// narrowest is the minimum width that text is wrapped to.
const narrowest = 16

// Wrap returns a text in lines of at most width columns, broken between words. A
// longer word, such as an address, and a command in backquotes are not broken.
func Wrap(text string, width int) []string {
	if columns(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range words(text) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// words returns the words of a text. Text between backquotes is one word.
func words(text string) []string {
	paired, quoted := strings.Count(text, "`")%2 == 0, false
	return strings.FieldsFunc(text, func(r rune) bool {
		if r == '`' {
			quoted = paired && !quoted
		}
		return !quoted && unicode.IsSpace(r)
	})
}

// widest returns the columns of a text's longest word.
func widest(text string) int {
	most := 0
	for _, word := range words(text) {
		most = max(most, columns(word))
	}
	return most
}

// columns returns how many columns of a terminal a line takes. Escape sequences of
// Paint take none.
func columns(line string) int {
	n, colour := 0, false
	for _, r := range line {
		switch kind := width.LookupRune(r).Kind(); {
		case r == '\x1b':
			colour = true
		case colour:
			colour = r != 'm'
		case kind == width.EastAsianWide, kind == width.EastAsianFullwidth:
			n += 2
		case !unicode.In(r, unicode.Mn, unicode.Me):
			n++
		}
	}
	return n
}

// pad returns a text, padded with spaces to a number of columns.
func pad(text string, to int) string {
	return text + strings.Repeat(" ", max(0, to-columns(text)))
}
