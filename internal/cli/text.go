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

// Say writes sentences, formatted as by fmt.Sprintf. On a terminal, a line that is
// too long goes on below itself. What people copy (JSON, policies, links, commands)
// is written without it.
func Say(out io.Writer, format string, args ...any) error {
	_, err := io.WriteString(out, ScreenOf(out).fit(fmt.Sprintf(format, args...)))
	return err
}

// fit returns a text whose lines go on below themselves if the screen is too narrow
// for them, as far right as the line, or the text after its bullet, begins.
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
// part goes on below its own beginning.
func (s Screen) Hang(first, rest string) string {
	indent := columns(first)
	if !s.Terminal() || indent+columns(rest) <= s.Width {
		return first + rest
	}
	return first + strings.Join(Wrap(rest, max(s.Width-indent, narrowest)), "\n"+strings.Repeat(" ", indent))
}

// narrowest is the least width that words are wrapped in.
const narrowest = 16

// Wrap returns a text in lines of at most so many columns, broken between words. A
// word that is longer has a line of its own, so that addresses stay whole, and so
// do commands in backquotes.
func Wrap(text string, most int) []string {
	if columns(text) <= most {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range words(text) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= most:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// words returns the words of a text. What is between backquotes is one word.
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

// columns returns how many columns of a terminal a line takes, with the colours of
// Paint taking none.
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

// pad returns a text with spaces up to so many columns.
func pad(text string, to int) string {
	return text + strings.Repeat(" ", max(0, to-columns(text)))
}
