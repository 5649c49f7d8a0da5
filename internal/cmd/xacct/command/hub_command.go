// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/generate"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/hub/sets"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newHubCommand(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hub",
		Short: "Create, show and delete a hub without Terraform",
		Long: `Create, show and delete a hub without Terraform. A hub belongs to the tool that created
it: these commands leave Terraform's hubs alone unless --adopt is set, and Terraform
leaves these commands' hubs alone unless they are imported.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newHubCreateCommand(p), newHubShowCommand(p), newHubDeleteCommand(p))
	return cmd
}

func newHubCreateCommand(p process) *cobra.Command {
	var on fileFlags
	cmd := &cobra.Command{
		Use:   "create --file SPECIFICATION",
		Short: "Create, change or repair a hub as a file describes it",
		Long: `Create a hub as the section "hub" of the file describes it, as Terraform's xacct_hub
does. A hub that exists is changed and repaired; if it matches the file, nothing is
done. If the command is interrupted, repeat it.

If the stack of ` + "`xacct generate hub`" + ` has created queue, table, bucket and topics,
the hub uses them: they stay the stack's, and only what is missing is added.

With --json it prints one object: hub, outcome (created, changed, adopted or
unchanged), changes (names of settings), repaired (what was missing or changed by hand),
dry_run, from_stack, warning (about a hub of the same name in another Region),
permission_sets (those whose templates follow the change), and, unless it was a dry run,
state, the object that ` + "`xacct hub show --json`" + ` prints.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, g, err := on.open(cmd, p)
			if err != nil {
				return err
			}
			result, err := w.createHub(cmd.Context(), g, on.opts)
			if err != nil {
				return err
			}
			if !on.opts.dryRun {
				w.upkeep(cmd.Context(), cmd.ErrOrStderr())
			}
			if on.opts.json {
				return cli.PrintJSON(cmd.OutOrStdout(), result)
			}
			return result.print(cmd.OutOrStdout(), on.opts)
		},
	}
	on.addTo(cmd)
	return cmd
}

// hubResult is the outcome of creating or changing a hub, as --json prints it.
type hubResult struct {
	Hub       string   `json:"hub"`
	Outcome   string   `json:"outcome"`
	Changes   []string `json:"changes"`
	Repaired  []string `json:"repaired"`
	DryRun    bool     `json:"dry_run"`
	FromStack bool     `json:"from_stack"`
	Sets      []string `json:"permission_sets,omitempty"`
	Warning   string   `json:"warning,omitempty"`

	View *hubView `json:"state,omitempty"`
}

func (w *hubWriter) createHub(ctx context.Context, g *generate.Generator, opts changeFlags) (hubResult, error) {
	spec := g.HubSpec()
	spec.Owner, spec.Adopt = onboarding.OwnerCommand, opts.adopt
	spec.Incarnation = onboarding.Incarnation{ID: rand.Text(), Since: w.clock().UTC()}
	result := hubResult{Hub: g.Hub().Name, DryRun: opts.dryRun, Changes: []string{}, Repaired: []string{}}
	var err error
	if result.FromStack, err = w.hub.CreatedByStack(ctx, g.Bucket()); err != nil {
		return result, err
	}
	if result.FromStack {
		spec.Bucket = g.Bucket()
	}
	var preview hub.Preview
	var state hub.State
	if opts.dryRun {
		preview, err = w.hub.Preview(ctx, spec)
	} else {
		state, preview, err = w.hub.Put(ctx, spec)
	}
	if err != nil {
		return result, explainHub(err)
	}
	result.Outcome = outcomeOf(preview)
	if !preview.Exists {
		result.Warning = w.warnOfOthers(ctx)
	}
	result.Changes = append(result.Changes, preview.Changes...)
	for _, defect := range preview.Defects {
		result.Repaired = append(result.Repaired, defect.String())
	}
	if opts.dryRun {
		return result, nil
	}
	result.View = newHubView(state)
	if len(preview.Changes) > 0 {
		result.Sets, err = w.followHub(ctx)
	}
	return result, err
}

// warnOfOthers returns the warning about hubs of the same name in other
// Regions; empty if there are none, or if they can't be listed.
func (w *hubWriter) warnOfOthers(ctx context.Context) string {
	others, err := w.hub.OtherRegions(ctx)
	if err != nil || len(others) == 0 {
		return ""
	}
	return hub.OtherRegionsWarning(w.hub.Name(), w.clients.Account, w.clients.Region, others)
}

// followHub publishes the templates of the command line's permission sets again
// if a change of the hub, such as of its Regions, changes their text. It
// returns the names of those sets.
func (w *hubWriter) followHub(ctx context.Context) ([]string, error) {
	list, err := w.records.PermissionSets(ctx)
	if err != nil {
		return nil, w.explain(err)
	}
	var moved []string
	for _, set := range list {
		if set.Retired() || set.Owner != onboarding.OwnerCommand {
			continue
		}
		declared, err := declaration.OfSet(set)
		if err != nil {
			return moved, fmt.Errorf("permission set %s can't be read: restore the table from a backup: %w", set.Name, err)
		}
		served, err := sets.NewService(w.hub, onboarding.OwnerCommand, w.clock).Put(ctx, sets.Order{Name: set.Name, Declared: declared})
		if err != nil {
			return moved, w.explainSet(err)
		}
		if served.Outcome == sets.Changed {
			moved = append(moved, set.Name)
		}
	}
	return moved, nil
}

func outcomeOf(p hub.Preview) string {
	switch {
	case !p.Exists:
		return "created"
	case p.Adopts:
		return "adopted"
	case p.HasChanges():
		return "changed"
	}
	return "unchanged"
}

// explainHub returns the error of a hub, with what to do about it.
func explainHub(err error) error {
	var owned *hub.OwnedError
	var live *hub.LiveError
	var busy *hub.BusyError
	var shared *hub.SharedTopicError
	switch {
	case errors.As(err, &shared):
		return fmt.Errorf("%w: give this hub another name, or leave Region %s out of it", err, shared.Topic.Region)
	case errors.As(err, &owned):
		return fmt.Errorf("%w, which continues to manage it: change it there, or take it over with --adopt", err)
	case errors.As(err, &live):
		return fmt.Errorf("%w. Ask the customers to delete their stacks while a registrar runs, and close their links with `xacct customers remove`", err)
	case errors.As(err, &busy):
		return fmt.Errorf("%w. Let a registrar handle what waits, and try again a minute later", err)
	}
	return err
}

func (r hubResult) print(out io.Writer, opts changeFlags) error {
	over := ""
	if r.FromStack {
		over = ", over the parts of its CloudFormation stack"
	}
	cli.Say(out, "Hub %s: %s%s.\n", r.Hub, opts.describe(r.Outcome), over)
	if r.Warning != "" {
		cli.Say(out, "Warning: %s\n", r.Warning)
	}
	if len(r.Changes) > 0 {
		cli.Say(out, "Settings: %s.\n", strings.Join(r.Changes, ", "))
	}
	if len(r.Sets) > 0 {
		cli.Say(out, "Permission sets that follow: %s.\n", strings.Join(r.Sets, ", "))
	}
	for _, defect := range r.Repaired {
		cli.Say(out, "Repaired: %s.\n", cli.Printable(defect))
	}
	if r.View != nil {
		fmt.Fprintln(out)
		r.View.print(out)
	}
	return nil
}

func newHubDeleteCommand(p process) *cobra.Command {
	var on hubFlags
	var opts changeFlags
	var force bool
	cmd := &cobra.Command{
		Use:   "delete --hub NAME",
		Short: "Delete a hub with everything in it",
		Long: `Delete a hub: its topics, queues, bucket and table, with all records of customers.
It is refused while customers have live stacks or open links, and while requests wait
in the queue. --force deletes it anyway: customers can then only force-delete their
stacks, because their requests are never answered.

If the hub uses the parts of a CloudFormation stack, it is only closed, and the stack
is yours to delete. If the command is interrupted, repeat it.

With --json it prints one object: hub, outcome (deleted or unchanged: there is none),
dry_run, remains (a bucket that stays to keep its name), and from_stack.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return on.deleteHub(cmd, p, opts, force)
		},
	}
	on.addTo(cmd)
	opts.addTo(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "delete it even if customers have live stacks or open links")
	return cmd
}

// deletedHub is the outcome of deleting a hub, as --json prints it.
type deletedHub struct {
	Hub       string `json:"hub"`
	Outcome   string `json:"outcome"`
	DryRun    bool   `json:"dry_run"`
	Remains   string `json:"remains,omitempty"`
	FromStack bool   `json:"from_stack,omitempty"`
}

func (f *hubFlags) deleteHub(cmd *cobra.Command, p process, opts changeFlags, force bool) error {
	if err := f.check(); err != nil {
		return err
	}
	clients, err := f.load(cmd.Context(), p.version, interactiveAttempts)
	if err != nil {
		return err
	}
	w, err := newHubWriter(p, clients, f.hub)
	if err != nil {
		return err
	}
	result := deletedHub{Hub: f.hub, Outcome: "deleted", DryRun: opts.dryRun}
	var remains hub.Retained
	switch record, found := w.records.Hub(cmd.Context()); {
	case errors.Is(found, registry.ErrNoHub):
		result.Outcome = "unchanged"
	case found != nil:
		return w.explain(found)
	case opts.dryRun:
		result.FromStack = record.FromStack
		err = w.hub.MayDelete(cmd.Context(), onboarding.OwnerCommand, opts.adopt, force)
	default:
		result.FromStack = record.FromStack
		remains, err = w.hub.DeleteOwned(cmd.Context(), onboarding.OwnerCommand, opts.adopt, force)
	}
	var stack *hub.StackError
	if err != nil && !errors.As(err, &stack) {
		return explainHub(err)
	}
	result.Remains = remains.Bucket
	if opts.json {
		return cli.PrintJSON(cmd.OutOrStdout(), result)
	}
	out := cmd.OutOrStdout()
	switch {
	case stack != nil:
		cli.Say(out, "%s\n", upperFirst(stack.Error())+".")
	case result.Outcome == "unchanged":
		cli.Say(out, "Hub %s does not exist: nothing was deleted.\n", f.hub)
	default:
		cli.Say(out, "Hub %s: %s.\n", f.hub, opts.describe(result.Outcome))
	}
	if result.Remains != "" {
		cli.Say(out, "Bucket %s stays, empty and closed, to reserve its name: otherwise old links could open a stranger's template.\n", result.Remains)
	}
	return nil
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
