// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"runtime/debug"
	"strings"
)

// Version returns the version of the running program. In a release the linker
// sets it; in any other build it is the main module's, which the Go command
// records in the program: the version that `go install` was asked for, or a
// pseudo-version of the commit that it was built from.
func Version(stamped string) string {
	if stamped != "" {
		return stamped
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versionOf(nil)
	}
	return versionOf(info)
}

// versionOf returns the version of a build, without the leading "v", as in
// releases.
func versionOf(info *debug.BuildInfo) string {
	if info == nil || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}
