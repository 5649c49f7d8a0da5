// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// blockView is what block and unblock print with --json.
type blockView struct {
	CustomerID    string     `json:"customer_id"`
	Blocked       bool       `json:"blocked"`
	BlockedAt     *time.Time `json:"blocked_at,omitempty"`
	BlockedReason string     `json:"blocked_reason,omitempty"`
	Changed       bool       `json:"changed"`
	DryRun        bool       `json:"dry_run,omitempty"`
}

const blockJSON = `

With --json it prints an object: customer_id, blocked, blocked_at, blocked_reason, and
changed, which is false if there was nothing to write. With --dry-run also dry_run, and
what the command would have written.`

func printBlock(out io.Writer, link onboarding.Link, changed, dryRun bool) error {
	return cli.PrintJSON(out, blockView{link.CustomerID, link.Blocked, known(link.BlockedAt), link.BlockedReason, changed, dryRun})
}

func newBlockCommand(p process) *cobra.Command {
	var on hubFlags
	var reason string
	var asJSON, dryRun bool
	cmd := &cobra.Command{
		Use:   "block CUSTOMER --hub NAME",
		Short: "Refuse a customer's requests, from the next message on",
		Long: `Block a customer, starting with the next message that a registrar of the hub handles:
no role is proven for the customer any more.

  Create   is FAILED at once, with a message that asks the customer to contact you
  Update   is FAILED with the same message, and CloudFormation rolls it back; the
           rollback itself succeeds, and so does an Update whose time is nearly up
  Delete   succeeds, as always

Live stacks are not affected, the role stays registered, and its trusted principals can
still assume it: to end that, ask the customer to delete the stack. Terraform shows no
change, and keeps the block through every change of the link; only ` + "`xacct unblock`" + `
ends it.

` + "`xacct customers show`" + ` prints the reason; customers never read it. Blocking again
changes the reason.` + blockJSON,
		Example: `  xacct block globex --hub acme --reason "floods the queue, ticket 4711"`,
		Args:    cli.Exactly(1, "CUSTOMER: its ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			reason = strings.TrimSpace(reason)
			if utf8.RuneCountInString(reason) > onboarding.MaxBlockReason {
				return cli.Usage("--reason is longer than %d characters: keep details elsewhere, and refer to them", onboarding.MaxBlockReason)
			}
			link, changed, err := on.change(cmd.Context(), p, args[0], dryRun, func(l *onboarding.Link) bool { return l.Block(reason, p.clock()) })
			if err != nil {
				return err
			}
			if asJSON {
				return printBlock(cmd.OutOrStdout(), link, changed, dryRun)
			}
			text := "Customer %s is blocked, from the next message on. `xacct unblock %s --hub %s` ends it.\n"
			switch {
			case !changed:
				text = "Customer %s is blocked already. `xacct unblock %s --hub %s` ends it.\n"
			case dryRun:
				text = "Customer %s would be blocked, from the next message on. `xacct unblock %s --hub %s` would end it.\n"
			}
			return cli.Say(cmd.OutOrStdout(), text, link.CustomerID, link.CustomerID, on.hub)
		},
	}
	on.addTo(cmd)
	cmd.ValidArgsFunction = onlyFirst(on.completeCustomers(p))
	cmd.Flags().StringVar(&reason, "reason", "", "the reason, for the operators of the hub")
	addDryRun(cmd, &dryRun)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	return cmd
}

func newUnblockCommand(p process) *cobra.Command {
	var on hubFlags
	var asJSON, dryRun bool
	cmd := &cobra.Command{
		Use:   "unblock CUSTOMER --hub NAME",
		Short: "Unblock a customer",
		Long: `Unblock a customer. Requests that were refused meanwhile stay refused: the customer
has to create or update the stack again.` + blockJSON,
		Args: cli.Exactly(1, "CUSTOMER: its ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			link, changed, err := on.change(cmd.Context(), p, args[0], dryRun, (*onboarding.Link).Unblock)
			if err != nil {
				return err
			}
			if asJSON {
				return printBlock(cmd.OutOrStdout(), link, changed, dryRun)
			}
			text := "Customer %s is no longer blocked.\n"
			switch {
			case !changed:
				text = "Customer %s was not blocked.\n"
			case dryRun:
				text = "Customer %s would be unblocked.\n"
			}
			return cli.Say(cmd.OutOrStdout(), text, link.CustomerID)
		},
	}
	on.addTo(cmd)
	addDryRun(cmd, &dryRun)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	cmd.ValidArgsFunction = onlyFirst(on.completeCustomers(p))
	return cmd
}

// change applies edit to a customer's current link, and writes the link if edit
// returns true, unless it is a dry run. It returns the link and what edit returned.
func (f *hubFlags) change(ctx context.Context, p process, customer string, dryRun bool, edit func(*onboarding.Link) bool) (link onboarding.Link, changed bool, err error) {
	in, err := f.open(ctx, p, interactiveAttempts)
	if err != nil {
		return link, false, err
	}
	if dryRun {
		var found onboarding.Customer
		found, err = in.records.Customer(ctx, customer)
		link = found.Link
		changed = err == nil && edit(&link)
	} else {
		link, changed, err = customers.Edit(ctx, in.records, customer, edit)
	}
	switch {
	case errors.Is(err, registry.ErrNoLink):
		err = noCustomer(customer, f.hub)
	case errors.Is(err, registry.ErrConflict):
		err = fmt.Errorf("the link of customer %q of hub %q kept changing, because another process is writing it: try again", customer, f.hub)
	}
	return link, changed, in.explain(err)
}
