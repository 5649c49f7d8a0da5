// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/conformance"
)

type runFlags struct {
	worldFlags
	yes, slow bool
	out       string
	facts     string
}

func newRunCommand(version string) *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run [CHECK...]",
		Short: "Test the assumptions, and report which hold",
		Long: `Print what the run will create and what that costs, ask for confirmation, run the
checks one after another, and delete what was created, also after an interruption.
All checks take about an hour; CHECK selects some of them, by number or by fact.

The command prints a table, and writes a report without account IDs, keys and signatures.
The exit code is 1 if an assumption does not hold or a check has no verdict.

` + credentialsHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.run(cmd, args, os.Getenv, version)
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&flags.yes, "yes", false, "do not ask for confirmation")
	cmd.Flags().BoolVar(&flags.slow, "slow", false, "also run the checks that take more than ten minutes")
	cmd.Flags().StringVar(&flags.out, "out", "", "file for the report (default: xacct-conformance-RUN.json)")
	cmd.Flags().StringVar(&flags.facts, "facts", "", "aws-facts.md of the same version: print the patch for it at the end")
	cmd.Flags().StringVar(&flags.provider, "provider", "", "the provider's binary, for the check of Terraform")
	cmd.Flags().StringVar(&flags.terraform, "engine", "", "terraform or tofu, for the check of Terraform (default: terraform on the PATH)")
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command, ids []string, get environment, version string) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	checks, err := conformance.Find(ids...)
	if err != nil {
		return cli.Usage("%w", err)
	}
	if !f.slow && len(ids) == 0 {
		checks = slices.DeleteFunc(checks, func(c conformance.Check) bool { return c.Slow })
	}
	folder, err := f.folderOf()
	if err != nil {
		return err
	}
	if err := warnOfOthers(cmd.ErrOrStderr(), folder); err != nil {
		return err
	}
	run, err := newRun()
	if err != nil {
		return err
	}
	ledger, err := conformance.OpenLedger(folder, run)
	if err != nil {
		return err
	}
	defer func() { _ = ledger.Close() }() // every line is already on disk
	w, err := f.open(ctx, get, run, ledger)
	if err != nil {
		return errors.Join(err, os.Remove(conformance.LedgerFile(folder, run)))
	}
	if err := announce(out, w, checks, conformance.LedgerFile(folder, run)); err != nil {
		return err
	}
	if !f.yes && !confirmed(cmd.InOrStdin(), out) {
		return errors.Join(errors.New("nothing was created"), os.Remove(conformance.LedgerFile(folder, run)))
	}
	progress := cli.NewProgress(cmd.ErrOrStderr(), "checks", len(checks))
	report := conformance.Run(ctx, w, checks, version, func(conformance.Result) { progress.Step() })
	progress.End()
	return errors.Join(f.finish(out, report), cleanUp(ctx, cmd.ErrOrStderr(), w, conformance.LedgerFile(folder, run)))
}

// announce prints what a run will create and what it costs.
func announce(out io.Writer, w *conformance.World, checks []conformance.Check, ledger string) error {
	cli.Say(out, "Run %s will try %d checks with vendor %s and customer %s.\n\n", w.Run, len(checks), w.Vendor.Account, w.Customer.Account)
	cli.Say(out, "It creates, with names that begin with %s%s and the tag %s=%s:\n\n", conformance.Prefix, w.Run, conformance.Tag, w.Run)
	made := cli.NewTable("CHECK", "CREATES")
	for _, c := range checks {
		if c.Makes != "" {
			made.Row(c.ID, c.Makes)
		}
	}
	cost := cli.NewTable("SERVICE", "LISTED, USD", "USE")
	for _, p := range conformance.Prices() {
		cost.Row(p.Service, p.Listed, p.Use)
	}
	err := errors.Join(made.Print(out))
	cli.Say(out, "\nIt costs at most, by AWS's list prices (from memory, not measured):\n\n")
	err = errors.Join(err, cost.Print(out))
	cli.Say(out, "\nEverything is deleted at the end. What it creates is listed in\n%s\n\n", ledger)
	return err
}

func confirmed(in io.Reader, out io.Writer) bool {
	fmt.Fprint(out, "Continue? Only yes is accepted: ")
	line, err := bufio.NewReader(in).ReadString('\n')
	return (err == nil || errors.Is(err, io.EOF)) && strings.TrimSpace(line) == "yes"
}

// finish prints the table and writes the report.
func (f *runFlags) finish(out io.Writer, report conformance.Report) error {
	if err := printReport(out, report); err != nil {
		return err
	}
	name := f.out
	if name == "" {
		name = "xacct-conformance-" + report.Run + ".json"
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	cli.Say(out, "\nThe report is in %s. It has no account IDs, keys or signatures.\n", name)
	if f.facts != "" {
		if err := printPatch(out, f.facts, report); err != nil {
			return err
		}
	}
	if wrong := report.Count(conformance.Differs) + report.Count(conformance.Failed); wrong > 0 {
		return fmt.Errorf("%d of %d checks do not hold or have no verdict", wrong, len(report.Results))
	}
	return nil
}

func printReport(out io.Writer, report conformance.Report) error {
	table := cli.NewTable("CHECK", "OUTCOME", "ASSUMPTION")
	for _, r := range report.Results {
		text := r.Title
		switch {
		case r.Outcome == conformance.Differs:
			text += ". Seen instead: " + cli.OneLine(errors.New(r.Seen)) + ". Wrong in: " + r.Place
		case r.Seen != "":
			text += ": " + cli.OneLine(errors.New(r.Seen))
		}
		table.Row(r.ID, string(r.Outcome), text)
	}
	table.Colours("OUTCOME", map[string]cli.Colour{string(conformance.Holds): cli.Green, string(conformance.Differs): cli.Red, string(conformance.Failed): cli.Yellow})
	fmt.Fprintln(out)
	if err := table.Print(out); err != nil {
		return err
	}
	cli.Say(out, "\n%d hold, %d differ, %d have no verdict, %d were not tried.\n",
		report.Count(conformance.Holds), report.Count(conformance.Differs), report.Count(conformance.Failed), report.Count(conformance.NotTried))
	return nil
}

// cleanUp deletes what a run has created, even if the run was interrupted, and then
// the ledger. A second interruption ends the program, and leaves the ledger.
func cleanUp(ctx context.Context, out io.Writer, w *conformance.World, ledger string) error {
	left := w.Ledger.Left()
	cli.Say(out, "Deleting %d resources that the run has created. This takes some minutes.\n", len(left))
	err := conformance.Clean(context.WithoutCancel(ctx), w, func(e conformance.Entry, err error) {
		if err != nil {
			cli.Say(out, "not yet: %s\n", cli.OneLine(err))
		}
	})
	if err != nil {
		return fmt.Errorf("some resources are left; `xacct-conformance clean %s` tries again: %w", w.Run, err)
	}
	return os.Remove(ledger)
}

// warnOfOthers prints the earlier runs that have left resources.
func warnOfOthers(out io.Writer, folder string) error {
	runs, err := conformance.Runs(folder)
	for _, run := range runs {
		cli.Say(out, "An earlier run has left resources: `xacct-conformance clean %s` deletes them.\n", run)
	}
	return err
}
