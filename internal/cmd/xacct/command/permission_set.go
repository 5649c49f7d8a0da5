// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/hub/sets"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newPermissionSetCommand(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "permission-set",
		Short: "Apply, list and delete permission sets without Terraform",
		Long: `Apply, list and delete permission sets without Terraform. A set is what customers are
asked to grant; their links refer to it. A set belongs to the tool that created it:
Terraform's sets are left alone unless --adopt is set.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSetApplyCommand(p), newSetListCommand(p), newSetDeleteCommand(p))
	return cmd
}

func newSetApplyCommand(p process) *cobra.Command {
	var on fileFlags
	var name string
	cmd := &cobra.Command{
		Use:   "apply --file SPECIFICATION [--name NAME]",
		Short: "Create or change a permission set as a file describes it",
		Long: `Create or change a permission set: its role, trust and choices. The name is
permission_set in the file, or --name. All links that refer to the set follow it; in
customers' accounts nothing changes until they update their stacks.

With --json it prints one object: hub, permission_set, outcome (created, changed,
adopted or unchanged), dry_run, template_version, template_url, changes (what customers
gain and lose), open_links (customers), and outdated_stacks, the number of live stacks
of another version.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, g, err := on.open(cmd, p)
			if err != nil {
				return err
			}
			inFile, declared := g.PermissionSet()
			name := cmp.Or(name, inFile)
			if !customers.IsIdentifier(name) {
				return cli.Usage("%q is not the name of a permission set: set permission_set in the file, or --name: 1 to 64 letters, digits and ._-, a letter or digit first", name)
			}
			served, err := sets.NewService(w.hub, onboarding.OwnerCommand, p.clock).Put(cmd.Context(), sets.Order{
				Name: name, Declared: declared, Adopt: on.opts.adopt, DryRun: on.opts.dryRun,
			})
			if err != nil {
				return w.explainSet(err)
			}
			if !on.opts.dryRun && served.Outcome != sets.Unchanged {
				w.upkeep(cmd.Context(), cmd.ErrOrStderr())
			}
			return newSetResult(served, on.opts).write(cmd.OutOrStdout(), on.opts)
		},
	}
	on.addTo(cmd)
	cmd.Flags().StringVar(&name, "name", "", "name of the permission set (default: permission_set in the file)")
	return cmd
}

// explainSet returns the error of a permission set, with what to do about it.
func (w *hubWriter) explainSet(err error) error {
	var owned *sets.OwnedError
	var mistake permissionset.FieldError
	switch {
	case errors.Is(err, registry.ErrNoHub):
		return fmt.Errorf("there is no hub %q in %s of account %s: `xacct hub create --file` creates it", w.hub.Name(), w.clients.Region, w.clients.Account)
	case errors.As(err, &owned):
		return fmt.Errorf("%w, which continues to manage it: change it there, or take it over with --adopt", err)
	case errors.As(err, &mistake):
		return fmt.Errorf("live stacks could not follow this change: %w", err)
	}
	return w.explain(err)
}

// setResult is the outcome of applying or deleting a permission set, as --json
// prints it.
type setResult struct {
	Hub             string   `json:"hub"`
	PermissionSet   string   `json:"permission_set"`
	Outcome         string   `json:"outcome"`
	DryRun          bool     `json:"dry_run"`
	TemplateVersion string   `json:"template_version"`
	TemplateURL     string   `json:"template_url"`
	Changes         []string `json:"changes"`
	OpenLinks       []string `json:"open_links"`
	Outdated        int      `json:"outdated_stacks"`
}

func newSetResult(s sets.Result, opts changeFlags) setResult {
	return setResult{
		Hub: s.Set.Hub, PermissionSet: s.Set.Name, Outcome: string(s.Outcome), DryRun: opts.dryRun,
		TemplateVersion: s.Set.TemplateVersion, TemplateURL: s.Set.TemplateURL,
		Changes: append([]string{}, s.Lines...), OpenLinks: append([]string{}, s.Open...), Outdated: s.Outdated,
	}
}

func (r setResult) write(out io.Writer, opts changeFlags) error {
	if opts.json {
		return cli.PrintJSON(out, r)
	}
	cli.Say(out, "Permission set %s/%s: %s.\n", r.Hub, r.PermissionSet, opts.describe(r.Outcome))
	if len(r.Changes) > 0 {
		cli.Say(out, "The role of each customer:\n")
	}
	for _, line := range r.Changes {
		cli.Say(out, "  - %s\n", cli.Printable(line))
	}
	if len(r.OpenLinks) > 0 {
		cli.Say(out, "Open links that refer to it: %s.\n", onboarding.SomeOf(r.OpenLinks))
	}
	if r.Outdated > 0 {
		cli.Say(out, "%s %s made with another version: `xacct customers --hub %s --outdated` lists how they are updated.\n", onboarding.Counted(r.Outdated, "live stack"), onboarding.Plural(r.Outdated, "was", "were"), r.Hub)
	}
	return nil
}

// setView is a permission set in a list, as --json prints it.
type setView struct {
	Name            string     `json:"name"`
	Owner           string     `json:"owner"`
	RoleName        string     `json:"role_name,omitempty"`
	RolePath        string     `json:"role_path"`
	TemplateVersion string     `json:"template_version"`
	TemplateURL     string     `json:"template_url"`
	CreatedAt       *time.Time `json:"created_at,omitempty"`
	RetiredAt       *time.Time `json:"retired_at,omitempty"`
	OpenLinks       int        `json:"open_links"`
}

func newSetListCommand(p process) *cobra.Command {
	var on hubFlags
	var all, asJSON bool
	cmd := &cobra.Command{
		Use:   "list --hub NAME",
		Short: "List a hub's permission sets",
		Long: `List a hub's permission sets. --all shows deleted ones too.

With --json it prints a list of objects, sorted by name: name, owner (terraform, api or
command), role_name (omitted: <hub>-<customer_id>), role_path, template_version,
template_url, created_at, retired_at (when it was deleted), open_links (how many).`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := on.open(cmd.Context(), p, interactiveAttempts)
			if err != nil {
				return err
			}
			list, err := in.records.PermissionSets(cmd.Context())
			if err != nil {
				return in.explain(err)
			}
			found, err := in.records.Customers(cmd.Context())
			if err != nil {
				return in.explain(err)
			}
			shown := showSets(list, found, all)
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), shown)
			}
			return printSets(cmd.OutOrStdout(), shown)
		},
	}
	on.addTo(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "also deleted sets")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	return cmd
}

func showSets(list []onboarding.PermissionSet, found []onboarding.Customer, all bool) []setView {
	shown := []setView{} // never null in JSON
	for _, set := range list {
		if set.Retired() && !all {
			continue
		}
		shown = append(shown, setView{
			Name: set.Name, Owner: ownerName(set.Owner), RoleName: set.RoleName, RolePath: set.RolePath,
			TemplateVersion: set.TemplateVersion, TemplateURL: set.TemplateURL,
			CreatedAt: known(set.CreatedAt), RetiredAt: known(set.RetiredAt),
			OpenLinks: len(sets.OpenLinks(sets.Referring(found, set.Name))),
		})
	}
	slices.SortFunc(shown, func(a, b setView) int { return strings.Compare(a.Name, b.Name) })
	return shown
}

func printSets(out io.Writer, shown []setView) error {
	if len(shown) == 0 {
		err := cli.Say(out, "No permission sets.\n")
		return err
	}
	t := cli.NewTable("NAME", "OWNER", "LINKS", "VERSION", "CREATED", "DELETED", "ROLE")
	t.Optional("CREATED", "VERSION", "OWNER")
	for _, s := range shown {
		t.Row(s.Name, s.Owner, fmt.Sprint(s.OpenLinks), s.TemplateVersion, cli.Day(s.CreatedAt), cli.Day(s.RetiredAt), s.RoleName)
	}
	return t.Print(out)
}

func newSetDeleteCommand(p process) *cobra.Command {
	var on hubFlags
	var opts changeFlags
	cmd := &cobra.Command{
		Use:   "delete NAME --hub NAME",
		Short: "Delete a permission set",
		Long: `Delete a permission set: no other link can refer to it. Links that refer to it stay as
they are and can be launched. If it is applied again under its name, it is the same set.

With --json it prints the object of ` + "`xacct permission-set apply --json`" + `; the outcome is
deleted or unchanged.`,
		Args: cli.Exactly(1, "NAME: the permission set's"),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := on.openWriter(cmd.Context(), p)
			if err != nil {
				return err
			}
			served, err := sets.NewService(w.hub, onboarding.OwnerCommand, p.clock).Delete(cmd.Context(), args[0], opts.adopt, opts.dryRun)
			if errors.Is(err, registry.ErrNoPermissionSet) {
				return fmt.Errorf("hub %q has no permission set %q: `xacct permission-set list --hub %s` lists those that it has", on.hub, args[0], on.hub)
			}
			if err != nil {
				return w.explainSet(err)
			}
			return newSetResult(served, opts).write(cmd.OutOrStdout(), opts)
		},
	}
	on.addTo(cmd)
	opts.addTo(cmd)
	cmd.ValidArgsFunction = onlyFirst(on.completeSets(p))
	return cmd
}
