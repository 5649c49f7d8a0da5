// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// The actions of a customer with many accounts, on the command line.

func newOrganizationCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "organization",
		Short: "Act as a customer with an organization of many accounts",
		Long: `Create organizations, add and remove accounts, and deploy a launch link's
template to all their accounts as a StackSet:

  xacct-sandbox organization create --management 900000000000 --member 900000000001,900000000002
  xacct-sandbox organization launch "$URL" --management 900000000000
  xacct-sandbox organization join o-abcdefghij 900000000003`,
	}
	cmd.AddCommand(
		newOrganizationCreateCommand(), newOrganizationListCommand(), newOrganizationJoinCommand(), newOrganizationLeaveCommand(),
		newOrganizationLaunchCommand(), newOrganizationStatusCommand(), newOrganizationDeleteCommand(),
	)
	return cmd
}

func newOrganizationCreateCommand() *cobra.Command {
	var request sandbox.OrganizationRequest
	cmd := &cobra.Command{
		Use:   "create --management ID --member ID,ID",
		Short: "Create an organization of accounts",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if request.Management == "" {
				return cli.Usage("--management is missing: the account that manages the organization, 12 digits")
			}
			o, err := sandboxClient(cmd).NewOrganization(cmd.Context(), request)
			if err != nil {
				return err
			}
			return printOrganizations(cmd.OutOrStdout(), []sandbox.Organization{o})
		},
	}
	cmd.Flags().StringVar(&request.Management, "management", "", "the account that manages the organization: 12 digits")
	cmd.Flags().StringSliceVar(&request.Members, "member", nil, "its other accounts, separated by commas; may be repeated")
	return cmd
}

func newOrganizationListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the organizations",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := sandboxClient(cmd).Organizations(cmd.Context())
			if err != nil {
				return err
			}
			return printOrganizations(cmd.OutOrStdout(), all)
		},
	}
}

func printOrganizations(out io.Writer, all []sandbox.Organization) error {
	table := cli.NewTable("ORGANIZATION", "ROOT", "MANAGEMENT", "MEMBERS")
	for _, o := range all {
		table.Row(o.ID, o.Root, o.Management, strings.Join(o.Members, ", "))
	}
	return table.Print(out)
}

func newOrganizationJoinCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "join ORGANIZATION ACCOUNT",
		Short: "Add an account to an organization; its StackSets follow",
		Args:  cli.Exactly(2, "ORGANIZATION and ACCOUNT: o-… and 12 digits"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sandboxClient(cmd).JoinOrganization(cmd.Context(), args[0], args[1])
		},
	}
}

func newOrganizationLeaveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "leave ACCOUNT",
		Short: "Remove an account from its organization; its StackSets follow",
		Args:  cli.Exactly(1, "ACCOUNT: 12 digits"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sandboxClient(cmd).LeaveOrganization(cmd.Context(), args[0])
		},
	}
}

func newOrganizationLaunchCommand() *cobra.Command {
	var request sandbox.StackSetRequest
	cmd := &cobra.Command{
		Use:   "launch URL --management ID",
		Short: "Deploy a launch link's template to the organization, as a StackSet",
		Args:  cli.Exactly(1, "URL: the launch link"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if request.Management == "" {
				return cli.Usage("--management is missing: the account that manages the organization, 12 digits")
			}
			request.Link = args[0]
			client := sandboxClient(cmd)
			set, err := client.LaunchStackSet(cmd.Context(), request)
			if err != nil {
				return err
			}
			return showStackSet(cmd, client, set.ID)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&request.Management, "management", "", "the account that manages the organization")
	flags.StringSliceVar(&request.Accounts, "only", nil, "deploy only to these accounts, separated by commas (default: all of the organization)")
	flags.StringVar(&request.Region, "region", "", "Region of the stacks (default: the link's)")
	flags.StringVar(&request.Name, "name", "", "name of the StackSet (default: the link's stack name)")
	flags.StringToStringVar(&request.Parameters, "parameter", nil, "NAME=VALUE of a parameter to change; may be repeated")
	flags.StringVar(&request.DelegatedAdmin, "delegated-admin", "", "member account that launches it as delegated administrator of StackSets")
	flags.BoolVar(&request.Manual, "manual", false, "turn off automatic deployment for accounts that join or leave later")
	flags.BoolVar(&request.Retain, "retain", false, "keep the stacks of accounts that leave")
	return cmd
}

func newOrganizationStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status STACKSET",
		Short: "Wait until no operation is under way in a StackSet, and show its stacks",
		Args:  cli.Exactly(1, "STACKSET: its name or ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client := sandboxClient(cmd)
			set, err := client.FindStackSet(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return showStackSet(cmd, client, set.ID)
		},
	}
}

func newOrganizationDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete STACKSET",
		Short: "Delete a StackSet with all its stacks",
		Args:  cli.Exactly(1, "STACKSET: its name or ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client := sandboxClient(cmd)
			set, err := client.FindStackSet(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return client.DeleteStackSet(cmd.Context(), set.ID)
		},
	}
}

// showStackSet waits for a StackSet's operation, prints its stacks, and returns an
// error unless all of them are current.
func showStackSet(cmd *cobra.Command, client sandbox.Client, id string) error {
	set, err := client.WaitStackSet(cmd.Context(), id)
	if err != nil {
		return err
	}
	table := cli.NewTable("ACCOUNT", "REGION", "STATUS", "DETAIL", "REASON")
	var behind []string
	for _, in := range set.Instances {
		table.Row(in.Account, in.Region, in.Status, in.DetailedStatus, in.StatusReason)
		if in.Status != "CURRENT" {
			behind = append(behind, in.Account)
		}
	}
	if err := table.Print(cmd.OutOrStdout()); err != nil {
		return err
	}
	if len(behind) > 0 {
		return fmt.Errorf("the StackSet %s is not current in the accounts %s", set.Name, strings.Join(behind, ", "))
	}
	return nil
}
