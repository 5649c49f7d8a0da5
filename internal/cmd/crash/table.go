// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// printTable prints one line for each call, in the order of the steps.
func printTable(w io.Writer, results []result) {
	lines := map[call]map[moment]result{}
	var order []call
	for _, r := range results {
		if lines[r.call] == nil {
			lines[r.call] = map[moment]result{}
			order = append(order, r.call)
		}
		lines[r.call][r.at] = r
	}
	slices.SortFunc(order, func(a, b call) int {
		if d := stepNumber(a.step) - stepNumber(b.step); d != 0 {
			return d
		}
		if d := strings.Compare(a.kind, b.kind); d != 0 {
			return d
		}
		return a.nth - b.nth
	})
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STEP\tCALL\tNO.\tKILLED BEFORE\tKILLED AFTER\tENGINE KILLED TOO\tDESTROYED INSTEAD")
	for _, c := range order {
		fmt.Fprintf(table, "%s\t%s\t%d", c.step, c.kind, c.nth)
		for _, at := range moments {
			fmt.Fprintf(table, "\t%s", word(lines[c], at))
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush()
}

func stepNumber(name string) int {
	return slices.IndexFunc(steps, func(a step) bool { return a.name == name })
}

func word(of map[moment]result, at moment) string {
	r, tried := of[at]
	switch {
	case !tried:
		return "-"
	case errors.Is(r.err, errNotReached):
		return "not reached"
	case r.err != nil:
		return "BROKEN"
	case r.missed:
		return "call not made"
	}
	return "converged"
}

func summary(results []result) string {
	counts := map[string]int{}
	for _, r := range results {
		counts[word(map[moment]result{r.at: r}, r.at)]++
	}
	text := fmt.Sprintf("%d crashes: %d converged, %d broken", len(results), counts["converged"], counts["BROKEN"])
	if n := counts["not reached"]; n > 0 {
		text += fmt.Sprintf(", %d not reached because of those", n)
	}
	if n := counts["call not made"]; n > 0 {
		text += fmt.Sprintf(", %d whose call was not made this time", n)
	}
	return text
}

// broken joins all broken promises.
func broken(results []result) error {
	var all []error
	for _, r := range results {
		if r.err != nil && !errors.Is(r.err, errNotReached) {
			all = append(all, fmt.Errorf("%s: %w", r.point, r.err))
		}
	}
	return errors.Join(all...)
}
