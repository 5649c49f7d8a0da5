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
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/roleproof"
)

const verifyHelp = `Assume every registered role once, with its external ID. A role that can no longer
be assumed becomes degraded, with the reason; a degraded one that passes
the full proof again (refused without the external ID and with a wrong one) becomes
active. Terraform shows it at the next refresh. A throttle or an outage
changes nothing, and a customer is disconnected only if a Delete of their stack
has come that could not be answered in time, their role is refused, and another
customer's is not.

If a permission set has register_without_stack, this also looks for roles that
customers made without a stack, under every open link that names an account: one that
passes the full proof is registered. Registrars do it by themselves, at intervals that
grow from a minute to a day.

With --full every role gets the full proof, four calls instead of one: that finds
roles that were opened to others since they were registered. The registrar's own
rounds do it to a seventh of the roles each time.

After the hub's table was restored from a point in time, this also looks, for a
week, for the roles of customers who connected since: with one call for each link
that is not connected. One that passes the full proof is registered again.
--restored does it whether or not the hub's record says that the table was restored.

If three or more roles are refused and none of their kind works, the cause is probably
on the vendor's side, such as a lost sts:AssumeRole: then nothing is changed. With
--customer, one customer's roles are judged without that rule.

With --json it prints a list of objects, sorted by customer_id:

  customer_id, account_id, role_arn
  verdict   works, broken, unknown (AWS did not say), withheld (refused, as all of its
            kind: nothing was changed) or moved (the customer changed the stack meanwhile)
  status    of the role now
  before    the previous status, if it has changed
  since     when the role became degraded
  reason    why it does not work, or why that is not known

The exit code is 0 if all roles work.`

func newVerifyCommand(p process) *cobra.Command {
	var on hubFlags
	var customer string
	var concurrency int
	var full, restored, asJSON bool
	cmd := &cobra.Command{
		Use:   "verify --hub NAME",
		Short: "Prove the registered roles again",
		Long:  verifyHelp,
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if concurrency < 1 {
				return cli.Usage("--concurrency %d: must be at least 1", concurrency)
			}
			in, err := on.open(cmd.Context(), p, interactiveAttempts)
			if err != nil {
				return err
			}
			config := health.Config{Registry: in.records, Prover: in.prover(), Clock: p.clock, Concurrency: concurrency, Full: full, Awaited: &in.record.Hub}
			if restored || in.record.Recovering(p.clock()) {
				config.Restored = &in.record.Hub
			}
			findings, err := verify(cmd.Context(), config, customer)
			if errors.Is(err, registry.ErrNoLink) {
				return noCustomer(customer, on.hub)
			}
			if len(findings) > 0 || err == nil {
				if printed := printFindings(cmd.OutOrStdout(), findings, in.explain, asJSON); printed != nil {
					return printed
				}
			}
			if err != nil {
				return in.explain(err)
			}
			if err := in.publishEvents(cmd.Context()); err != nil {
				cli.Say(cmd.ErrOrStderr(), "Events wait for the next registrar: %s\n", oneLine(err))
			}
			return judge(findings)
		},
	}
	on.addTo(cmd)
	cmd.Flags().StringVar(&customer, "customer", "", "verify only this customer's roles")
	cmd.Flags().BoolVar(&full, "full", false, "give active roles the full proof too: also without the external ID and with a wrong one")
	cmd.Flags().BoolVar(&restored, "restored", false, "also look for roles that the registry has lost, as after a restore of its table")
	cmd.Flags().IntVar(&concurrency, "concurrency", 8, "number of roles assumed at once")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	completeFlag(cmd, "customer", on.completeCustomers(p))
	return cmd
}

func verify(ctx context.Context, config health.Config, customer string) ([]health.Finding, error) {
	if customer != "" {
		return health.Customer(ctx, config, customer)
	}
	return health.Round(ctx, config)
}

// prover returns a prover that assumes customers' roles as the caller of the
// command, or through the vendor's role that they trust.
func (in *intake) prover() *roleproof.Prover {
	return registrar.NewProver(in.clients, in.record)
}

// findingView is the finding for one role, as --json prints it.
type findingView struct {
	CustomerID string     `json:"customer_id"`
	AccountID  string     `json:"account_id"`
	RoleARN    string     `json:"role_arn"`
	Verdict    string     `json:"verdict"`
	Status     string     `json:"status"`
	Before     string     `json:"before,omitempty"`
	Since      *time.Time `json:"since,omitempty"`
	Reason     string     `json:"reason,omitempty"`
}

func newFindingView(f health.Finding, explain func(error) error) findingView {
	r := f.Registration
	view := findingView{
		CustomerID: r.CustomerID, AccountID: r.Account.String(), RoleARN: r.Role.String(),
		Verdict: string(f.Verdict), Status: string(r.Status), Reason: reasonFor(f, explain),
	}
	if f.Before != r.Status {
		view.Before = string(f.Before)
	}
	if r.Status == onboarding.Degraded {
		view.Since = known(r.ChangedAt)
	}
	return view
}

func printFindings(out io.Writer, findings []health.Finding, explain func(error) error, asJSON bool) error {
	views := []findingView{} // never null in JSON
	for _, f := range findings {
		views = append(views, newFindingView(f, explain))
	}
	switch {
	case asJSON:
		return cli.PrintJSON(out, views)
	case len(views) == 0:
		err := cli.Say(out, "No customer has a live stack: there is nothing to verify.\n")
		return err
	}
	t := cli.NewTable("CUSTOMER", "ROLE", "VERDICT", "STATUS", "SINCE", "REASON")
	t.Colours("VERDICT", map[string]cli.Colour{"works": cli.Green, "broken": cli.Red, "unknown": cli.Yellow, "withheld": cli.Red})
	t.Optional("SINCE", "ROLE")
	for _, v := range views {
		status := v.Status
		if v.Before != "" {
			status += " (was " + v.Before + ")"
		}
		t.Row(v.CustomerID, v.RoleARN, v.Verdict, status, momentOf(v.Since), v.Reason)
	}
	return t.Print(out)
}

// reasonFor returns the reason for a role's verdict. If access to the registry
// was denied, it names the missing permission.
func reasonFor(f health.Finding, explain func(error) error) string {
	f.Err = explain(f.Err)
	if denied := (*awsclient.PermissionError)(nil); f.Verdict == health.Unknown && errors.As(f.Err, &denied) {
		f.Err = errors.New(oneLine(f.Err))
	}
	return f.Reason()
}

// judge returns an error that summarizes the findings; nil if all roles work.
func judge(findings []health.Finding) error {
	all := len(findings)
	switch broken, withheld, unknown := health.Count(findings, health.Broken), health.Count(findings, health.Withheld), health.Count(findings, health.Unknown); {
	case withheld > 0:
		return fmt.Errorf("%d of %d roles refused, and none could be assumed: check that you may do sts:AssumeRole on them; `xacct verify --customer ID` judges one alone", withheld, all)
	case broken > 0:
		return fmt.Errorf("%d of %d roles do not work", broken, all)
	case unknown > 0:
		return fmt.Errorf("%d of %d roles could not be verified", unknown, all)
	}
	return nil
}
