// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"runtime/debug"
	"testing"
)

func TestEveryBuildReportsItsVersion(t *testing.T) {
	module := func(version string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Path: "github.com/xacct/terraform-provider-xacct", Version: version}}
	}
	for _, test := range []struct {
		what, want string
		info       *debug.BuildInfo
	}{
		{"installed by go install module@v0.3.0", "0.3.0", module("v0.3.0")},
		{"built in a checkout", "0.2.1-0.20260501093000-0123456789ab+dirty", module("v0.2.1-0.20260501093000-0123456789ab+dirty")},
		{"built without version control", "dev", module("(devel)")},
		{"a module of another build system", "dev", module("")},
		{"built without module support", "dev", nil},
	} {
		if got := versionOf(test.info); got != test.want {
			t.Errorf("%s: %q, want %q", test.what, got, test.want)
		}
	}
	if got := Version("0.3.0"); got != "0.3.0" {
		t.Errorf("a release reports %q", got)
	}
}
