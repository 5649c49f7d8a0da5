// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package command is the command line of xacct-conformance.
package command

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
)

// Run executes the command line of the process, and returns its exit code.
func Run(version string) int {
	return cli.Run("xacct-conformance", func(ctx context.Context) error {
		return newRootCommand(version).ExecuteContext(ctx)
	}, cli.OneLine)
}

func newRootCommand(version string) *cobra.Command {
	root := cli.NewRoot("xacct-conformance", "Test xacct's assumptions about AWS with two accounts", version)
	root.Long = `Test xacct's assumptions about AWS with a vendor's and a customer's account:

xacct-conformance list                  # the checks
  xacct-conformance policy vendor         # the policy that the vendor's principal needs
  xacct-conformance run                   # prints what it creates and costs, and asks
  xacct-conformance clean                 # deletes what an interrupted run left

` + credentialsHelp
	root.AddCommand(newListCommand(), newRunCommand(version), newCleanCommand(), newPatchCommand(), newPolicyCommand())
	return root
}
