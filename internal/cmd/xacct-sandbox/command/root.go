// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package command is the command line of xacct-sandbox. All subcommands except
// serve use a running sandbox, most of them as a customer.
package command

import (
	"context"
	"os"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

const defaultAddress = "127.0.0.1:4566"

// Run executes the command line of the process, and returns its exit code.
func Run(version string) int {
	return cli.Run("xacct-sandbox", func(ctx context.Context) error {
		return newRootCommand(version).ExecuteContext(ctx)
	}, cli.OneLine)
}

func newRootCommand(version string) *cobra.Command {
	root := cli.NewRoot("xacct-sandbox", "Run an in-memory AWS, and act as customers in it", version)
	root.Long = `Run an in-memory AWS, to try xacct out and to test configurations without an AWS
	account:

  xacct-sandbox serve                      # in a terminal of its own
  eval "$(xacct-sandbox environment)"      # to be the vendor
  xacct-sandbox launch "$URL" --account 222222222222

All subcommands except serve use the running sandbox that --endpoint or
AWS_ENDPOINT_URL names.`
	root.PersistentFlags().String("endpoint", "", "URL of the running sandbox (default: AWS_ENDPOINT_URL, else http://"+defaultAddress+")")
	root.AddCommand(
		newServeCommand(),
		newEnvironmentCommand(),
		newLaunchCommand(),
		newUpdateCommand(),
		newDeleteCommand(),
		newStacksCommand(),
		newEventsCommand(),
		newAdvanceCommand(),
		newOrganizationCommand(),
	)
	return root
}

// sandboxClient returns a client of the running sandbox.
func sandboxClient(cmd *cobra.Command) sandbox.Client {
	endpoint, _ := cmd.Flags().GetString("endpoint")
	if endpoint == "" {
		endpoint = os.Getenv("AWS_ENDPOINT_URL")
	}
	if endpoint == "" {
		endpoint = "http://" + defaultAddress
	}
	return sandbox.Client{URL: endpoint}
}
