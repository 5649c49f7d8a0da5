// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command xacct is the provider's companion: the registrar that answers
// customers while Terraform isn't running, and the operator's views of a hub.
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
