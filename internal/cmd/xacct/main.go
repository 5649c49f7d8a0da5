// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command xacct is the provider's companion: it runs a hub's registrar and
// onboarding API, and manages hubs, permission sets and customers.
package main

import (
	"os"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/cmd/xacct/command"
)

// version is set when a release is built.
var version string

func main() { os.Exit(command.Run(cli.Version(version), time.Now)) }
