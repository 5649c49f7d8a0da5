// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// What a customer does with stacks, from the command line.

func newLaunchCommand() *cobra.Command {
	var request sandbox.LaunchRequest
	cmd := &cobra.Command{
		Use:   "launch URL --account ID",
		Short: "Open a launch link as a customer and press Create stack",
		Args:  exactly(1, "URL: the launch link"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if request.Account == "" {
				return usageError{errors.New("--account is missing: the customer's account, 12 digits")}
			}
			request.URL = args[0]
			client := sandboxClient(cmd)
			stack, err := client.Launch(cmd.Context(), request)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n", stack.ID)
			return follow(cmd, client, stack.ID, "CREATE")
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&request.Account, "account", "", "the customer's account")
	flags.StringVar(&request.Region, "region", "", "another Region than the link's")
	flags.StringVar(&request.StackName, "stack-name", "", "another stack name than the link's")
	flags.StringToStringVar(&request.Parameters, "parameter", nil, "NAME=VALUE as a customer may edit it")
	return cmd
}

func newDeleteCommand() *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "delete STACK --account ID",
		Short: "Delete a stack as its customer",
		Args:  exactly(1, "STACK: its name or ARN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client := sandboxClient(cmd)
			stack, err := findStack(cmd, client, args[0], account)
			if err != nil {
				return err
			}
			if err := client.Delete(cmd.Context(), stack.ID); err != nil {
				return err
			}
			return follow(cmd, client, stack.ID, "DELETE")
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the customer's account, where the stack is named by its name")
	return cmd
}

func newEventsCommand() *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "events STACK",
		Short: "Show a stack's events until nothing is under way in it",
		Args:  exactly(1, "STACK: its name or ARN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client := sandboxClient(cmd)
			stack, err := findStack(cmd, client, args[0], account)
			if err != nil {
				return err
			}
			return client.Follow(cmd.Context(), stack.ID, func(e sandbox.StackEvent) { printEvent(cmd.OutOrStdout(), e) })
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the customer's account, where the stack is named by its name")
	return cmd
}

func newStacksCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stacks",
		Short: "List the stacks of all customers",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			stacks, err := sandboxClient(cmd).Stacks(cmd.Context())
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "ACCOUNT\tREGION\tSTACK\tSTATUS")
			for _, s := range stacks {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Account, s.Region, s.Name, s.Status)
			}
			return table.Flush()
		},
	}
}

func newAdvanceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "advance DURATION",
		Short: "Move the sandbox's clock forward: 90s, 24h",
		Args:  exactly(1, "DURATION, such as 90s or 24h"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sandboxClient(cmd).Advance(cmd.Context(), args[0])
		},
	}
}

// follow shows the events of the operation that was just begun, "CREATE" or
// "DELETE", and is an error unless it ends as it should.
func follow(cmd *cobra.Command, client sandbox.Client, stackID, operation string) error {
	begun := false
	show := func(e sandbox.StackEvent) {
		begun = begun || (e.PhysicalResourceID == stackID && e.ResourceStatus == operation+"_IN_PROGRESS")
		if begun {
			printEvent(cmd.OutOrStdout(), e)
		}
	}
	if err := client.Follow(cmd.Context(), stackID, show); err != nil {
		return err
	}
	stack, err := client.WaitStack(cmd.Context(), stackID)
	if err != nil {
		return err
	}
	if wanted := operation + "_COMPLETE"; stack.Status != wanted {
		return fmt.Errorf("stack %s of account %s ended in %s, not %s: %s", stack.Name, stack.Account, stack.Status, wanted, stack.StatusReason)
	}
	return nil
}

func printEvent(out io.Writer, e sandbox.StackEvent) {
	fmt.Fprintf(out, "%s  %-20s %-32s %s", e.Timestamp.Format("15:04:05"), e.ResourceStatus, e.ResourceType, e.LogicalResourceID)
	if e.ResourceStatusReason != "" {
		fmt.Fprintf(out, "\n          %s", e.ResourceStatusReason)
	}
	fmt.Fprintln(out)
}

// findStack finds a stack by ARN, or the living one of an account by name.
func findStack(cmd *cobra.Command, client sandbox.Client, name, account string) (sandbox.Stack, error) {
	stacks, err := client.Stacks(cmd.Context())
	if err != nil {
		return sandbox.Stack{}, err
	}
	var found []sandbox.Stack
	for _, s := range stacks {
		if s.ID == name || (s.Name == name && s.Status != "DELETE_COMPLETE" && (account == "" || s.Account == account)) {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 0:
		return sandbox.Stack{}, fmt.Errorf("there is no stack %q; `xacct sandbox stacks` lists them", name)
	case len(found) > 1:
		var where []string
		for _, s := range found {
			where = append(where, s.Account+" in "+s.Region)
		}
		return sandbox.Stack{}, fmt.Errorf("there are %d stacks %q (%s): say --account, or use the ARN", len(found), name, strings.Join(where, ", "))
	}
	return found[0], nil
}
