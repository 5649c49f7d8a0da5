// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// The actions of a customer on stacks, on the command line.

func newLaunchCommand() *cobra.Command {
	var request sandbox.LaunchRequest
	cmd := &cobra.Command{
		Use:   "launch URL --account ID",
		Short: "Open a launch link as a customer and press Create stack",
		Args:  cli.Exactly(1, "URL: the launch link"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if request.Account == "" {
				return cli.Usage("--account is missing: the customer's account, 12 digits")
			}
			request.URL = args[0]
			client := sandboxClient(cmd)
			stack, err := client.Launch(cmd.Context(), request)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n", stack.ID)
			return operation{client, stack, "CREATE"}.follow(cmd)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&request.Account, "account", "", "the customer's account: 12 digits")
	flags.StringVar(&request.Region, "region", "", "Region of the stack (default: the link's)")
	flags.StringVar(&request.StackName, "stack-name", "", "name of the stack (default: the link's)")
	flags.StringToStringVar(&request.Parameters, "parameter", nil, "NAME=VALUE of a parameter to change; may be repeated")
	return cmd
}

func newUpdateCommand() *cobra.Command {
	var which stackFlags
	var template string
	var parameters map[string]string
	cmd := &cobra.Command{
		Use:   "update URL|STACK [--template URL|FILE]",
		Short: "Update a stack as its customer",
		Long: `Update a stack: by its update link, as a customer who opens it and presses
Submit, or by the stack's name or ARN. Parameters that --parameter doesn't name
keep the values that the stack has.`,
		Example: `  xacct-sandbox update "$UPDATE_URL"
  xacct-sandbox update acme-access --account 222222222222 --template new.json
  xacct-sandbox update acme-access --account 222222222222 \
    --parameter EnableBilling=No`,
		Args: cli.Exactly(1, "URL: the update link, or STACK: its name or ARN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client := sandboxClient(cmd)
			request := sandbox.UpdateRequest{Parameters: parameters}
			if isURL(args[0]) {
				if template != "" {
					return cli.Usage("--template cannot be used with an update link, which names a template itself")
				}
				request.URL = args[0]
			} else {
				stack, err := which.find(cmd, client, args[0])
				if err != nil {
					return err
				}
				if template == "" && len(parameters) == 0 {
					return cli.Usage("nothing to change: give --template, --parameter, or an update link instead of the stack's name")
				}
				request.StackID = stack.ID
				if err := setTemplate(&request, template); err != nil {
					return err
				}
			}
			stack, err := client.Update(cmd.Context(), request)
			if err != nil {
				return err
			}
			return operation{client, stack, "UPDATE"}.follow(cmd)
		},
	}
	which.addTo(cmd)
	cmd.Flags().StringVar(&template, "template", "", "the new template: its URL, or a file (default: the stack's current one)")
	cmd.Flags().StringToStringVar(&parameters, "parameter", nil, "NAME=VALUE of a parameter to change; may be repeated")
	return cmd
}

func isURL(text string) bool {
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
}

// setTemplate sets the template of an update, given by its URL or as a file.
func setTemplate(request *sandbox.UpdateRequest, template string) error {
	if template == "" || isURL(template) {
		request.TemplateURL = template
		return nil
	}
	body, err := os.ReadFile(template)
	if err != nil {
		return fmt.Errorf("--template: %w", err)
	}
	request.TemplateBody = string(body)
	return nil
}

func newDeleteCommand() *cobra.Command {
	var which stackFlags
	cmd := &cobra.Command{
		Use:   "delete STACK --account ID",
		Short: "Delete a stack as its customer",
		Args:  cli.Exactly(1, "STACK: its name or ARN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client := sandboxClient(cmd)
			stack, err := which.find(cmd, client, args[0])
			if err != nil {
				return err
			}
			if err := client.Delete(cmd.Context(), stack.ID); err != nil {
				return err
			}
			return operation{client, stack, "DELETE"}.follow(cmd)
		},
	}
	which.addTo(cmd)
	return cmd
}

func newStacksCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stacks",
		Short: "List the stacks of all customers",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			stacks, err := sandboxClient(cmd).Stacks(cmd.Context())
			if err != nil {
				return err
			}
			table := cli.NewTable("ACCOUNT", "REGION", "STACK", "STATUS")
			for _, s := range stacks {
				table.Row(s.Account, s.Region, s.Name, s.Status)
			}
			return table.Print(cmd.OutOrStdout())
		},
	}
}

func newAdvanceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "advance DURATION",
		Short: "Move the sandbox's clock forward, such as by 90s or 24h",
		Args:  cli.Exactly(1, "DURATION, such as 90s or 24h"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sandboxClient(cmd).Advance(cmd.Context(), args[0])
		},
	}
}

// stackFlags identify a stack whose name is ambiguous.
type stackFlags struct{ account, region string }

func (f *stackFlags) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.account, "account", "", "the customer's account, if several accounts have a stack of that name")
	cmd.Flags().StringVar(&f.region, "region", "", "the stack's Region, if the account has stacks of that name in several")
}

// find returns the stack with this ARN, or the one with this name that is not
// deleted. It returns an error if there is none, or if there are several.
func (f *stackFlags) find(cmd *cobra.Command, client sandbox.Client, name string) (sandbox.Stack, error) {
	stacks, err := client.Stacks(cmd.Context())
	if err != nil {
		return sandbox.Stack{}, err
	}
	var found []sandbox.Stack
	for _, s := range stacks {
		named := s.ID == name || s.Name == name && s.Status != "DELETE_COMPLETE"
		if named && cmp.Or(f.account, s.Account) == s.Account && cmp.Or(f.region, s.Region) == s.Region {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 0:
		return sandbox.Stack{}, fmt.Errorf("there is no stack %q%s; `xacct-sandbox stacks` lists them", name, f)
	case len(found) > 1:
		var where []string
		for _, s := range found {
			where = append(where, s.Account+" in "+s.Region)
		}
		return sandbox.Stack{}, fmt.Errorf("there are %d stacks %q (%s): give --account and --region, or use the ARN", len(found), name, strings.Join(where, ", "))
	}
	return found[0], nil
}

// String returns where a stack was searched for.
func (f *stackFlags) String() string {
	var where string
	if f.account != "" {
		where += " in account " + f.account
	}
	if f.region != "" {
		where += " in " + f.region
	}
	return where
}
