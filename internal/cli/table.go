// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Table is rows of text in columns. A column that is empty in every row is left
// out; without rows all are printed.
type Table struct {
	rows   [][]string
	colour map[string]map[string]Colour // by column and text
}

// NewTable returns a table with only its header.
func NewTable(columns ...string) *Table { return &Table{rows: [][]string{columns}} }

// Row adds a row, whose cells are made printable.
func (t *Table) Row(cells ...string) {
	for i, cell := range cells {
		cells[i] = Printable(cell)
	}
	t.rows = append(t.rows, cells)
}

// Colours gives the texts of a column colours, which only terminals show.
func (t *Table) Colours(column string, of map[string]Colour) {
	if t.colour == nil {
		t.colour = map[string]map[string]Colour{}
	}
	t.colour[column] = of
}

// Print writes the table. An empty cell is written as "-". On a terminal that is
// too narrow, the last column goes on below itself.
func (t *Table) Print(out io.Writer) error {
	_, err := io.WriteString(out, t.render(ScreenOf(out)))
	return err
}

const (
	columnGap = "  "
	// narrowest is the least width of the last column that words are wrapped in.
	narrowest = 16
)

func (t *Table) render(screen Screen) string {
	rows := t.printed()
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	last, before := len(widths)-1, 0
	for _, width := range widths[:last] {
		before += width + len(columnGap)
	}
	if room := screen.Width - before; screen.Width > 0 && widths[last] > room && room >= narrowest {
		widths[last] = room
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row[:last] {
			b.WriteString(screen.Paint(cell, t.colourOf(rows[0][i], cell, n)))
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)) + columnGap)
		}
		for i, line := range Wrap(row[last], widths[last]) {
			if i > 0 {
				b.WriteString("\n" + strings.Repeat(" ", before))
			}
			b.WriteString(screen.Paint(line, t.colourOf(rows[0][last], row[last], n)))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// printed returns the header and the rows without the columns that are empty.
func (t *Table) printed() [][]string {
	rows := make([][]string, len(t.rows))
	for column := range t.rows[0] {
		if t.empty(column) {
			continue
		}
		for n, row := range t.rows {
			cell := row[column]
			if cell == "" && n > 0 {
				cell = "-"
			}
			rows[n] = append(rows[n], cell)
		}
	}
	return rows
}

func (t *Table) empty(column int) bool {
	return len(t.rows) > 1 && !slices.ContainsFunc(t.rows[1:], func(row []string) bool { return row[column] != "" })
}

func (t *Table) colourOf(column, cell string, row int) Colour {
	if row == 0 {
		return Bold
	}
	return t.colour[column][cell]
}

// Facts prints names and values, those without a value left out. On a terminal,
// long values go on below themselves.
func Facts(out io.Writer, pairs ...string) {
	const indent = 23
	screen := ScreenOf(out)
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] == "" {
			continue
		}
		value, room := []string{Printable(pair[1])}, screen.Width-indent
		if room >= narrowest {
			value = Wrap(value[0], room)
		}
		fmt.Fprintf(out, "  %-20s %s\n", pair[0], strings.Join(value, "\n"+strings.Repeat(" ", indent)))
	}
}

// Wrap returns a text in lines of at most so many characters, broken between
// words; a word that is longer has a line of its own, so that addresses stay
// whole.
func Wrap(text string, width int) []string {
	if utf8.RuneCountInString(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}
