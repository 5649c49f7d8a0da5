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

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/generate"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// readSpecification reads the file of a vendor without Terraform, prints what is
// wrong with it or what a reviewer would ask about, and returns it.
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
		return nil, fmt.Errorf("%s has %s", file, mistakes(len(problems)))
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
	doing   doingFlags
}

func (f *fileFlags) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "the specification, in YAML or JSON, as xacct generate reads it; - is standard input")
	cmd.Flags().StringVar(&f.profile, "profile", "", "profile of the shared AWS configuration")
	f.doing.addTo(cmd)
}

// doingFlags are the flags of commands that change something.
type doingFlags struct {
	adopt, dryRun, json bool
}

func (f *doingFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.adopt, "adopt", false, "also if it belongs to another of your tools (Terraform or the onboarding API): take it over")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would be done, and change nothing")
	flags.BoolVar(&f.json, "json", false, "print JSON (described above)")
}

// done returns a command's words for an outcome; a dry run's are in the conditional.
func (f doingFlags) done(outcome string) string {
	if f.dryRun && outcome != "unchanged" {
		return "would be " + outcome
	}
	return outcome
}

// workshop is a hub that a command may change, with its clients. There may be no
// hub yet.
type workshop struct {
	*intake

	hub *hub.Manager
}

// openFile opens the hub of a specification with the caller's credentials, which
// must be of the account in the file.
func (f *fileFlags) open(cmd *cobra.Command, p process) (*workshop, *generate.Generator, error) {
	g, err := readSpecification(cmd, f.file)
	if err != nil {
		return nil, nil, err
	}
	on := hubFlags{hub: g.Hub().Name, region: g.Hub().Region.String(), profile: f.profile}
	clients, err := on.load(cmd.Context(), p.version, patience)
	if err != nil {
		return nil, nil, err
	}
	if clients.Account != g.Hub().Account {
		return nil, nil, fmt.Errorf("the credentials belong to account %s, and hub.vendor_account_id in %s is %s", clients.Account, f.file, g.Hub().Account)
	}
	w, err := newWorkshop(p, clients, on.hub)
	return w, g, err
}

func newWorkshop(p process, clients *awsclient.Clients, name string) (*workshop, error) {
	manager, err := hub.New(clients, name, p.clock, rand.Reader)
	if err != nil {
		return nil, err
	}
	return &workshop{&intake{process: p, clients: clients, records: manager.Registry()}, manager}, nil
}

// work opens an existing hub to change it.
func (f *hubFlags) work(ctx context.Context, p process) (*workshop, error) {
	in, err := f.open(ctx, p, patience)
	if err != nil {
		return nil, err
	}
	w, err := newWorkshop(p, in.clients, f.hub)
	if err != nil {
		return nil, err
	}
	w.record = in.record
	return w, nil
}

// upkeep does what a refresh of Terraform does: it compares who may publish and
// read with what the customers need, and deletes the templates that are out of use.
func (w *workshop) upkeep(ctx context.Context, notes io.Writer) {
	record, err := w.records.Hub(ctx)
	if err == nil && record.State == registry.HubReady {
		err = w.tidy(ctx)
	}
	w.swept(notes, err)
}

// swept prints a note if an upkeep has failed.
func (w *workshop) swept(notes io.Writer, err error) {
	if err != nil {
		cli.Say(notes, "Publishers and templates could not be compared with the customers; the next command tries again: %s\n", oneLine(w.explain(err)))
	}
}

func (w *workshop) tidy(ctx context.Context) error {
	if err := w.tidyPublishers(ctx, w.hub); err != nil {
		return err
	}
	return w.hub.SweepTemplates(ctx, w.clock())
}
