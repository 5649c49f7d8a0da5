// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newAdoptCommand(p process) *cobra.Command {
	var a adoption
	cmd := &cobra.Command{
		Use:   "adopt CUSTOMER --hub NAME",
		Short: "Register a role that exists already, without a stack",
		Long: `Register a role that a customer created before there was a link, by hand or with one
of your tools. The customer needs a link first, with external_id set to the one that
the role requires.

The role goes through the same proof as any other role: it must be assumable with the
external ID, and refused without it and with a wrong one. It is then active in
Terraform, with no stack. If the customer launches the link later, the stack's role
replaces it.

If the customer deletes an adopted role, only a round of proofs notices it
(` + "`xacct verify`" + `, or the registrar's own): the role becomes degraded. --release
releases the role; so does destroying the link.

With --json it prints an object: customer_id, account_id, role_arn, and status, which
is active for a registered role and disconnected for a released one. With --dry-run also
dry_run: the role is proven, but nothing is written.`,
		Example: `  xacct adopt globex --hub acme \
    --role-arn arn:aws:iam::222222222222:role/monitoring`,
		Args: cli.Exactly(1, "CUSTOMER: its ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.open(cmd.Context(), p, interactiveAttempts)
			if err != nil {
				return err
			}
			reg, err := a.run(cmd.Context(), in, args[0])
			if err != nil {
				return err
			}
			if err := a.print(cmd.OutOrStdout(), reg); err != nil {
				return err
			}
			if a.dryRun {
				return nil
			}
			if err := in.publishEvents(cmd.Context()); err != nil {
				cli.Say(cmd.ErrOrStderr(), "Events wait for the next registrar: %s\n", oneLine(err))
			}
			return nil
		},
	}
	a.addTo(cmd)
	cmd.ValidArgsFunction = onlyFirst(a.completeCustomers(p))
	cmd.Flags().StringVar(&a.roleARN, "role-arn", "", "ARN of the role (default: the one that the link's stack would create)")
	cmd.Flags().BoolVar(&a.release, "release", false, "release the adopted role: the customer is disconnected")
	addDryRun(cmd, &a.dryRun)
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON (described above)")
	return cmd
}

// adoption holds the command's flags.
type adoption struct {
	hubFlags
	roleARN string
	release bool
	dryRun  bool
	json    bool
}

// adoptionView is the output of --json.
type adoptionView struct {
	CustomerID string `json:"customer_id"`
	AccountID  string `json:"account_id"`
	RoleARN    string `json:"role_arn"`
	Status     string `json:"status"`
	DryRun     bool   `json:"dry_run,omitempty"`
}

func (a *adoption) print(out io.Writer, r onboarding.Registration) error {
	text := "Role %s of customer %s is proven and registered.\n"
	switch {
	case a.json:
		return cli.PrintJSON(out, adoptionView{r.CustomerID, r.Account.String(), r.Role.String(), string(r.Status), a.dryRun})
	case a.release && a.dryRun:
		text = "Role %s of customer %s would be released.\n"
	case a.dryRun:
		text = "Role %s of customer %s is proven and would be registered.\n"
	case a.release:
		text = "Role %s of customer %s is released.\n"
	}
	return cli.Say(out, text, r.Role, r.CustomerID)
}

// run adopts or releases, and returns the registration that results.
func (a *adoption) run(ctx context.Context, in *intake, customer string) (none onboarding.Registration, err error) {
	var role account.RoleARN
	if a.roleARN != "" {
		if role, err = account.ParseRoleARN(a.roleARN); err != nil {
			return none, cli.Usage("--role-arn: %w", err)
		}
	}
	adopting := customers.Adoption{Registry: in.records, Prover: in.prover(), Partition: in.clients.Partition(), Clock: in.clock, DryRun: a.dryRun}
	change := adopting.Adopt
	if a.release {
		change = adopting.Release
	}
	reg, err := change(ctx, customer, role)
	var refused *customers.NotAdoptableError
	switch {
	case errors.As(err, &refused):
		return none, err
	case errors.Is(err, registry.ErrNoLink):
		return none, noCustomer(customer, a.hub)
	case errors.Is(err, customers.ErrNoAccount):
		return none, cli.Usage("the link of customer %s names no account: give --role-arn", customer)
	case errors.Is(err, customers.ErrNotAdopted):
		return none, fmt.Errorf("customer %s of hub %s has no adopted role", customer, a.hub)
	case errors.Is(err, registry.ErrConflict):
		return none, fmt.Errorf("the registration of customer %q of hub %q kept changing: try again", customer, a.hub)
	case err != nil:
		return none, in.explain(err)
	}
	return reg, nil
}
