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

// maxInitBytes is what one of the project's packages may allocate when it is loaded:
// a few small tables. A regular expression, or a table of a hundred names, is more.
const maxInitBytes = 8 << 10

// TestOurPackagesBuildNothingWhenTheyAreLoaded fails on a package that compiles
// regular expressions or builds tables before main: every command of Terraform
// starts the provider several times, and most starts need none of it. The runtime
// counts the bytes, which do not depend on the machine's speed.
func TestOurPackagesBuildNothingWhenTheyAreLoaded(t *testing.T) {
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
		t.Fatalf("the runtime told of no package of ours:\n%s", trace)
	}
}

// testsOnly reports whether the provider does not contain a package: only its tests do.
func testsOnly(room string) bool {
	for _, name := range []string{"sandbox", "trial", "acctest", "e2e", "provider_test", "provider.test"} {
		if room == name || strings.HasPrefix(room, name+"/") {
			return true
		}
	}
	return false
}
