// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// table is rows of text in columns. A column that is empty in every row is
// left out.
type table struct{ rows [][]string }

func newTable(columns ...string) *table { return &table{rows: [][]string{columns}} }

func (t *table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = printable(cell)
	}
	t.rows = append(t.rows, cells)
}

func (t *table) print(out io.Writer) error {
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

func (t *table) empty(column int) bool {
	for _, row := range t.rows[1:] {
		if row[column] != "" {
			return false
		}
	}
	return true
}

// printable is text of somebody else's on one line, with nothing in it that a
// terminal would obey.
func printable(s string) string {
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

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// day is a date as people read it; empty for none.
func day(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// moment is a date and a time, UTC; empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

// ago is an age in the largest unit that it fills at least once.
func ago(t *time.Time, now time.Time) string {
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
