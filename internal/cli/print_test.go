// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestPrintableTextHasNoControlCharacters(t *testing.T) {
	got := Printable("a\x1b[31mb\u009bc\x00d\te\nf\u202eg é漢")
	if want := "a�[31mb�c�d e f�g é漢"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJSONHasNoCharactersThatATerminalInterprets(t *testing.T) {
	const hostile = "a\x1b[31mb\x7fc\u009b31md\x00e\tf\ng\u202eh\u2067i\u200fj\u061ck\U000e0041l é漢 <&>"
	var out strings.Builder
	if err := PrintJSON(&out, map[string][]string{hostile: {hostile}}); err != nil {
		t.Fatal(err)
	}
	for _, r := range out.String() {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("it has %U", r)
		}
	}
	var back map[string][]string
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{hostile: {hostile}}, back); diff != "" {
		t.Errorf("the value has changed (-want +got):\n%s", diff)
	}
	if !strings.Contains(out.String(), "é漢 <&>") {
		t.Errorf("printable characters have changed: %s", out.String())
	}
}

func TestLogsHaveNoCharactersThatATerminalInterprets(t *testing.T) {
	var out strings.Builder
	slog.New(slog.NewJSONHandler(SafeJSON(&out), nil)).Info("a\u009bb", "c\x7fd", "e\u202ef")
	for _, r := range out.String() {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("it has %U: %q", r, out.String())
		}
	}
}

func TestAgesAreInTheLargestUnitThatFits(t *testing.T) {
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]string{
		-time.Hour:                         "0s ago", // clocks differ
		59 * time.Second:                   "59s ago",
		90 * time.Minute:                   "1h ago",
		47 * time.Hour:                     "1d ago",
		400*24*time.Hour + 5*time.Minute:   "400d ago",
		59*time.Minute + 59*time.Second:    "59m ago",
		23*time.Hour + 59*time.Minute + 59: "23h ago",
	} {
		if got := Ago(&at, at.Add(age)); got != want {
			t.Errorf("after %s: %q, want %q", age, got, want)
		}
	}
	if Ago(nil, at) != "" {
		t.Error("the zero time has an age")
	}
}

func TestAnEmptyColumnIsOmitted(t *testing.T) {
	table := NewTable("A", "B", "C")
	table.Row("1", "", "x")
	table.Row("2", "", "")
	var out strings.Builder
	if err := table.Print(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("A  C\n1  x\n2  -\n", out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestATableWithoutRowsHasItsHeader(t *testing.T) {
	var out strings.Builder
	if err := NewTable("A", "B").Print(&out); err != nil {
		t.Fatal(err)
	}
	if out.String() != "A  B\n" {
		t.Errorf("got %q", out.String())
	}
}
