// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"strings"
	"testing"
)

func TestAProgressBarFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{10, 30, 80, 200} {
		p := &Progress{screen: Screen{Width: width}, what: "customers", total: 1000}
		for _, p.done = range []int{0, 1, 500, 999, 1000} {
			if got := p.render(); len(got) >= width {
				t.Errorf("%d columns, %d done: %q has %d characters", width, p.done, got, len(got))
			}
		}
	}
	p := &Progress{screen: Screen{Width: 60}, what: "customers", total: 4, done: 1}
	if got, want := p.render(), "[##########                              ] 1 of 4 customers"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAProgressBarIsDrawnOnlyOnATerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := NewProgress(&out, "customers", 2)
	p.Step()
	p.End()
	if out.Len() > 0 {
		t.Errorf("%q was written", out.String())
	}
}
