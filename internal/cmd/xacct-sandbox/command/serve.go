// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

func newServeCommand() *cobra.Command {
	var address, region string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run an in-memory AWS until stopped",
		Long: `Serve STS, IAM, SNS, SQS, S3, DynamoDB, EventBridge, Organizations and
CloudFormation on one loopback port, in memory, with a vendor account (` + sandbox.VendorAccount + `)
and any number of customer accounts, and print the environment to export.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			box, err := sandbox.Start(sandbox.WithAddress(address), sandbox.WithRegion(region))
			if err != nil {
				return fmt.Errorf("start the sandbox on %s: %w", address, err)
			}
			defer box.Close()
			environment, err := box.Environment(sandbox.VendorAccount, region)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "# An in-memory AWS at %s\n# Its console: %s/console/\n", box.URL(), box.URL())
			fmt.Fprintf(out, "# To be the vendor, account %s,\n# export this in another terminal:\n", sandbox.VendorAccount)
			printEnvironment(out, environment)
			fmt.Fprintln(out, "# Ctrl-C stops it and forgets everything.")
			<-cmd.Context().Done()
			return nil
		},
	}
	cmd.Flags().StringVar(&address, "listen", defaultAddress, "loopback address to serve on; port 0: a free port")
	cmd.Flags().StringVar(&region, "region", "us-east-1", "Region in the printed environment; its partition is the vendor's")
	return cmd
}

// printEnvironment prints export lines for a shell to evaluate. TF_VAR_console is for
// configurations with a variable for the console's address, such as the quickstart.
func printEnvironment(out io.Writer, environment map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		fmt.Fprintf(out, "export %s=%s\n", name, environment[name])
	}
	fmt.Fprintf(out, "export TF_VAR_console=%s/console\n", environment["AWS_ENDPOINT_URL"])
}

func newEnvironmentCommand() *cobra.Command {
	var account, region string
	cmd := &cobra.Command{
		Use:   "environment",
		Short: "Print the environment to export, for any account",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			environment, err := sandboxClient(cmd).Environment(cmd.Context(), account, region)
			if err != nil {
				return err
			}
			printEnvironment(cmd.OutOrStdout(), environment)
			return nil
		},
	}
	cmd.Flags().StringVar(&account, "account", sandbox.VendorAccount, "account whose administrator's credentials to print")
	cmd.Flags().StringVar(&region, "region", "us-east-1", "Region in the printed environment")
	return cmd
}
