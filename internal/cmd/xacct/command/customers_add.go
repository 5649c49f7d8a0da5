// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newCustomersAddCommand(p process) *cobra.Command {
	var on hubFlags
	var opts changeFlags
	var asked linkOrder
	var update bool
	cmd := &cobra.Command{
		Use:   "add CUSTOMER --hub NAME --permission-set NAME --account-id ID",
		Short: "Issue a customer's onboarding link",
		Long: `Issue a customer's onboarding link and print it. If the customer has a link with the
same settings, it is printed. If the settings differ, --update changes the permission
set, the expiry and the metadata; the account of an open link never changes.

A link belongs to the tool that issued it. Links of Terraform and of the onboarding API
are left alone unless --adopt is set.

With --json it prints one object: customer_id, outcome (created, changed, unchanged),
dry_run, account_id, permission_set, external_id, launch_url (omitted if it has to be
signed, or in a dry run), expires_at, metadata.`,
		Example: `  xacct customers add globex --hub acme --permission-set readonly \
    --account-id 222222222222
  xacct customers add initech --hub acme --permission-set readonly \
    --account-id 333333333333 --expires-at 2027-01-31T00:00:00Z`,
		Args: cli.Exactly(1, "CUSTOMER: your own ID of the customer"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asked.CustomerID = args[0]
			order, err := asked.order()
			if err != nil {
				return cli.Usage("%w", err)
			}
			w, err := on.openWriter(cmd.Context(), p)
			if err != nil {
				return err
			}
			result, err := w.add(cmd.Context(), order, opts, update)
			if err != nil {
				return err
			}
			return result.write(cmd.OutOrStdout(), opts)
		},
	}
	on.addTo(cmd)
	opts.addTo(cmd)
	asked.addTo(cmd)
	cmd.Flags().BoolVar(&update, "update", false, "change the open link if its settings differ")
	completeFlag(cmd, "permission-set", on.completeSets(p))
	completeFlag(cmd, "link-region", completeRegions)
	cmd.ValidArgsFunction = onlyFirst(on.completeCustomers(p)) // for --update
	return cmd
}

// linkOrder is a link's settings as text, from flags or a file.
type linkOrder struct {
	CustomerID    string            `json:"customer_id"`
	PermissionSet string            `json:"permission_set"`
	AccountID     string            `json:"account_id"`
	AskAccountID  bool              `json:"ask_account_id"`
	Region        string            `json:"region"`
	StackName     string            `json:"stack_name"`
	ExpiresAt     string            `json:"expires_at"`
	Metadata      map[string]string `json:"metadata"`
}

func (o *linkOrder) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.PermissionSet, "permission-set", "", "permission set that the customer is asked to grant")
	flags.StringVar(&o.AccountID, "account-id", "", "the customer's AWS account: 12 digits")
	flags.BoolVar(&o.AskAccountID, "ask-account-id", false, "let the customer name their account on the connect page")
	flags.StringVar(&o.Region, "link-region", "", "Region that the link proposes, one of the hub's (default: the hub's own)")
	flags.StringVar(&o.StackName, "stack-name", "", "name that the link proposes for the stack (default: <hub>-access)")
	flags.StringVar(&o.ExpiresAt, "expires-at", "", "when the link expires, such as 2027-01-31T00:00:00Z (default: never)")
	flags.StringToStringVar(&o.Metadata, "metadata", nil, "your own notes on the customer, as KEY=VALUE")
}

// order parses the settings. The error contains all mistakes.
func (o linkOrder) order() (customers.Order, error) {
	order := customers.Order{
		CustomerID: o.CustomerID, PermissionSet: o.PermissionSet, AsksAccount: o.AskAccountID,
		Region: o.Region, StackName: o.StackName, Metadata: o.Metadata,
	}
	var errs []error
	if !customers.IsIdentifier(o.CustomerID) {
		errs = append(errs, fmt.Errorf("customer_id %q is not a customer's ID: 1 to 64 letters, digits and ._-, a letter or digit first", o.CustomerID))
	}
	if o.PermissionSet == "" {
		errs = append(errs, errors.New("permission_set is missing: the name of the set that the customer is asked to grant"))
	}
	var err error
	if o.AccountID != "" {
		if order.Account, err = account.ParseID(o.AccountID); err != nil {
			errs = append(errs, fmt.Errorf("account_id: %w", err))
		}
	}
	if o.ExpiresAt != "" {
		if order.ExpiresAt, err = time.Parse(time.RFC3339, o.ExpiresAt); err != nil {
			errs = append(errs, fmt.Errorf("expires_at %q is not a time such as 2027-01-31T00:00:00Z", o.ExpiresAt))
		}
	}
	return order, errors.Join(errs...)
}

// linkResult is the outcome for one customer's link. It is what --json prints.
type linkResult struct {
	CustomerID    string            `json:"customer_id"`
	Outcome       string            `json:"outcome"`
	DryRun        bool              `json:"dry_run,omitempty"`
	AccountID     string            `json:"account_id,omitempty"`
	PermissionSet string            `json:"permission_set,omitempty"`
	ExternalID    string            `json:"external_id,omitempty"`
	LaunchURL     string            `json:"launch_url,omitempty"`
	ExpiresAt     *time.Time        `json:"expires_at,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	Error         string            `json:"error,omitempty"`

	launch string // the URL, or the command that prints it
}

func (w *hubWriter) service() *customers.Service {
	return customers.NewService(w.hub, onboarding.OwnerCommand, w.clock)
}

// add creates or changes the customer's link to match the order.
func (w *hubWriter) add(ctx context.Context, order customers.Order, opts changeFlags, update bool) (linkResult, error) {
	order.Adopt, order.DryRun = opts.adopt, opts.dryRun
	served, err := w.service().Put(ctx, order)
	var differs *customers.DiffersError
	if errors.As(err, &differs) && update {
		served, err = w.update(ctx, order)
	}
	if err != nil {
		return linkResult{}, w.explainLink(err)
	}
	return w.resultOf(served, opts), nil
}

func (w *hubWriter) resultOf(served customers.Result, opts changeFlags) linkResult {
	outcome := "unchanged"
	switch {
	case served.Created:
		outcome = "created"
	case served.Changed:
		outcome = "changed"
	}
	link := served.Customer.Link
	result := linkResult{
		CustomerID: link.CustomerID, Outcome: outcome, DryRun: opts.dryRun, AccountID: link.Account.String(), PermissionSet: link.PermissionSet,
		ExternalID: link.ExternalID.String(), ExpiresAt: known(link.ExpiresAt), Metadata: link.Metadata,
	}
	if !opts.dryRun {
		result.LaunchURL, result.launch = launchOf(served.Record, link, w.clock())
	}
	return result
}

// update changes the open link, on the condition that its revision stays the
// current one until then.
func (w *hubWriter) update(ctx context.Context, order customers.Order) (customers.Result, error) {
	found, err := w.records.Customer(ctx, order.CustomerID)
	if err != nil {
		return customers.Result{}, err
	}
	order.Revision = found.Link.Revision
	return w.service().Put(ctx, order)
}

// explainLink returns the error of a link, with what to do about it.
func (w *hubWriter) explainLink(err error) error {
	var differs *customers.DiffersError
	var owned *customers.OwnedError
	switch {
	case errors.As(err, &differs):
		return fmt.Errorf("%w: --update changes the permission set, the expiry and the metadata; for anything else, remove the link first", err)
	case errors.As(err, &owned):
		return fmt.Errorf("%w, which continues to manage it: change it there, or take it over with --adopt", err)
	case errors.Is(err, registry.ErrNoPermissionSet), errors.Is(err, registry.ErrPermissionSetRetired):
		return fmt.Errorf("%w: `xacct permission-set list --hub %s` lists the existing ones", err, w.hub.Name())
	}
	return w.explain(err)
}

func (r linkResult) write(out io.Writer, opts changeFlags) error {
	if opts.json {
		return cli.PrintJSON(out, r)
	}
	if err := cli.Say(out, "Customer %s: %s.\n", r.CustomerID, opts.describe(r.Outcome)); err != nil || r.launch == "" {
		return err
	}
	_, err := fmt.Fprintln(out, r.launch)
	return err
}

func newCustomersRemoveCommand(p process) *cobra.Command {
	var on hubFlags
	var opts changeFlags
	cmd := &cobra.Command{
		Use:   "remove CUSTOMER... --hub NAME",
		Short: "Close customers' onboarding links",
		Long: `Close customers' onboarding links: they can no longer be used to connect. Live stacks are
not affected; a customer whose link was closed for good should delete the stack.
If a link is issued again for the same account, it has the same external ID.

With --json it prints a list of objects: customer_id, outcome (closed, unchanged or
failed), dry_run, error. The exit code is 1 if any failed.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.Usage("name the customers whose links are to be closed")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := on.openWriter(cmd.Context(), p)
			if err != nil {
				return err
			}
			results := make([]linkResult, len(args))
			for i, customer := range args {
				results[i] = w.remove(cmd.Context(), customer, opts)
			}
			if !opts.dryRun {
				w.upkeep(cmd.Context(), cmd.ErrOrStderr())
			}
			return writeResults(cmd.OutOrStdout(), results, opts)
		},
	}
	on.addTo(cmd)
	opts.addTo(cmd)
	cmd.ValidArgsFunction = on.completeCustomers(p)
	return cmd
}

// failed is the outcome of a link that could not be issued, changed or closed.
const failed = "failed"

func (w *hubWriter) remove(ctx context.Context, customer string, opts changeFlags) linkResult {
	result := linkResult{CustomerID: customer, Outcome: "closed", DryRun: opts.dryRun}
	found, err := w.records.Customer(ctx, customer)
	switch {
	case errors.Is(err, registry.ErrNoLink):
		err = noCustomer(customer, w.hub.Name())
	case err != nil:
	case found.Link.Closed:
		result.Outcome = "unchanged"
	case found.Link.Owner != onboarding.OwnerCommand && !opts.adopt:
		err = &customers.OwnedError{Hub: w.hub.Name(), CustomerID: customer, Owner: found.Link.Owner}
	case !opts.dryRun:
		_, err = w.service().Close(ctx, customer, 0, opts.adopt)
	}
	if err != nil {
		result.Outcome, result.Error = failed, oneLine(w.explainLink(err))
	}
	return result
}

// writeResults prints the outcomes of several links, and returns an error with
// the number of those that failed.
func writeResults(out io.Writer, results []linkResult, opts changeFlags) error {
	counts := map[string]int{}
	for _, r := range results {
		counts[r.Outcome]++
	}
	if opts.json {
		if err := cli.PrintJSON(out, append([]linkResult{}, results...)); err != nil {
			return err
		}
	} else if err := printResults(out, results, opts); err != nil {
		return err
	}
	if n := counts[failed]; n > 0 {
		return fmt.Errorf("%d of %s failed", n, onboarding.Counted(len(results), "customer"))
	}
	return nil
}

func printResults(out io.Writer, results []linkResult, opts changeFlags) error {
	t := cli.NewTable("CUSTOMER", "ACCOUNT", "OUTCOME", "LINK", "ERROR")
	t.Colours("OUTCOME", map[string]cli.Colour{failed: cli.Red, "created": cli.Green})
	t.Optional("LINK")
	for _, r := range results {
		outcome := r.Outcome
		if outcome != failed {
			outcome = opts.describe(outcome)
		}
		t.Row(r.CustomerID, r.AccountID, outcome, r.launch, r.Error)
	}
	if err := t.Print(out); err != nil {
		return err
	}
	counts := map[string]int{}
	for _, r := range results {
		counts[r.Outcome]++
	}
	var outcomes []count
	for _, outcome := range []string{"created", "changed", "closed", "unchanged", failed} {
		outcomes = append(outcomes, count{counts[outcome], outcome})
	}
	return cli.Say(out, "\n%s.\n", tally(onboarding.Counted(len(results), "customer")+":", "none", outcomes))
}
