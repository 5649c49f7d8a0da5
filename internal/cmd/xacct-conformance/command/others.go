// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/conformance"
)

func newListCommand() *cobra.Command {
	var byHand bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the checks, or the assumptions that only a person can test",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			if byHand {
				for _, g := range conformance.ManualAssumptions() {
					cli.Say(out, "%s  …%s\n", g.ID, g.Mark)
					cli.Facts(out, "why", g.Why, "how", g.How)
					fmt.Fprintln(out)
				}
				return nil
			}
			table := cli.NewTable("CHECK", "NEEDS", "ASSUMPTION")
			for _, c := range conformance.All() {
				var needs []string
				for _, n := range c.Needs {
					needs = append(needs, string(n))
				}
				if c.Slow {
					needs = append(needs, "--slow")
				}
				table.Row(c.ID, strings.Join(needs, ", "), c.Title)
			}
			return table.Print(out)
		},
	}
	cmd.Flags().BoolVar(&byHand, "by-hand", false, "list the assumptions that no program can test, and how to test them manually")
	return cmd
}

func newCleanCommand() *cobra.Command {
	var flags worldFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "clean [RUN]",
		Short: "Delete the resources that interrupted runs have left",
		Long: `Delete the resources in the ledger of a run, or of every run. --all then also lists
everything in the two accounts whose name begins with ` + conformance.Prefix + `: it is
not deleted, because a run on another machine may be using it.

` + credentialsHelp,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, err := flags.folderOf()
			if err != nil {
				return err
			}
			runs := args
			if len(runs) == 0 {
				if runs, err = conformance.Runs(folder); err != nil {
					return err
				}
			}
			for _, run := range runs {
				if err := flags.clean(cmd, folder, run); err != nil {
					return err
				}
			}
			if len(runs) == 0 {
				cli.Say(cmd.OutOrStdout(), "No run has left anything in its ledger.\n")
			}
			if all {
				return flags.leftovers(cmd)
			}
			return nil
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "also list resources with the prefix of runs that are in no ledger here")
	return cmd
}

func (f *worldFlags) clean(cmd *cobra.Command, folder, run string) error {
	if _, err := os.Stat(conformance.LedgerFile(folder, run)); err != nil {
		return cli.Usage("there is no ledger of run %q in %s", run, folder)
	}
	ledger, err := conformance.OpenLedger(folder, run)
	if err != nil {
		return err
	}
	defer func() { _ = ledger.Close() }() // every line is on disk
	w, err := f.open(cmd.Context(), os.Getenv, run, ledger)
	if err != nil {
		return err
	}
	return cleanUp(cmd.Context(), cmd.OutOrStdout(), w, conformance.LedgerFile(folder, run))
}

func (f *worldFlags) leftovers(cmd *cobra.Command) error {
	w, err := f.open(cmd.Context(), os.Getenv, "none", nil)
	if err != nil {
		return err
	}
	found, err := conformance.Leftovers(cmd.Context(), w)
	if err != nil {
		return err
	}
	table := cli.NewTable("ACCOUNT", "REGION", "KIND", "NAME")
	for _, e := range found {
		table.Row(e.Party, e.Region, e.Kind, e.Name)
	}
	return table.Print(cmd.OutOrStdout())
}

func newPatchCommand() *cobra.Command {
	var facts string
	cmd := &cobra.Command{
		Use:   "patch REPORT...",
		Short: "Print a patch of aws-facts.md with the results of reports",
		Long: `Print a unified diff: a mark whose checks hold becomes [O] with the date, and one
that does not hold says what was seen instead, and which code is wrong.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var reports []conformance.Report
			for _, name := range args {
				text, err := os.ReadFile(name)
				if err != nil {
					return fmt.Errorf("read a report: %w", err)
				}
				var report conformance.Report
				if err := json.Unmarshal(text, &report); err != nil {
					return fmt.Errorf("read the report %s: %w", name, err)
				}
				reports = append(reports, report)
			}
			return printPatch(cmd.OutOrStdout(), facts, reports...)
		},
	}
	cmd.Flags().StringVar(&facts, "facts", "internal/aws-facts.md", "file to patch, of the same version as the reports")
	return cmd
}

func printPatch(out io.Writer, facts string, reports ...conformance.Report) error {
	text, err := os.ReadFile(facts)
	if err != nil {
		return fmt.Errorf("read the facts: %w", err)
	}
	patch, err := conformance.Patch(facts, string(text), reports...)
	_, wrote := io.WriteString(out, patch)
	return errors.Join(err, wrote)
}

func newPolicyCommand() *cobra.Command {
	var id, region string
	cmd := &cobra.Command{
		Use:       "policy vendor|customer",
		Short:     "Print the least IAM policy of a run's principal",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"vendor", "customer"},
		RunE: func(cmd *cobra.Command, args []string) error {
			of, err := account.ParseID(id)
			if err != nil {
				return cli.Usage("invalid --account: %w", err)
			}
			in, err := account.ParseRegion(region)
			if err != nil {
				return cli.Usage("invalid --region: %w", err)
			}
			policy := conformance.VendorPolicy
			if args[0] == "customer" {
				policy = conformance.CustomerPolicy
			}
			return cli.PrintJSON(cmd.OutOrStdout(), json.RawMessage(policy(in.Partition(), of.String())))
		},
	}
	cmd.Flags().StringVar(&id, "account", "", "the account's ID: 12 digits (required)")
	cmd.Flags().StringVar(&region, "region", "us-east-1", "a Region of the account's partition")
	return cmd
}
