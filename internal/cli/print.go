// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

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

// PrintJSON writes a value as indented JSON, without characters that a terminal would
// interpret.
func PrintJSON(out io.Writer, v any) error {
	e := json.NewEncoder(SafeJSON(out))
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// SafeJSON returns a writer that passes JSON on to out, with every non-printing
// character escaped as \u and four digits. Each Write must contain whole values.
// encoding/json escapes only C0 of these: DEL, C1 and marks that change the direction
// of text are left as they are, and customers' strings may contain them. The value
// stays the same, because such characters occur only in strings.
func SafeJSON(out io.Writer) io.Writer { return safeJSON{out} }

type safeJSON struct{ out io.Writer }

func (s safeJSON) Write(p []byte) (int, error) {
	if bytes.IndexFunc(p, interpreted) < 0 {
		return s.out.Write(p)
	}
	safe := make([]byte, 0, len(p)+64)
	for _, r := range string(p) {
		if !interpreted(r) {
			safe = utf8.AppendRune(safe, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			safe = fmt.Appendf(safe, `\u%04x`, unit)
		}
	}
	if _, err := s.out.Write(safe); err != nil {
		return 0, err
	}
	return len(p), nil
}

// interpreted reports whether a terminal may interpret a character instead of showing
// it. Line breaks are allowed: they occur only between values.
func interpreted(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

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
