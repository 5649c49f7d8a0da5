// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command xacct-conformance tests the project's assumptions about AWS with two AWS
// accounts.
package main

import (
	"os"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/cmd/xacct-conformance/command"
)

// version is set when a release is built.
var version string

func main() { os.Exit(command.Run(cli.Version(version))) }
