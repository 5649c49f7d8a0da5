// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Table is rows of text in columns. A column that is empty in every row is left
// out; without rows all are printed.
type Table struct{ rows [][]string }

// NewTable returns a table with only its header.
func NewTable(columns ...string) *Table { return &Table{rows: [][]string{columns}} }

// Row adds a row, whose cells are made printable.
func (t *Table) Row(cells ...string) {
	for i, cell := range cells {
		cells[i] = Printable(cell)
	}
	t.rows = append(t.rows, cells)
}

// Print writes the table. An empty cell is written as "-".
func (t *Table) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for n, row := range t.rows {
		var cells []string
		for i, cell := range row {
			if t.empty(i) {
				continue
			}
			if cell == "" && n > 0 {
				cell = "-"
			}
			cells = append(cells, cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

func (t *Table) empty(column int) bool {
	if len(t.rows) == 1 {
		return false
	}
	for _, row := range t.rows[1:] {
		if row[column] != "" {
			return false
		}
	}
	return true
}

// Printable returns untrusted text on one line, without characters that a
// terminal would interpret.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return '�'
		}
		return r
	}, s)
}

// PrintJSON writes a value as indented JSON.
func PrintJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Day returns the date as YYYY-MM-DD in UTC; empty for nil.
func Day(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// Moment returns the date and time in UTC; empty for the zero time.
func Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

// Ago returns the age of a time in the largest unit that it fills at least
// once; empty for nil.
func Ago(t *time.Time, now time.Time) string {
	if t == nil {
		return ""
	}
	age := max(0, now.Sub(*t))
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if age >= unit.size {
			return fmt.Sprintf("%d%s ago", age/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%ds ago", age/time.Second)
}
