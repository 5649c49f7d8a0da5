// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"strings"
	"testing"
)

func TestCountedAndAgreeUseTheRightNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 links are", 1: "1 link is", 2: "2 links are"} {
		if got := Counted(n, "link") + " " + Plural(n, "is", "are"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLongListsNameTenElements(t *testing.T) {
	t.Parallel()
	names := make([]string, 10_000)
	for n := range names {
		names[n] = fmt.Sprintf("c%d", n)
	}
	for count, want := range map[int]string{
		1: "c0", 2: "c0, c1", 11: "c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10",
		12: "c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 2 more", 10_000: "c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 9990 more",
	} {
		if got := SomeOf(names[:count]); got != want {
			t.Errorf("of %d: %q, want %q", count, got, want)
		}
	}
	if got := SomeLines("  - ", names); strings.Count(got, "\n") != 10 || !strings.HasPrefix(got, "  - c0\n  - c1\n") || !strings.HasSuffix(got, "\n  - and 9990 more") {
		t.Errorf("lines are\n%s", got)
	}
}
