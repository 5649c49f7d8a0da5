// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"strings"
)

// maxNamed is the maximum number of customers, accounts or stacks that a message
// names. A hub may have tens of thousands, and a terminal shows a few lines.
const maxNamed = 10

// Plural returns one if n is 1, and otherwise many.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Counted returns a number with its noun: "1 link", "3 links".
func Counted(n int, noun string) string { return fmt.Sprintf("%d %s", n, Plural(n, noun, noun+"s")) }

// SomeOf returns a text with the first names, in the given order, and the number of
// the rest: "a, b, c and 9990 more".
func SomeOf(names []string) string { return some(names, ", ", " and %d more") }

// SomeLines returns the same as SomeOf with each name on a line of its own, after a
// prefix such as "  - ".
func SomeLines(prefix string, names []string) string {
	return prefix + some(names, "\n"+prefix, "\n"+prefix+"and %d more")
}

func some(names []string, separator, rest string) string {
	if more := len(names) - maxNamed; more > 1 { // "1 more" is no shorter than its name
		return strings.Join(names[:maxNamed], separator) + fmt.Sprintf(rest, more)
	}
	return strings.Join(names, separator)
}
