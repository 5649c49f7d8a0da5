// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// maxInitBytes is the number of bytes that a package of this project may allocate
// during initialization: enough for some small tables, but not for a regular expression
// or a table of a hundred names.
const maxInitBytes = 8 << 10

// Terraform starts the provider several times for each command, and most starts need no
// regular expression and no table, so packages must not build them before main. The
// runtime's count of bytes does not depend on the machine's speed.
func TestPackagesBuildNothingDuringInitialization(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	trace, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, trace)
	}
	const ours = "github.com/xacct/terraform-provider-xacct/internal/"
	line := regexp.MustCompile(`(?m)^init (\S+) @.*, ([0-9]+) bytes, `)
	seen := 0
	for _, found := range line.FindAllStringSubmatch(string(trace), -1) {
		room, own := strings.CutPrefix(found[1], ours)
		if !own || testsOnly(room) {
			continue
		}
		seen++
		if bytes, err := strconv.Atoi(found[2]); err != nil || bytes > maxInitBytes {
			t.Errorf("package %s allocates %s bytes when it is loaded, and may %d: build its tables with sync.OnceValue", room, found[2], maxInitBytes)
		}
	}
	if seen == 0 {
		t.Fatalf("the trace has no package of this project:\n%s", trace)
	}
}

// testsOnly reports whether a package is only part of the tests, and not of the provider.
func testsOnly(room string) bool {
	for _, name := range []string{"sandbox", "trial", "acctest", "e2e", "provider_test", "provider.test"} {
		if room == name || strings.HasPrefix(room, name+"/") {
			return true
		}
	}
	return false
}
