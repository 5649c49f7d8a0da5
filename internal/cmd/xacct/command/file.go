// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/generate"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// readSpecification returns the specification of a vendor without Terraform. It
// prints the mistakes, which are an error, and the warnings to standard error.
func readSpecification(cmd *cobra.Command, file string) (*generate.Generator, error) {
	if file == "" {
		return nil, cli.Usage("--file is missing: the specification; - reads it from standard input")
	}
	text, err := readFile(cmd.InOrStdin(), file)
	if err != nil {
		return nil, fmt.Errorf("the specification can't be read: %w", err)
	}
	generator, err := generate.Read(file, text)
	var problems generate.Problems
	if errors.As(err, &problems) {
		cli.Say(cmd.ErrOrStderr(), "%s\n", problems.Error())
		advice := ""
		if slices.Contains([]string{".csv", ".jsonl"}, strings.ToLower(filepath.Ext(file))) {
			advice = "; `xacct customers import` reads files of customers"
		}
		return nil, fmt.Errorf("%s has %s%s", file, mistakes(len(problems)), advice)
	}
	if err != nil {
		return nil, err
	}
	for _, warning := range generator.Warnings() {
		cli.Say(cmd.ErrOrStderr(), "%s\n", warning)
	}
	return generator, nil
}

// readFile reads a file; - is standard input.
func readFile(stdin io.Reader, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}

// fileFlags are the flags of commands that apply a file.
type fileFlags struct {
	file    string
	profile string
	opts    changeFlags
}

func (f *fileFlags) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "the specification, in YAML or JSON, as xacct generate reads it; - is standard input")
	cmd.Flags().StringVar(&f.profile, "profile", "", "profile of the shared AWS configuration")
	f.opts.addTo(cmd)
}

// changeFlags are the flags of commands that change a hub, a permission set or
// links.
type changeFlags struct {
	adopt, dryRun, json bool
}

func (f *changeFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.adopt, "adopt", false, "also if it belongs to another of your tools (Terraform or the onboarding API): take it over")
	addDryRun(cmd, &f.dryRun)
	flags.BoolVar(&f.json, "json", false, "print JSON (described above)")
}

// addDryRun adds the flag --dry-run.
func addDryRun(cmd *cobra.Command, dryRun *bool) {
	cmd.Flags().BoolVar(dryRun, "dry-run", false, "print what would be done, and change nothing")
}

// describe returns an outcome for people: in a dry run "would be created"
// instead of "created".
func (f changeFlags) describe(outcome string) string {
	if f.dryRun && outcome != "unchanged" {
		return "would be " + outcome
	}
	return outcome
}

// hubWriter is a hub that a command may create or change, with its clients.
type hubWriter struct {
	*intake

	hub *hub.Manager
}

// open reads the specification and opens its hub with the caller's credentials.
// It returns an error if they belong to another account than that of the file.
func (f *fileFlags) open(cmd *cobra.Command, p process) (*hubWriter, *generate.Generator, error) {
	g, err := readSpecification(cmd, f.file)
	if err != nil {
		return nil, nil, err
	}
	on := hubFlags{hub: g.Hub().Name, region: g.Hub().Region.String(), profile: f.profile}
	clients, err := on.load(cmd.Context(), p.version, interactiveAttempts)
	if err != nil {
		return nil, nil, err
	}
	if clients.Account != g.Hub().Account {
		return nil, nil, fmt.Errorf("the credentials belong to account %s, and hub.vendor_account_id in %s is %s", clients.Account, f.file, g.Hub().Account)
	}
	w, err := newHubWriter(p, clients, on.hub)
	return w, g, err
}

func newHubWriter(p process, clients *awsclient.Clients, name string) (*hubWriter, error) {
	manager, err := hub.New(clients, name, p.clock, rand.Reader)
	if err != nil {
		return nil, err
	}
	return &hubWriter{&intake{process: p, clients: clients, records: manager.Registry()}, manager}, nil
}

// openWriter opens an existing hub to change it.
func (f *hubFlags) openWriter(ctx context.Context, p process) (*hubWriter, error) {
	in, err := f.open(ctx, p, interactiveAttempts)
	if err != nil {
		return nil, err
	}
	w, err := newHubWriter(p, in.clients, f.hub)
	if err != nil {
		return nil, err
	}
	w.record = in.record
	return w, nil
}

// upkeep does what Terraform's refresh does: it repairs the lists of accounts
// that may publish and read, and deletes templates that are no longer used. An
// error is only noted.
func (w *hubWriter) upkeep(ctx context.Context, notes io.Writer) {
	record, err := w.records.Hub(ctx)
	if err == nil && record.State == registry.HubReady {
		err = w.tidy(ctx)
	}
	w.noteUpkeep(notes, err)
}

// noteUpkeep prints a note if the upkeep has failed.
func (w *hubWriter) noteUpkeep(notes io.Writer, err error) {
	if err != nil {
		cli.Say(notes, "Publishers and templates could not be compared with the customers; the next command tries again: %s\n", oneLine(w.explain(err)))
	}
}

func (w *hubWriter) tidy(ctx context.Context) error {
	if err := w.tidyPublishers(ctx, w.hub); err != nil {
		return err
	}
	return w.hub.SweepTemplates(ctx, w.clock())
}
