// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

const permissionsGuide = "../../../../templates/guides/permissions.md.tmpl"

// example matches a command in the guide, with its output.
var example = regexp.MustCompile("(?s)```shell\nxacct (policy [^\n]+)\n```\n\n```json\n(.*?)```")

// TestTheGuideShowsThePoliciesThatTheProgramPrints compares the guide with the
// program's output. `go test -update` rewrites the guide.
func TestTheGuideShowsThePoliciesThatTheProgramPrints(t *testing.T) {
	guide, err := os.ReadFile(permissionsGuide)
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	printed := example.ReplaceAllFunc(guide, func(text []byte) []byte {
		examples++
		parts := example.FindSubmatch(text)
		var out bytes.Buffer
		root := newRootCommand(thisTest)
		root.SetArgs(strings.Fields(string(parts[1])))
		root.SetOut(&out)
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatalf("xacct %s: %v", parts[1], err)
		}
		return bytes.Replace(text, append([]byte("```json\n"), parts[2]...), append([]byte("```json\n"), out.Bytes()...), 1)
	})
	switch {
	case examples != 4:
		t.Errorf("the guide has %d examples, want 4", examples)
	case bytes.Equal(guide, printed):
	case *update:
		if err := os.WriteFile(permissionsGuide, printed, 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the program prints: run this test with -update, then `make generate`", permissionsGuide)
	}
}
