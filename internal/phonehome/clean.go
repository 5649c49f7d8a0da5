// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean returns a customer's text with every character that cannot be seen replaced
// by U+FFFD: control characters (C0, DEL, C1), marks that change the direction of
// text, and all others that a terminal or a reader would interpret.
//
// Texts are cleaned here, where they are decoded, because registered values are later
// written to tables, JSON, logs, events and Terraform's state.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}

// isClean reports whether clean would not change a text.
func isClean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// bounded returns a text, or an empty one if it has more than limit bytes.
func bounded(s string, limit int) string {
	if len(s) > limit {
		return ""
	}
	return s
}

// truncate returns the longest beginning of a text that has at most limit bytes.
func truncate(s string, limit int) string {
	for at := limit; len(s) > limit; at-- {
		if utf8.RuneStart(s[at]) {
			s = s[:at]
		}
	}
	return s
}
