// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean returns a customer's text with every character that can't be seen as
// U+FFFD: control characters (C0, DEL, C1), marks that turn the direction of
// text, and whatever else a terminal or a reader would obey.
//
// It is done here, where the text comes in, because what is registered goes into
// tables, JSON, logs, events and Terraform's state.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}

// isClean reports whether clean would leave a text as it is.
func isClean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// bounded returns a text, or an empty one if it is longer than a number of bytes.
func bounded(s string, limit int) string {
	if len(s) > limit {
		return ""
	}
	return s
}

// cut returns as much of a text as has a number of bytes at most.
func cut(s string, limit int) string {
	for at := limit; len(s) > limit; at-- {
		if utf8.RuneStart(s[at]) {
			s = s[:at]
		}
	}
	return s
}
