// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryRuleFindsItsForm has, for each rule in order, one text that breaks it and
// a similar one that is allowed.
func TestEveryRuleFindsItsForm(t *testing.T) {
	samples := []struct{ wrong, right string }{
		{"Nobody may list them.", "No account may list them."},
		{"It is zero where there is none yet.", "It is zero if there is none yet, in the Region where the hub is."},
		{"It is full. Who finds no room goes back to the queue.", "Who can assume the role?"},
		{"Every step sees to it that the table exists.", "Every step ensures that the table exists."},
		{`Every step is of the kind "if missing".`, "a document of the kind Inline"},
		{"the message that it has in hand", "the message that it is handling"},
		{"2 requests were put aside", "2 requests were moved to the dead-letter queue"},
		{"The certificate could not be had.", "The certificate is unavailable."},
		{"--status %q is none: it is %s", "invalid --status %q: must be one of %s"},
		{"A refresh mends it.", "A refresh repairs it."},
		{"The stack was deleted without a word.", "The stack was deleted without a message."},
		{"It goes without saying that it works.", "It works."},
		{"The next apply goes on from there.", "The next apply continues from there."},
		{"The customer waits in vain.", "The customer waits without success."},
		{"The lock is kept for ever.", "The lock is kept forever."},
		{"a role that no longer lets itself be assumed", "a role that can no longer be assumed"},
		{"Live stacks don't mind.", "Live stacks are not affected."},
		{"Time by RFC 3339", "RFC 3339 time"},
		{"It belongs into a set.", "It belongs in a set."},
		{"the hindmost first", "the last first"},
		{"The file is written anew.", "A new file, or a renewed one."},
		{"Outcome is what has become of a set.", "Outcome is the result for a set."},
		{"a hub that is there already, and differs", "a hub that exists already; its queue is there too"},
		{"false if it was said why", "false, with a diagnostic"},
		{"Migrate carries such a table over.", "Carry on over there."},
		{"Outcome says what a write did.", "Outcome is the result of a write. AWS says that it worked."},
		{"the guesses about AWS", "IDs that can't be guessed"},
		{"Not an AWS Region", "Not possible at the moment"},
		{"Beat notes that a registrar runs.", "Beat records that a registrar runs. Two notes that are due."},
		{"The account can't be let in.", "The account can't be added."},
		{"What is empty is left out.", "What is left? Values that are empty are left out."},
	}
	if len(samples) != len(rules) {
		t.Fatalf("%d rules, %d samples", len(rules), len(samples))
	}
	for i, s := range samples {
		if !rules[i].form.MatchString(s.wrong) {
			t.Errorf("the rule %s does not find %q", rules[i].form, s.wrong)
		}
		for _, r := range rules {
			if r.form.MatchString(s.right) {
				t.Errorf("the rule %s finds %q", r.form, s.right)
			}
		}
	}
}

func TestEveryExceptionHasAReason(t *testing.T) {
	for _, e := range exceptions {
		if e.file == "" || e.reason == "" {
			t.Errorf("the exception %+v has no file or no reason", e)
		}
	}
}

const source = `package p

// Size is the
// length, where
// there is one.
func Size() int { return 0 }

// Find looks for nobody.
func Find() { panic("somebody is" + "here") }

// Sizes is Size for several.
func Sizes() int { return 0 }

// Check is strict.
func Check() error { return nil }

// Returns it.
func Get() int { return 0 }

// Warn says why.
func Warn() {}

/* whoever
   comes */
var text = ` + "`one\ntwo of them are mended`" + `
`

// TestProblemsHaveTheirLine checks comments across lines, strings, names of
// tests and doc comments of Go files, and documents and scripts line by line.
func TestProblemsHaveTheirLine(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a/a.go", source)
	write(t, root, "a/a_test.go", "package p\n\nfunc TestNobodyComes() {}\n\n// size is 1.\nfunc size() int { return 1 }\n")
	write(t, root, "a/testdata/x.md", "nobody\n")
	write(t, root, ".cache/x.md", "nobody\n")
	write(t, root, "x.md", "one\nIt is for anybody.\n")
	write(t, root, ".ci/run", "# whoever\n")
	write(t, root, "x.txt", "nobody\n")
	write(t, root, "e/main.tf", "# nobody\n")
	expect(t, root,
		`.ci/run:1: "whoever"`,
		`a/a.go:18: "Get": start the doc comment with the name`,
		`a/a.go:20: "Warn says why"`,
		`a/a.go:23: "whoever"`,
		`a/a.go:26: "mended"`,
		`a/a.go:4: "where there is"`,
		`a/a.go:6: "Size": say what is returned`,
		`a/a.go:8: "nobody"`,
		`a/a.go:9: "somebody"`,
		`a/a_test.go:3: "Nobody"`,
		`e/main.tf:1: "nobody"`,
		`x.md:2: "anybody"`,
	)
}

func write(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// expect compares the beginnings of the problems, except those of unused
// exceptions.
func expect(t *testing.T, root string, want ...string) {
	t.Helper()
	got, err := check(root)
	if err != nil {
		t.Fatal(err)
	}
	got = slices.DeleteFunc(got, func(p string) bool { return strings.Contains(p, "the exception for") })
	if len(got) != len(want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i := range got {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got  %s\nwant %s…", got[i], want[i])
		}
	}
}
