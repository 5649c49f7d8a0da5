// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// vendorAccount is the sandbox's vendor, for whom the printed environment is.
const vendorAccount = "111111111111"

func newSandboxCommand() *cobra.Command {
	var address, region string
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve an AWS in memory, for trying things out",
		Long: `Serves STS, IAM, SNS, SQS, S3, DynamoDB and CloudFormation on one loopback port, in
memory, with a vendor account (` + vendorAccount + `) and as many customer accounts as
you name, and prints the environment to export:

  eval "$(xacct sandbox environment)"      # of a sandbox that runs
  xacct sandbox launch "$URL" --account 222222222222

The subcommands do what a customer does, in a sandbox that runs already (named by
AWS_ENDPOINT_URL or --endpoint).`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			box, err := sandbox.Start(sandbox.WithAddress(address), sandbox.WithRegion(region))
			if err != nil {
				return fmt.Errorf("start the sandbox on %s: %w", address, err)
			}
			defer box.Close()
			environment, err := box.Environment(vendorAccount, region)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "# An AWS in memory at %s; its console: %s/console/\n", box.URL(), box.URL())
			fmt.Fprintf(out, "# Export this in another terminal to be the vendor (account %s):\n", vendorAccount)
			printEnvironment(out, environment)
			fmt.Fprintln(out, "# Ctrl-C stops it and forgets everything.")
			<-cmd.Context().Done()
			return nil
		},
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:4566", "loopback address to serve on; port 0 picks a free one")
	cmd.Flags().StringVar(&region, "region", "us-east-1", "Region in the printed environment; its partition is where the vendor lives")
	cmd.AddCommand(newEnvironmentCommand(), newLaunchCommand(), newDeleteCommand(), newStacksCommand(), newEventsCommand(), newAdvanceCommand(), newOrganizationCommand())
	cmd.PersistentFlags().String("endpoint", "", "the sandbox that runs (default: AWS_ENDPOINT_URL, else http://127.0.0.1:4566)")
	return cmd
}

// printEnvironment prints lines for a shell to eval. The console's address is
// for configurations that have a variable for it, as the quickstart does.
func printEnvironment(out io.Writer, environment map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		fmt.Fprintf(out, "export %s=%s\n", name, environment[name])
	}
	fmt.Fprintf(out, "export TF_VAR_console=%s/console\n", environment["AWS_ENDPOINT_URL"])
}

// sandboxClient speaks to the sandbox that the person has running.
func sandboxClient(cmd *cobra.Command) sandbox.Client {
	endpoint, _ := cmd.Flags().GetString("endpoint")
	if endpoint == "" {
		endpoint = os.Getenv("AWS_ENDPOINT_URL")
	}
	if endpoint == "" {
		endpoint = "http://127.0.0.1:4566"
	}
	return sandbox.Client{URL: endpoint}
}

func newEnvironmentCommand() *cobra.Command {
	var account, region string
	cmd := &cobra.Command{
		Use:   "environment",
		Short: "Print the environment to export, for any account",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			environment, err := sandboxClient(cmd).Environment(cmd.Context(), account, region)
			if err != nil {
				return err
			}
			printEnvironment(cmd.OutOrStdout(), environment)
			return nil
		},
	}
	cmd.Flags().StringVar(&account, "account", vendorAccount, "account to be the administrator of")
	cmd.Flags().StringVar(&region, "region", "us-east-1", "Region")
	return cmd
}
