// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command xacct-sandbox runs an in-memory AWS, and acts as customers in it: to
// try xacct out, and to test a vendor's own configurations without an AWS
// account.
package main

import (
	"os"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/cmd/xacct-sandbox/command"
)

// version is set when a release is built.
var version string

func main() { os.Exit(command.Run(cli.Version(version))) }
