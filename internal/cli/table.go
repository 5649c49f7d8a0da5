// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"io"
	"slices"
	"strings"
)

// Table is a table of text. Columns that are empty in every row are omitted; without
// rows, all columns are printed.
type Table struct {
	rows     [][]string
	optional []string
	colour   map[string]map[string]Colour // by column and text
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

// Colours sets the colours of a column's texts, which only terminals show.
func (t *Table) Colours(column string, of map[string]Colour) {
	if t.colour == nil {
		t.colour = map[string]map[string]Colour{}
	}
	t.colour[column] = of
}

// Optional names columns that are omitted if the terminal is too narrow, the least
// important first. Every table with such columns must have an equivalent in JSON, to
// which the note below the table refers.
func (t *Table) Optional(columns ...string) { t.optional = columns }

// Print writes the table. An empty cell is written as "-". On a terminal that is too
// narrow, the last column is wrapped, then optional columns are omitted; if that is
// not enough, each row is printed as lines of names and values.
func (t *Table) Print(out io.Writer) error {
	_, err := io.WriteString(out, t.render(ScreenOf(out)))
	return err
}

const columnGap = "  "

func (t *Table) render(screen Screen) string {
	rows := t.printed(nil)
	for n := 0; n <= len(t.optional); n++ {
		some := t.printed(t.optional[:n])
		if widths, fits := widthsOf(some, screen); fits {
			note := ""
			if missing := len(rows[0]) - len(some[0]); missing > 0 {
				note = screen.fit("Too narrow for " + strings.Join(without(rows[0], some[0]), ", ") + ": --json has all columns.\n")
			}
			return t.asTable(some, widths, screen) + note
		}
	}
	return t.asRecords(rows, screen)
}

// widthsOf returns the widths of the columns, and whether the screen has room for
// them. The last column may be narrower than its texts, if their words fit.
func widthsOf(rows [][]string, screen Screen) (widths []int, fit bool) {
	widths = make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	last, room := len(widths)-1, screen.Width
	for _, width := range widths[:last] {
		room -= width + len(columnGap)
	}
	if !screen.Terminal() || widths[last] <= room {
		return widths, true
	}
	for _, row := range rows {
		if widest(row[last]) > room {
			return widths, false
		}
	}
	widths[last] = room
	return widths, room >= narrowest
}

func (t *Table) asTable(rows [][]string, widths []int, screen Screen) string {
	var b strings.Builder
	last := len(widths) - 1
	for n, row := range rows {
		before := 0
		for i, cell := range row[:last] {
			b.WriteString(screen.Paint(cell, t.colourOf(rows[0][i], cell, n)) + pad("", widths[i]-columns(cell)) + columnGap)
			before += widths[i] + len(columnGap)
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

// asRecords returns the rows as lines of names and values, with an empty line after
// each row.
func (t *Table) asRecords(rows [][]string, screen Screen) string {
	longest := 0
	for _, name := range rows[0] {
		longest = max(longest, columns(name))
	}
	var records []string
	for n, row := range rows[1:] {
		var b strings.Builder
		for i, cell := range row {
			if cell == "-" {
				continue
			}
			name := screen.Paint(rows[0][i], Bold) + pad("", longest-columns(rows[0][i])) + columnGap
			b.WriteString(screen.fact(name, screen.Paint(cell, t.colourOf(rows[0][i], cell, n+1))) + "\n")
		}
		records = append(records, b.String())
	}
	if len(records) == 0 {
		return screen.fit(strings.Join(rows[0], columnGap) + "\n")
	}
	return strings.Join(records, "\n")
}

// printed returns the header and the rows without the columns that are empty or in
// leftOut.
func (t *Table) printed(leftOut []string) [][]string {
	rows := make([][]string, len(t.rows))
	for column, name := range t.rows[0] {
		if t.empty(column) || slices.Contains(leftOut, name) {
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

// without returns the texts of all that are not in some.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
